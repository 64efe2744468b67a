import type { Kernel } from './kernel.js';
import { drop } from './pipe.js';

/**
 * Takes a descriptor out of another process: pidfd_getfd(2). It is closed by an execve(2).
 * @param pid the process, as this one numbers it
 * @param descriptor its number there
 * @returns its number here
 * @throws KernelError where that process is gone, or may not be traced
 */
export function takeDescriptor(kernel: Kernel, pid: number, descriptor: number): number {
  const pidfd = kernel.call('pidfd_open', { pid, flags: 0 });
  try {
    return kernel.call('pidfd_getfd', { pidfd, targetfd: descriptor, flags: 0 });
  } finally {
    drop(kernel, pidfd);
  }
}
