import { visibleProcesses } from '../evidence.js';
import type { Kernel } from '../kernel/kernel.js';
import { failedWith } from '../kernel/kernel-error.js';
import { type MountTable, mountsAt, mountsInside, mountTable } from '../mount-table.js';
import { ownNumberInProc } from '../process-files.js';
import { isHostTree, type LaunchSpec, otherPlace, placeOf, unshares } from '../spec.js';
import type { Step } from '../step.js';
import { hostPath } from './new-root-shell.js';

/** With a new PID namespace /proc is mounted again; otherwise it is the host's. */
const fresh = (spec: LaunchSpec): boolean => unshares(spec, 'pid');

/** The host's own tree is set up below its /proc, and comes along where that is bound. */
const takesAlong = (spec: LaunchSpec): boolean => isHostTree(spec.root) && !fresh(spec);

const boundTitle = 'bind the host’s /proc';

/** The mounts below the new root where there is one, otherwise all. */
const mounts = ({ root }: LaunchSpec): MountTable => (root === undefined ? mountTable() : mountsInside());

export const procStep: Step = {
  id: 'proc',
  stage: 'child',
  title: (spec) => (fresh(spec) ? 'mount a new /proc' : boundTitle),
  why:
    '/proc shows the processes of the PID namespace it was mounted in. A new one has to be mounted before the old root ' +
    'is detached: a user namespace may mount /proc only while it can see one in full.',
  man: 'proc(5), pid_namespaces(7)',
  shell: (spec) =>
    fresh(spec)
      ? `mount -t proc -o nosuid,nodev,noexec proc ${hostPath(spec, '/proc')}`
      : `mount --rbind /proc ${hostPath(spec, '/proc')}${takesAlong(spec) ? `; umount -l ${hostPath(spec, otherPlace)}` : ''}`,
  gist: (spec) => (fresh(spec) ? 'mount -t proc proc /proc' : 'mount --rbind /proc NEW_ROOT/proc'),
  applies: (spec) => fresh(spec) || spec.root !== undefined,
  refusals: (spec) =>
    fresh(spec) && unshares(spec, 'uid')
      ? [
          {
            call: 'mount',
            args: { filesystemtype: 'proc' },
            instead:
              'the kernel gives no new /proc here, as the host’s is partly covered; the host’s is shown instead, with the processes of the host',
            title: boundTitle,
          },
        ]
      : [],
  run: ({ spec, kernel }) => {
    if (fresh(spec) && mountFresh(kernel, unshares(spec, 'uid'))) return;
    bringAlong(kernel, spec);
  },
  evidence: ({ spec }) => ({
    mounts: mountsAt('/proc', mounts(spec)),
    processes: visibleProcesses(),
    '/proc/self': ownNumberInProc(),
  }),
  summary: (_, after, spec) => {
    const processes = after.processes as number[];
    return fresh(spec) && after['/proc/self'] === 1
      ? `shows ${processes.length === 1 ? `one process, PID ${processes[0]}` : `${processes.length} processes`}`
      : `shows the ${processes.length} processes of the host`;
  },
  onHost: (spec, mounts) => ({
    'mounts on the host': mountsAt(`${placeOf(spec.root)}/proc`, mounts()),
  }),
  shortfall: (before, after) => {
    if ((after.mounts as string[]).length <= (before.mounts as string[]).length)
      return '/proc is not mounted there';
    const self = after['/proc/self'] as number;
    return (after.processes as number[]).includes(self)
      ? undefined
      : `/proc does not show this process, ${self}`;
  },
};

/**
 * False where parts of the host's /proc are covered, as in a container: then a user namespace gets no new one. It keeps the
 * command from the processes that it sees; root without one is kept from them by not seeing them.
 */
function mountFresh(kernel: Kernel, inUserNamespace: boolean): boolean {
  try {
    kernel.call('mount', {
      source: 'proc',
      target: '/proc',
      filesystemtype: 'proc',
      mountflags: ['MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC'],
      data: null,
    });
    return true;
  } catch (error) {
    if (inUserNamespace && failedWith(error, 'EPERM')) return false;
    throw error;
  }
}

/** Binds the host's, which comes with what covers parts of it there. */
function bringAlong(kernel: Kernel, { root }: LaunchSpec): void {
  kernel.call('mount', {
    // From the old root by a relative path; without a new root, /proc is in its place already.
    source: root === undefined ? '/proc' : 'proc',
    target: '/proc',
    filesystemtype: null,
    mountflags: ['MS_BIND', 'MS_REC'],
    data: null,
  });
  // Below the host's /proc lies what is the new root now.
  if (isHostTree(root)) kernel.call('umount2', { target: otherPlace, flags: 'MNT_DETACH' });
}
