/** What can be done about a control group that could not be made, limited or entered: cgroups(7). */
import { basename } from 'node:path';
import type { GroupRefusal } from '../../common/cgroup/plan.js';
import type { KernelErrorData } from '../../common/kernel/kernel-error.js';
import { withLine } from './doctor-lines.js';

/** What to do where there can be no group at all. */
export const withoutGroup = ({ next }: GroupRefusal): string => withLine(next.replace(/\.$/, ''), 'cgroup');

/** What one file of a group, or several, lack or refuse. */
const byFile: readonly {
  readonly errno: string;
  readonly file: RegExp;
  readonly next: string;
}[] = [
  {
    errno: 'ENOENT',
    file: /^(io|blkio)\./,
    next: 'Disk weights take an I/O scheduler that goes by them, BFQ, or iocost, and this kernel has none: leave out --io-weight',
  },
  {
    errno: 'ENOENT',
    file: /^memory\.(memsw|swap)\./,
    next: 'This kernel does not count swap for each control group: leave out --memory-swap, or start the machine with swapaccount=1',
  },
  {
    errno: 'EINVAL',
    file: /^cpu\.cfs_/,
    next: 'A control group above has less processor time, and version 1 lets none below it have more: ask for less with --cpus',
  },
];

const notYours =
  'These control groups are not yours to change: run it as root, or below a group that you have been given';
const noMore =
  'No more control groups can be made here: remove some, or see cgroup.max.descendants and cgroup.max.depth of those above, and free';

const byErrno: Readonly<Record<string, string>> = {
  EPERM: notYours,
  EACCES: notYours,
  EROFS: 'The control groups here are mounted read-only, as in a container: run gontainer on the host',
  EAGAIN: noMore,
  ENOMEM: noMore,
  ENOSPC: noMore,
  EBUSY:
    'The control group above has processes of its own, which somebody has put there meanwhile: try again',
};

/** @returns undefined for a step that is about something else */
export function groupRefused({ step, args, errno }: KernelErrorData): string | undefined {
  if (step !== 'control-group' && step !== 'enter-group') return undefined;
  const file = basename(String(args.pathname ?? args.fd));
  const next =
    byFile.find((one) => one.errno === errno && one.file.test(file))?.next ??
    byErrno[errno] ??
    'Leave out this limit, or see what the control groups of this machine allow';
  return withLine(next, 'cgroup');
}
