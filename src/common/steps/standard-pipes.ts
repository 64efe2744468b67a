/** Standard streams that the command's user may open once more by their names, /dev/stdout and the like. */
import { fstatSync, readlinkSync } from 'node:fs';
import type { Kernel } from '../kernel/kernel.js';
import { failedWith, KernelError } from '../kernel/kernel-error.js';
import { processStat } from '../process-files.js';
import { type LaunchSpec, newSession } from '../spec.js';
import type { Refusal } from '../step.js';

/**
 * open(2) of /proc/self/fd/1 looks at the permissions of the file behind it, and a pipe can be opened only by the user who
 * made it: the caller, who is not the command's user. So anybody may open it. That lets nobody in: a pipe has no name but
 * those below /proc/PID/fd, and only who may look into that process gets there (proc_pid_fd(5)). A file stays as it is:
 * it has a name, and belongs to the caller also when the command has ended.
 */
export function openStandardPipes(kernel: Kernel, { becomesUser }: Pick<LaunchSpec, 'becomesUser'>): void {
  if (!becomesUser) return;
  for (const fd of [0, 1, 2].filter(isPipe)) {
    try {
      kernel.call('fchmod', { fd, mode: 0o666 });
    } catch (error) {
      // It belongs to somebody who is not mapped.
      if (!failedWith(error, 'EPERM')) throw error;
    }
  }
}

/**
 * A terminal has a name too. But it can be opened as /dev/tty by every process that it controls (tty(4)), and what was
 * opened so is opened once more in the same way.
 */
export function openSharedTerminal(kernel: Kernel, spec: Pick<LaunchSpec, 'becomesUser' | 'terminal'>): void {
  const shared = spec.becomesUser && !newSession(spec) ? [0, 1, 2].filter(isControlling) : [];
  if (shared.length === 0) return;
  try {
    const flags = ['O_RDWR', 'O_CLOEXEC'] as const;
    const oldfd = kernel.call('open', { pathname: '/dev/tty', flags, mode: 0 });
    for (const newfd of shared) kernel.call('dup2', { oldfd, newfd });
    kernel.call('close', { fd: oldfd });
  } catch (error) {
    // There is no such file in the root.
    if (!(error instanceof KernelError) || error.data.call !== 'open') throw error;
  }
}

export const terminalRefusals: readonly Refusal[] = [
  {
    call: 'open',
    instead:
      'the command cannot open /dev/stdin, /dev/stdout or /dev/stderr: the terminal there belongs to somebody else',
  },
];

/** Both have the numbers of the device in the same form: proc_pid_stat(5), stat(3type). */
function isControlling(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).rdev !== 0 && fstatSync(descriptor).rdev === processStat('self').terminal;
  } catch {
    return false; // It is closed, or there is no /proc.
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
