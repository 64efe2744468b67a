import { memory } from './calls.js';
import type { Kernel } from './kernel.js';

/**
 * A pipe whose ends every execve(2) closes: pipe2(2).
 * @param name what the log calls it
 */
export function pipe(kernel: Kernel, name: string): [read: number, write: number] {
  const ends = Buffer.alloc(8);
  kernel.call('pipe2', { pipefd: memory(ends, name), flags: 'O_CLOEXEC' });
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}
