/** Calls in one crossing: they are made in order, from any of them on, again and again, and one may change the next. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Crossing } from '../../../src/common/kernel/crossing.js';
import { nativeMemory } from '../../../src/common/kernel/ffi.js';
import { address } from '../../../src/common/kernel/libc.js';

test('calls are made in one crossing, from any of them on, as often as one likes', () => {
  // Looking up an address opens the C library.
  address('memcpy');
  const { address: at, bytes } = nativeMemory(64);
  const place = (offset: number): bigint => at + BigInt(offset);
  const crossing = new Crossing(3);
  // The first says how much the second copies; the third appends.
  const from = crossing.prepare([
    { function: 'memcpy', args: [crossing.argument(1, 2), place(0), 1n] },
    { function: 'memcpy', args: [place(16), place(8), 0n] },
    { function: 'strcat', args: [place(16), place(32)] },
  ]);
  bytes.write('abcdef', 8);
  bytes.write('!', 32);
  const [all, last] = [from(0), from(2)];
  for (const count of [1, 6, 3]) {
    bytes.fill(0, 16, 32);
    bytes[0] = count;
    all();
    const copied = 'abcdef'.slice(0, count);
    assert.equal(bytes.toString('latin1', 16, 16 + count + 2), `${copied}!\0`);
    last();
    assert.equal(bytes.toString('latin1', 16, 16 + count + 3), `${copied}!!\0`);
  }
});
