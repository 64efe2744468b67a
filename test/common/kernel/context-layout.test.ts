/**
 * A context that JavaScript writes is, byte for byte, the one that makecontext(3) would have left; and the arrangement
 * of another processor, with everything in registers, is understood too.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../../src/common/kernel/arena.js';
import {
  type Context,
  ContextLayout,
  contextSize,
  model,
} from '../../../src/common/kernel/context-layout.js';
import { address, int, pointer, poke, word } from '../../../src/common/kernel/libc.js';

const words = (content: Uint8Array): BigUint64Array => new BigUint64Array(new Uint8Array(content).buffer);
const { stackedSize } = ContextLayout;

test('a context written as bytes is the one that makecontext(3) leaves', () => {
  // Looking up an address opens the C library.
  const entries = { write: address('write'), exit: address('_exit') };
  const arena = new Arena();
  const at = arena.reserve(contextSize);
  word('getcontext', pointer(at));
  const captured = arena.read(at, contextSize);

  /** Has makecontext(3) fill in a context; what is in it then, and at the top of its stack. */
  const made = (before: Buffer, entry: bigint, args: readonly bigint[], top: bigint) => {
    poke(top - BigInt(stackedSize), Buffer.alloc(stackedSize));
    poke(at, before);
    word('makecontext', pointer(at), pointer(entry), int(args.length), ...args.map(pointer));
    return [arena.read(at, contextSize), arena.read(top - BigInt(stackedSize), stackedSize)] as const;
  };
  const learned = arena.base + 8n * 1024n * 1024n;
  const marked = model(captured, learned);
  const [context, stacked] = made(marked.bytes, marked.function, marked.arguments, learned);
  const layout = new ContextLayout(words(captured), words(context), words(stacked), learned);

  for (let count = 0; count <= 6; count += 1) {
    const wanted: Context = {
      function: count % 2 === 0 ? entries.write : entries.exit,
      arguments: [1n, 0xffffffffffffffffn, 0x1234567890abcdefn, 0n, 5n, learned].slice(0, count),
      next: arena.base + 4096n,
      top: learned + 4096n,
    };
    const before = words(captured);
    const stack = new BigUint64Array(stackedSize / 8);
    layout.write(before, 0, stack, 0, wanted);
    // The successor and the stack are in a context before makecontext(3) sees it.
    const given = model(captured, wanted.top).bytes;
    given.writeBigUInt64LE(wanted.next, 8);
    const [expected, expectedStack] = made(given, wanted.function, wanted.arguments, wanted.top);
    assert.deepEqual(before, words(expected), `${count} arguments`);
    assert.deepEqual(stack, words(expectedStack), `${count} arguments, on the stack`);
  }
  arena.release();
});

test('where a function returns to may be in a register, as on aarch64', () => {
  const captured = new BigUint64Array(40).fill(7n);
  const { function: entry, arguments: args, bytes } = model(Buffer.from(captured.buffer), 0x7000n);
  const context = captured.slice();
  context.set(args, 10);
  context.set([entry, bytes.readBigUInt64LE(8), 0n, 0xabcdefn, 0x7000n], 20);
  const layout = new ContextLayout(captured, context, new BigUint64Array(8), 0x7000n);
  const [written, stack] = [captured.slice(), new BigUint64Array(8)];
  layout.write(written, 0, stack, 0, { function: 1n, arguments: [2n, 3n], next: 4n, top: 0x9000n });
  assert.deepEqual([...written.slice(10, 13)], [2n, 3n, 7n]);
  assert.deepEqual([...written.slice(20, 25)], [1n, 4n, 0n, 0xabcdefn, 0x9000n]);
  assert.ok(stack.every((value) => value === 0n));
});

test('a context that is not understood is refused', () => {
  const nothing = new BigUint64Array(8);
  assert.throws(() => new ContextLayout(nothing, nothing, nothing, 0n), /not understood/);
});
