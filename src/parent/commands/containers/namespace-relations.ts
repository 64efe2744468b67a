/** How namespaces belong together: whose they are, and which is inside which (ioctl_ns(2)). */

import { closeSync, fstatSync, openSync } from 'node:fs';
import { defined } from '../../../common/defined.js';
import { memory, NULL } from '../../../common/kernel/calls.js';
import type { Kernel } from '../../../common/kernel/kernel.js';
import { namespaces } from '../../../common/namespaces.js';

/** One namespace. */
export interface NamespaceNode {
  /** `user:[4026531837]`. */
  readonly id: string;
  /** The user namespace whose capabilities govern it; absent where the caller may not see it. */
  readonly owner?: string;
  /** User and PID namespaces only: the one that it is in; absent at the outermost that we may see. */
  readonly parent?: string;
  /** User namespaces only: who made it, by the user ID here. */
  readonly madeBy?: number;
}

/** The namespaces of a process by their entry in /proc/PID/ns, and every namespace around those. */
export interface Relations {
  readonly own: Readonly<Record<string, NamespaceNode>>;
  readonly around: readonly NamespaceNode[];
}

/**
 * Asks the kernel about the namespaces of a process.
 * @param forChildren take those of its children, where they are not its own: what P of a launch has made
 */
export function relationsOf(pid: number | 'self', forChildren: boolean, kernel: Kernel): Relations {
  const own: Record<string, NamespaceNode> = {};
  const around: NamespaceNode[] = [];
  for (const { entry } of namespaces) {
    const suffix = forChildren && (entry === 'pid' || entry === 'time') ? '_for_children' : '';
    const descriptor = opened(`/proc/${pid}/ns/${entry}${suffix}`);
    if (descriptor === undefined) continue;
    try {
      const [node, ...others] = nodes(descriptor, entry, kernel);
      if (node !== undefined) own[entry] = node;
      around.push(...others);
    } finally {
      closeSync(descriptor);
    }
  }
  return { own, around };
}

/** Absent where the kernel has no such kind, or the namespace is made with its first process. */
function opened(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A namespace, and those that it is in and that own it, outwards. */
function nodes(descriptor: number, kind: string, kernel: Kernel): NamespaceNode[] {
  const id = idOf(descriptor, kind);
  const owner = related(descriptor, 'NS_GET_USERNS', kernel);
  // For a user namespace its parent is the owner: ioctl_ns(2).
  const parent = kind === 'pid' ? related(descriptor, 'NS_GET_PARENT', kernel) : undefined;
  try {
    const ownerId = owner === undefined ? undefined : idOf(owner, 'user');
    const parentId = parent === undefined ? undefined : idOf(parent, 'pid');
    const node: NamespaceNode = {
      id,
      ...defined({
        owner: ownerId,
        parent: kind === 'user' ? ownerId : parentId,
        madeBy: kind === 'user' ? maker(descriptor, kernel) : undefined,
      }),
    };
    return [
      node,
      ...(owner === undefined ? [] : nodes(owner, 'user', kernel)),
      ...(parent === undefined ? [] : nodes(parent, 'pid', kernel)),
    ];
  } finally {
    for (const other of [owner, parent]) if (other !== undefined) closeSync(other);
  }
}

const idOf = (descriptor: number, kind: string): string => `${kind}:[${fstatSync(descriptor).ino}]`;

/** A descriptor of the owner or the parent; undefined where the caller may not see it (EPERM). */
function related(
  descriptor: number,
  request: 'NS_GET_USERNS' | 'NS_GET_PARENT',
  kernel: Kernel,
): number | undefined {
  try {
    return kernel.call('ioctl', { fd: descriptor, request, argp: NULL });
  } catch (error) {
    if ((error as { data?: { errno?: string } }).data?.errno === 'EPERM') return undefined;
    throw error;
  }
}

function maker(descriptor: number, kernel: Kernel): number {
  const uid = Buffer.alloc(4);
  kernel.call('ioctl', { fd: descriptor, request: 'NS_GET_OWNER_UID', argp: memory(uid, 'uid') });
  return uid.readUInt32LE(0);
}
