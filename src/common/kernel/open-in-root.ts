import { constants as files } from 'node:fs';
import { constants as system } from 'node:os';
import { systemCallNumber } from './calls.js';
import { constants } from './constants.js';
import { bytes, int, invoke, pointer, text } from './libc.js';

/** struct open_how: every link, `..` and absolute path stays below the directory, and no link of /proc leads out of it. */
function how(flags: number): Buffer {
  const structure = Buffer.alloc(24);
  structure.writeBigUInt64LE(BigInt(constants.O_PATH | constants.O_CLOEXEC | flags));
  structure.writeBigUInt64LE(BigInt(constants.RESOLVE_NO_MAGICLINKS | constants.RESOLVE_IN_ROOT), 16);
  return structure;
}

/**
 * The kernel says EAGAIN where it cannot be sure that `..` did not lead out of the root, as anything at all was renamed or
 * mounted meanwhile: "The caller may choose to retry". Where somebody does nothing else, a path of 200 `..` takes up to some
 * thousand tries, each of a few microseconds; that it is not for ever bounds what an attacker can make this process wait.
 */
const mostTries = 10_000;

const [following, notFollowing] = [how(0), how(files.O_NOFOLLOW)];

/**
 * Finds a path as a process does whose root is this directory: openat2(2). The file itself is not opened: O_PATH.
 * @param follows whether a symbolic link at the end of the path is followed
 * @returns a descriptor, or undefined where the path leads nowhere, or nowhere that this process may go
 */
export function openInRoot(root: number, path: string, follows: boolean): number | undefined {
  const number = pointer(BigInt(systemCallNumber('openat2') ?? 0));
  const given = follows ? following : notFollowing;
  const passed = [number, int(root), text(path), bytes(given), pointer(BigInt(given.length))];
  for (let left = mostTries; left > 0; left -= 1) {
    const { value, errno } = invoke('syscall', passed);
    if (value !== -1) return value;
    if (errno !== system.errno.EAGAIN) return undefined;
  }
  return undefined;
}
