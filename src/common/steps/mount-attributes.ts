/** What forbids something on a mount and on every mount below it. */
import { realPath } from '../byte-text.js';
import { memory } from '../kernel/calls.js';
import { constants } from '../kernel/constants.js';
import type { Kernel } from '../kernel/kernel.js';
import { failedWith } from '../kernel/kernel-error.js';
import { keptFlags } from '../mount-flags.js';
import { type MountTable, mountsInside } from '../mount-table.js';
import type { Refusal } from '../step.js';

/** The attributes of mount_setattr(2), and the flags of mount(2) that say the same. */
const flagOf = {
  MOUNT_ATTR_RDONLY: 'MS_RDONLY',
  MOUNT_ATTR_NODEV: 'MS_NODEV',
} as const;
type Attribute = keyof typeof flagOf;

/** Where the kernel cannot set a whole tree of mounts at once, each is remounted: nothing is different for a reader. */
export const remounted: readonly Refusal[] = [
  {
    call: 'mount_setattr',
    instead: 'this kernel has no mount_setattr(2), so each mount was remounted by itself',
  },
];

/**
 * Forbids writing, or opening devices, on a mount and every mount below it; other flags stay as they are. One call of
 * Linux 5.12; where that is missing, one remount for each.
 * @param path where it is mounted, seen from the directory that absolute paths start at
 * @param table the mounts that can be seen from there
 */
export function restrictMounts(
  kernel: Kernel,
  path: string,
  attributes: readonly Attribute[],
  table: () => MountTable = mountsInside,
): void {
  // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
  const attr = Buffer.alloc(32);
  attr.writeBigUInt64LE(BigInt(attributes.reduce((bits, name) => bits | constants[name], 0)));
  try {
    kernel.call('mount_setattr', {
      dirfd: 'AT_FDCWD',
      pathname: path,
      flags: 'AT_RECURSIVE',
      attr: memory(attr, { attr_set: attributes.join('|') }),
      size: attr.length,
    });
  } catch (error) {
    if (!failedWith(error, 'ENOSYS')) throw error;
    remountEach(kernel, realPath(path), attributes, table());
  }
}

function remountEach(
  kernel: Kernel,
  path: string,
  attributes: readonly Attribute[],
  table: MountTable,
): void {
  for (const { mountPoint, options } of table.atOrBelow(path)) {
    const flags = new Set([...keptFlags(options), ...attributes.map((name) => flagOf[name])]);
    // A remount without it makes a mount writable that was read-only.
    if (options.split(',').includes('ro')) flags.add('MS_RDONLY');
    kernel.call('mount', {
      source: 'none',
      target: mountPoint,
      filesystemtype: null,
      mountflags: ['MS_REMOUNT', 'MS_BIND', ...flags],
      data: null,
    });
  }
}
