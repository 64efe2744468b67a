/** Calls that more than one call chain makes (docs/call-chain.md). */
import { type Chain, type ChainCall, memory } from '../kernel/calls.js';
import { constants } from '../kernel/constants.js';

/** The process is killed when its parent dies: PR_SET_PDEATHSIG(2const). */
export const deathSignal = (step: string): ChainCall => ({
  step,
  call: 'prctl',
  args: { option: 'PR_SET_PDEATHSIG', arg2: 'SIGKILL', arg3: 0, arg4: 0, arg5: 0 },
});

/** Starts a chain in a process that is a child of the caller's parent, which can then wait for it (clone(2)). */
export const cloneSibling = (step: string, chain: Chain): ChainCall => ({
  step,
  call: 'clone',
  args: {
    fn: { place: 'setcontext' },
    stack: { place: 'stack' },
    flags: ['CLONE_PARENT', 'CLONE_PARENT_SETTID', 'SIGCHLD'],
    arg: chain,
    parent_tid: { place: 'process ID' },
  },
});

/**
 * A read-only mount of one file, in no mount namespace: nobody can reach it by a path and make it writable again. It
 * lasts as long as somebody uses it (open_tree(2), OPEN_TREE_CLONE).
 * @param descriptor the number that open_tree(2) is going to return: the lowest that is free
 */
export function readOnlyMount(step: string, file: string, descriptor: number): ChainCall[] {
  // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(constants.MOUNT_ATTR_RDONLY));
  const attr = memory(attributes, { attr_set: 'MOUNT_ATTR_RDONLY' });
  return [
    {
      step,
      returns: descriptor,
      call: 'open_tree',
      args: { dirfd: 'AT_FDCWD', pathname: file, flags: ['OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC'] },
    },
    {
      step,
      call: 'mount_setattr',
      args: { dirfd: descriptor, pathname: '', flags: 'AT_EMPTY_PATH', attr, size: attributes.length },
    },
  ];
}
