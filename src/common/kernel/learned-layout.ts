/** What contexts of this C library look like, which is asked once in the life of a process. */
import { withSignalMask } from './arena.js';
import { ContextLayout, contextSize, model } from './context-layout.js';
import { int, peek, pointer, poke, word } from './libc.js';

/** getcontext(3) while these signals are blocked. Its memory has to stay: copies point to the floating-point state in it. */
export function capturedContext(at: bigint, signals: readonly number[] | 'all'): Buffer {
  withSignalMask(signals, () => word('getcontext', pointer(at)));
  return peek(at, contextSize);
}

let learned: ContextLayout | undefined;

/**
 * Has makecontext(3) fill in one context, to see what all others have to look like.
 * @param room where a context may be written
 * @param top the end of a stack, whose last bytes are overwritten
 */
export function learnedLayout(captured: Buffer, room: bigint, top: bigint): ContextLayout {
  learned ??= learn(captured, room, top);
  return learned;
}

function learn(captured: Buffer, room: bigint, top: bigint): ContextLayout {
  const { bytes, function: mark, arguments: marks } = model(captured, top);
  poke(room, bytes);
  word('makecontext', pointer(room), pointer(mark), int(marks.length), ...marks.map(pointer));
  const words = (content: Buffer) => new BigUint64Array(new Uint8Array(content).buffer);
  const { stackedSize } = ContextLayout;
  const stacked = peek(top - BigInt(stackedSize), stackedSize);
  return new ContextLayout(words(captured), words(peek(room, contextSize)), words(stacked), top);
}
