/** Waits while nothing else of this thread runs: for what other processes do, of which no event tells. */
export function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
