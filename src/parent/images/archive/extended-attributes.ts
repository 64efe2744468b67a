/** Which extended attributes of an archive are given to what is unpacked: xattr(7). */
import { attributesOf, removeAttribute, setAttribute } from '../../../common/kernel/file-attributes.js';
import { errorCode } from '../../../common/kernel/kernel-error.js';

/** Overlays read these as orders of their own when the tree becomes a layer: Documentation/filesystems/overlayfs. */
const ordersToOverlays = /^user\.overlay\./;

/** That the file system, the user or the kernel does not take an attribute is no reason to refuse the archive. */
const tolerated = [
  'ENOTSUP',
  'EOPNOTSUPP',
  'EPERM',
  'EACCES',
  'EINVAL',
  'ENOSPC',
  'E2BIG',
  'ERANGE',
  'EDQUOT',
];

/**
 * Sets those that mean the same on every machine: the users' own, and, where nobody else can reach the file, its
 * capabilities, which give rights as set-user-ID does (capabilities(7)).
 * @returns how many were not kept
 */
export function keepAttributes(
  path: Buffer | string,
  attributes: ReadonlyMap<string, Buffer>,
  privileges: boolean,
): number {
  let lost = 0;
  for (const [name, value] of attributes) {
    const kept = meansTheSame(name) && (privileges || name !== fileCapability);
    if (!kept || !set(path, name, value)) lost += 1;
  }
  return lost;
}

/** Takes away what a layer below gave a folder, where the layer that names it again does not. */
export function dropOtherAttributes(path: Buffer | string, attributes: ReadonlyMap<string, Buffer>): void {
  for (const name of attributesOf(path).keys()) {
    if (meansTheSame(name) && !attributes.has(name)) removeAttribute(path, name);
  }
}

/**
 * The extended attributes of a file that mean the same on every machine, as an archive has them. A capability that holds
 * for one user namespace only is that of the file there (capabilities(7), "Namespaced file capabilities").
 */
export function portableAttributes(path: Buffer): (readonly [name: string, value: Buffer])[] {
  return [...attributesOf(path)]
    .filter(([name]) => meansTheSame(name))
    .map(([name, value]) => [name, name === fileCapability ? withoutNamespace(value) : value]);
}

const fileCapability = 'security.capability';

const meansTheSame = (name: string): boolean =>
  (name.startsWith('user.') && !ordersToOverlays.test(name)) || name === fileCapability;

/** From version 3 of vfs_cap_data to version 2, which lacks the ID of the namespace's root: linux/capability.h. */
function withoutNamespace(value: Buffer): Buffer {
  const [version3, length3] = [3, 24];
  if (value.length !== length3 || value[3] !== version3) return value;
  const shorter = Buffer.from(value.subarray(0, length3 - 4));
  shorter[3] = version3 - 1;
  return shorter;
}

function set(path: Buffer | string, name: string, value: Buffer): boolean {
  try {
    setAttribute(path, name, value);
    return true;
  } catch (error) {
    if (tolerated.includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}
