/** Which extended attributes of an archive are given to what is unpacked: xattr(7). */
import { setAttribute } from '../../../common/kernel/file-attributes.js';
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
  path: Buffer,
  attributes: ReadonlyMap<string, Buffer>,
  privileges: boolean,
): number {
  let lost = 0;
  for (const [name, value] of attributes) {
    const kept =
      (name.startsWith('user.') && !ordersToOverlays.test(name)) ||
      (privileges && name === 'security.capability');
    if (!kept || !set(path, name, value)) lost += 1;
  }
  return lost;
}

function set(path: Buffer, name: string, value: Buffer): boolean {
  try {
    setAttribute(path, name, value);
    return true;
  } catch (error) {
    if (tolerated.includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}
