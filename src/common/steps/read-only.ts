import { realpathSync } from 'node:fs';
import { memory } from '../kernel/calls.js';
import { constants } from '../kernel/constants.js';
import type { Kernel } from '../kernel/kernel.js';
import { KernelError } from '../kernel/kernel-error.js';
import { keptFlags } from '../mount-flags.js';
import { mountLine, mountsInside } from '../mount-table.js';
import type { Refusal, Step } from '../step.js';
import { hostPath, readOnlyBelow } from './shell-lines.js';

export const readOnlyStep: Step = {
  id: 'read-only',
  stage: 'child',
  title: () => 'make the new root read-only',
  why:
    'Read-only is a flag of a mount, not of a tree: a mount below stays writable unless the flag is set there too. What ' +
    'is mounted from here on, such as /dev and what --tmpfs asks for, is not affected.',
  man: 'mount_setattr(2), mount(2)',
  // Below an overlay there are only its own parts, which it covers.
  shell: (spec) =>
    spec.root?.overlay === undefined
      ? readOnlyBelow(hostPath(spec, ''))
      : `mount -o remount,bind,ro ${hostPath(spec, '')}`,
  applies: ({ root }) => root?.readOnly === true,
  run: ({ kernel }) => makeReadOnly(kernel, '/'),
  evidence: () => ({ mounts: mountsInside().map(mountLine) }),
  summary: (_, after) => {
    const { length } = after.mounts as string[];
    return `${length} mount${length === 1 ? '' : 's'}, all read-only`;
  },
  gist: () => 'mount -o remount,bind,ro /',
  refusals: () => remounted,
  shortfall: () => {
    const writable = mountsInside().find(({ options }) => !options.split(',').includes('ro'));
    return writable && `${writable.mountPoint} is writable`;
  },
};

/** Where the kernel cannot set a whole tree of mounts read-only, each is remounted: nothing is different for a reader. */
export const remounted: readonly Refusal[] = [
  {
    call: 'mount_setattr',
    instead: 'this kernel has no mount_setattr(2), so each mount was remounted by itself',
  },
];

/**
 * Makes a mount read-only and every mount below it; other flags stay as they are. One call of Linux 5.12 and glibc 2.36;
 * where that is missing, one remount for each.
 * @param path where it is mounted, seen from the new root
 */
export function makeReadOnly(kernel: Kernel, path: string): void {
  // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(constants.MOUNT_ATTR_RDONLY));
  try {
    kernel.call('mount_setattr', {
      dirfd: 'AT_FDCWD',
      pathname: path,
      flags: 'AT_RECURSIVE',
      attr: memory(attributes, { attr_set: 'MOUNT_ATTR_RDONLY' }),
      size: attributes.length,
    });
  } catch (error) {
    if (!(error instanceof KernelError) || error.data.errno !== 'ENOSYS') throw error;
    remountEach(kernel, realpathSync(path));
  }
}

function remountEach(kernel: Kernel, path: string): void {
  const below = path === '/' ? '/' : `${path}/`;
  for (const { mountPoint, options } of mountsInside()) {
    if (mountPoint !== path && !mountPoint.startsWith(below)) continue;
    kernel.call('mount', {
      source: 'none',
      target: mountPoint,
      filesystemtype: null,
      mountflags: ['MS_REMOUNT', 'MS_BIND', 'MS_RDONLY', ...keptFlags(options)],
      data: null,
    });
  }
}
