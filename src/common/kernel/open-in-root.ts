import { constants } from './constants.js';
import { bytes, int, invoke, pointer, text } from './libc.js';

/** The same number everywhere: syscalls(2). glibc has no function for it. */
const openat2 = 437n;
/** openat2(2): every link, `..` and absolute path stays below the directory, and no link of /proc leads out of it. */
const RESOLVE_NO_MAGICLINKS = 0x02n;
const RESOLVE_IN_ROOT = 0x10n;

const how = Buffer.alloc(24);
how.writeBigUInt64LE(BigInt(constants.O_PATH | constants.O_CLOEXEC));
how.writeBigUInt64LE(RESOLVE_NO_MAGICLINKS | RESOLVE_IN_ROOT, 16);

/**
 * Finds a path as a process does whose root is this directory. The file itself is not opened: O_PATH.
 * @returns a descriptor, or undefined where the path leads nowhere, or nowhere that this process may go
 */
export function openInRoot(root: number, path: string): number | undefined {
  const size = pointer(BigInt(how.length));
  const { value } = invoke('syscall', [pointer(openat2), int(root), text(path), bytes(how), size]);
  return value === -1 ? undefined : value;
}
