import type { Kernel } from '../kernel/kernel.js';
import { KernelError } from '../kernel/kernel-error.js';
import { mountLine, mountsInside, uncovered } from '../mount-table.js';
import { type LaunchSpec, unshares } from '../spec.js';
import type { Step } from '../step.js';
import { remounted, restrictMounts } from './mount-attributes.js';
import { hostPath, remountBelow } from './new-root-shell.js';

const newTitle = 'mount a new /sys';
const boundTitle = 'bind the host’s /sys';
const withoutGroupsTitle = 'mount a new /sys, no cgroups';

const fresh = (spec: LaunchSpec): boolean => unshares(spec, 'net');

export const sysStep: Step = {
  id: 'sys',
  stage: 'child',
  title: (spec) => (fresh(spec) ? newTitle : boundTitle),
  why:
    '/sys shows devices, and the network interfaces of the network namespace it was mounted in. So the kernel gives a new ' +
    'one only with a new network namespace. Otherwise the host’s is bound.',
  man: 'sysfs(5), network_namespaces(7)',
  shell: (spec) => {
    const sys = hostPath(spec, '/sys');
    const own = `mount -t sysfs -o ro,nosuid,nodev,noexec sysfs ${sys}`;
    const brought = `mount --rbind /sys ${sys} && ${remountBelow(sys, 'ro,nodev')}`;
    const groups = `mount -t cgroup2 -o ro,nosuid,nodev,noexec cgroup2 ${sys}/fs/cgroup || true`;
    return [fresh(spec) ? own : brought, ...(unshares(spec, 'cgroup') ? [groups] : [])].join('; ');
  },
  gist: (spec) => (fresh(spec) ? 'mount -t sysfs -o ro sysfs /sys' : 'mount --rbind /sys NEW_ROOT/sys'),
  applies: ({ root }) => root !== undefined,
  refusals: (spec) => [
    ...(fresh(spec)
      ? [
          {
            call: 'mount',
            args: { filesystemtype: 'sysfs' },
            instead:
              'the kernel gives no new sysfs here, as the host’s /sys is partly covered; the host’s is shown instead, read-only, with the network devices of the host',
            title: boundTitle,
          },
        ]
      : []),
    ...(unshares(spec, 'cgroup')
      ? [
          {
            call: 'mount',
            args: { filesystemtype: 'cgroup2' },
            instead: 'the kernel gives no new cgroup2 here, so /sys/fs/cgroup is not the container’s own',
            // Bound, it has the host's.
            title: fresh(spec) ? withoutGroupsTitle : boundTitle,
          },
        ]
      : []),
    ...remounted,
  ],
  run: ({ spec, kernel }) => {
    if (!fresh(spec) || !mountFresh(kernel)) bringAlong(kernel);
    if (unshares(spec, 'cgroup')) mountControlGroups(kernel);
  },
  evidence: () => ({
    mounts: mountsInside().atOrBelow('/sys').map(mountLine),
  }),
  summary: (_, after) => {
    const mounts = after.mounts as string[];
    const groups = mounts.some((line) => line.startsWith('/sys/fs/cgroup cgroup2 '));
    return `read-only${groups ? ', with its cgroups' : ''}`;
  },
  shortfall: (_, after) => {
    const mounts = after.mounts as string[];
    if (!mounts.some((line) => line.startsWith('/sys '))) return '/sys is not mounted there';
    const writable = uncovered(mountsInside().all).find(
      ({ mountPoint, options }) => /^\/sys(\/|$)/.test(mountPoint) && !options.split(',').includes('ro'),
    );
    return writable && `${writable.mountPoint} is writable`;
  },
};

/** False where the host's /sys is partly covered, as in a container: then a user namespace gets no new one. */
function mountFresh(kernel: Kernel): boolean {
  return tryMount(kernel, 'sysfs', '/sys', ['EPERM']);
}

function bringAlong(kernel: Kernel): void {
  kernel.call('mount', {
    source: 'sys', // The old root's: a relative path.
    target: '/sys',
    filesystemtype: null,
    mountflags: ['MS_BIND', 'MS_REC'],
    data: null,
  });
  restrictMounts(kernel, '/sys', ['MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NODEV']);
}

/** In a cgroup namespace of its own, the own control group is the root of the tree: cgroup_namespaces(7). */
function mountControlGroups(kernel: Kernel): void {
  tryMount(kernel, 'cgroup2', '/sys/fs/cgroup', ['EPERM', 'ENOENT', 'ENODEV', 'EBUSY']);
}

/** Mounts a file system read-only; false when the kernel refuses with one of these. */
function tryMount(kernel: Kernel, type: string, target: string, refusals: readonly string[]): boolean {
  try {
    kernel.call('mount', {
      source: type,
      target,
      filesystemtype: type,
      mountflags: ['MS_RDONLY', 'MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC'],
      data: null,
    });
    return true;
  } catch (error) {
    if (error instanceof KernelError && refusals.includes(error.data.errno)) return false;
    throw error;
  }
}
