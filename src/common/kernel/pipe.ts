import { memory } from './calls.js';
import type { Kernel } from './kernel.js';

/**
 * A pipe whose ends every execve(2) closes: pipe2(2).
 * @param name what a rehearsal calls it, which has no descriptors
 */
export function pipe(kernel: Kernel, name: string): [read: number, write: number] {
  const ends = Buffer.alloc(8);
  const descriptors = (): [number, number] => [ends.readInt32LE(0), ends.readInt32LE(4)];
  kernel.call('pipe2', { pipefd: memory(ends, descriptors, name), flags: 'O_CLOEXEC' });
  return descriptors();
}

/** Closes descriptors that nobody waits for. close(2): they are gone whatever it returns, so that is only logged. */
export function drop(kernel: Kernel, ...descriptors: readonly number[]): void {
  for (const fd of descriptors) {
    try {
      kernel.call('close', { fd });
    } catch {
      // As said above.
    }
  }
}
