/** Standard streams that the command's user may open once more by their names, /dev/stdout and the like. */
import { readlinkSync } from 'node:fs';
import type { Kernel } from '../kernel/kernel.js';
import { KernelError } from '../kernel/kernel-error.js';
import type { LaunchSpec } from '../spec.js';
import type { Refusal } from '../step.js';

/**
 * open(2) of /proc/self/fd/1 looks at the permissions of the file behind it, and a pipe can be opened only by the user who
 * made it: the caller, who is not the command's user. So anybody may open it. That lets nobody in: a pipe has no name but
 * those below /proc/PID/fd, and only who may look into that process gets there (proc_pid_fd(5)). A file or a terminal
 * stays as it is: they have names, and belong to the caller also when the command has ended.
 */
export function openStandardPipes(kernel: Kernel, { becomesUser }: Pick<LaunchSpec, 'becomesUser'>): void {
  if (!becomesUser) return;
  for (const fd of [0, 1, 2].filter(isPipe)) {
    try {
      kernel.call('fchmod', { fd, mode: 0o666 });
    } catch (error) {
      // It belongs to somebody who is not mapped.
      if (!(error instanceof KernelError) || error.data.errno !== 'EPERM') throw error;
    }
  }
}

export const pipeRefusals: readonly Refusal[] = [
  {
    call: 'fchmod',
    instead:
      'the command cannot open /dev/stdin, /dev/stdout or /dev/stderr: a pipe there belongs to somebody else',
  },
];

function isPipe(descriptor: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('pipe:[');
  } catch {
    return false; // It is closed, or there is no /proc.
  }
}
