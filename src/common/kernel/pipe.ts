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

/**
 * Two sockets that are connected, and that every execve(2) closes: socketpair(2). What is written to one is read from the
 * other.
 * @param name what a rehearsal calls it, which has no descriptors
 */
export function socketPair(kernel: Kernel, name: string): [one: number, other: number] {
  const ends = Buffer.alloc(8);
  const descriptors = (): [number, number] => [ends.readInt32LE(0), ends.readInt32LE(4)];
  kernel.call('socketpair', {
    domain: 'AF_UNIX',
    type: ['SOCK_STREAM', 'SOCK_CLOEXEC'],
    protocol: 0,
    sv: memory(ends, descriptors, name),
  });
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
