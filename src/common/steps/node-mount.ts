/**
 * The read-only mount of node's file that the child runs from: its exe link leads out of the new root, and who follows
 * it could write the file (docs/isolation.md).
 */
import { type ChainCall, memory } from '../kernel/calls.js';
import { constants } from '../kernel/constants.js';
import type { Kernel } from '../kernel/kernel.js';
import { type LaunchSpec, unshares } from '../spec.js';
import { childStep } from './hand-over.js';

/**
 * Whether the mount is at the file's own path while node starts: V8 maps its built-in functions once more, by the path
 * that /proc/self/maps names, and copies them where that leads nowhere (some milliseconds, and 2 MiB of memory). Mounts
 * of a namespace with another owner do not pass it on to the host; others would (mount_namespaces(7)).
 */
const attached = (spec: LaunchSpec): boolean =>
  spec.readOnlyExecutable !== undefined && unshares(spec, 'uid');

/**
 * The calls of the process that is to become the child: a mount of this one file, read-only (open_tree(2),
 * mount_setattr(2), move_mount(2)). It lasts as long as somebody uses it.
 * @param descriptor the number that open_tree(2) is going to return: the lowest that is free
 */
export function mountNode(spec: LaunchSpec, descriptor: number): ChainCall[] {
  const { readOnlyExecutable: pathname } = spec;
  if (pathname === undefined) return [];
  const step = childStep.id;
  // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(constants.MOUNT_ATTR_RDONLY));
  const attr = memory(attributes, { attr_set: 'MOUNT_ATTR_RDONLY' });
  const flags = ['OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC'] as const;
  const to = { to_dirfd: 'AT_FDCWD', to_pathname: pathname, flags: 'MOVE_MOUNT_F_EMPTY_PATH' } as const;
  return [
    { step, returns: descriptor, call: 'open_tree', args: { dirfd: 'AT_FDCWD', pathname, flags } },
    {
      step,
      call: 'mount_setattr',
      args: { dirfd: descriptor, pathname: '', flags: 'AT_EMPTY_PATH', attr, size: attributes.length },
    },
    ...(attached(spec)
      ? [{ step, call: 'move_mount', args: { from_dirfd: descriptor, from_pathname: '', ...to } } as const]
      : []),
  ];
}

/**
 * The child's first call: node runs, and from now on no path leads to the mount, so that nobody can make it writable
 * again and it is in nobody's mount table.
 */
export function detachNode(spec: LaunchSpec, kernel: Kernel): void {
  if (!attached(spec)) return;
  kernel.step = childStep.id;
  kernel.call('umount2', { target: spec.readOnlyExecutable as string, flags: 'MNT_DETACH' });
}
