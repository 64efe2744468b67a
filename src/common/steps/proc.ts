import { visibleProcesses } from '../evidence.js';
import { type Mount, mountLine, mountsAt, mountsInside, mountTable } from '../mount-table.js';
import { isHostTree, type LaunchSpec, otherPlace, placeOf, unshares } from '../spec.js';
import type { Step } from '../step.js';
import { hostPath } from './new-root-shell.js';

/** With a new PID namespace /proc is mounted again; otherwise it is the host's. */
const fresh = (spec: LaunchSpec): boolean => unshares(spec, 'pid');

/** The host's own tree is set up below its /proc, and comes along with it. */
const takesAlong = (spec: LaunchSpec): boolean => isHostTree(spec.root) && !fresh(spec);

/** The mounts below the new root where there is one, otherwise all. */
const mounts = ({ root }: LaunchSpec): Mount[] => (root === undefined ? mountTable() : mountsInside());

export const procStep: Step = {
  id: 'proc',
  stage: 'child',
  title: (spec) => (fresh(spec) ? 'mount a new /proc' : 'bind the host’s /proc'),
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
  run: ({ spec, kernel }) => {
    kernel.call(
      'mount',
      fresh(spec)
        ? {
            source: 'proc',
            target: '/proc',
            filesystemtype: 'proc',
            mountflags: ['MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC'],
            data: null,
          }
        : {
            source: 'proc', // The old root's: a relative path.
            target: '/proc',
            filesystemtype: null,
            mountflags: ['MS_BIND', 'MS_REC'],
            data: null,
          },
    );
    // Below the host's /proc lies what is the new root now.
    if (takesAlong(spec)) kernel.call('umount2', { target: otherPlace, flags: 'MNT_DETACH' });
  },
  evidence: ({ spec }) => ({
    mounts: mounts(spec)
      .filter(({ mountPoint }) => mountPoint === '/proc')
      .map(mountLine),
    processes: visibleProcesses(),
  }),
  summary: (_, after, spec) => {
    const processes = after.processes as number[];
    return fresh(spec)
      ? `shows ${processes.length === 1 ? `one process, PID ${processes[0]}` : `${processes.length} processes`}`
      : `shows the ${processes.length} processes of the host`;
  },
  onHost: (spec) => ({
    'mounts on the host': mountsAt(`${placeOf(spec.root)}/proc`),
  }),
  shortfall: (before, after) => {
    if ((after.mounts as string[]).length <= (before.mounts as string[]).length)
      return '/proc is not mounted there';
    // Our own process ID, in the PID namespace that this /proc shows: 1 if it is a new one.
    return (after.processes as number[]).includes(process.pid)
      ? undefined
      : `/proc does not show this process, ${process.pid}`;
  },
};
