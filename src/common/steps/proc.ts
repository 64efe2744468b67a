import { lstatSync } from 'node:fs';
import { mountsAt, visibleProcesses } from '../evidence.js';
import { Failure } from '../failure.js';
import type { Kernel } from '../kernel/kernel.js';
import { shellWord } from '../shell-word.js';
import type { LaunchSpec } from '../spec.js';
import { unshares } from '../spec.js';
import type { Step } from '../step.js';

/** Before the root is changed, seen from the new root, which is the working directory; else the usual place. */
const target = ({ root }: LaunchSpec): string => (root === undefined ? '/proc' : 'proc');
const place = ({ root }: LaunchSpec): string => (root === undefined ? '/proc' : `${root.path}/proc`);

/** In a PID namespace of its own /proc is mounted anew; otherwise it is the one of outside. */
const fresh = (spec: LaunchSpec): boolean => unshares(spec, 'pid');

export const procStep: Step = {
  id: 'proc',
  stage: 'child',
  title: (spec) => (fresh(spec) ? 'mount a /proc of its own' : 'bring /proc along'),
  why:
    '/proc shows the processes of the PID namespace it was mounted in. A new one has to be mounted before the old root ' +
    'is detached, as a user namespace may mount /proc only while it can see one in full.',
  man: 'proc(5), pid_namespaces(7)',
  shell: (spec) => {
    const makeMountPoint = spec.root === undefined ? '' : `mkdir -p ${shellWord(place(spec))} && `;
    return makeMountPoint + mountCommand(spec);
  },
  applies: (spec) => fresh(spec) || spec.root !== undefined,
  run: ({ spec, kernel }) => {
    makeMountPoint(spec, kernel);
    kernel.call(
      'mount',
      fresh(spec)
        ? {
            source: 'proc',
            target: target(spec),
            filesystemtype: 'proc',
            mountflags: ['MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC'],
            data: null,
          }
        : {
            source: '/proc',
            target: target(spec),
            filesystemtype: null,
            mountflags: ['MS_BIND', 'MS_REC'],
            data: null,
          },
    );
  },
  evidence: (context) => ({
    mounts: mountsAt(place(context.spec)),
    processes: visibleProcesses(place(context.spec)),
  }),
  outside: (spec) => ({ 'mounts outside': mountsAt(place(spec)) }),
  shortfall: (before, after) => {
    if ((after.mounts as string[]).length <= (before.mounts as string[]).length)
      return '/proc is not mounted there';
    // Our own process ID, in the PID namespace that this /proc shows: 1 if it is a new one.
    return (after.processes as number[]).includes(process.pid)
      ? undefined
      : `/proc does not show this process, ${process.pid}`;
  },
};

const mountCommand = (spec: LaunchSpec): string =>
  fresh(spec)
    ? `mount -t proc -o nosuid,nodev,noexec proc ${shellWord(place(spec))}`
    : `mount --rbind /proc ${shellWord(place(spec))}`;

/** A root file system without a folder proc gets one, where that is possible. */
function makeMountPoint(spec: LaunchSpec, kernel: Kernel): void {
  const found = lstatSync(place(spec), { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found !== undefined) {
    throw new Failure(`step proc: ${place(spec)} is needed to mount /proc and is not a directory`, {
      next: `Put a directory in its place: rm ${place(spec)} && mkdir ${place(spec)}`,
    });
  }
  kernel.call('mkdir', { pathname: target(spec), mode: 0o555 });
}
