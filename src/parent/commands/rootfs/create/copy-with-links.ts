/** Copies a file of the host to the same path below another root, with every symbolic link on the way to it. */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../../common/failure.js';
import { type Found, mostLinks, namesOf, walkDown } from '../../../../common/path-walk.js';

/**
 * Walks `path` one name at a time: a folder is made, a symbolic link is made with the same text and followed, a file
 * is copied with its mode, but never set-user-ID. So /bin/vi -> /etc/alternatives/vi -> /usr/bin/vim works there too.
 * @param path absolute, on the host
 * @param root the folder that stands for / in the copy
 * @throws Failure on a loop of links; the error of the system call that failed
 */
export function copyWithLinks(path: string, root: string): void {
  const end = walkDown(namesOf(path), (names) => copied(`/${names.join('/')}`, join(root, ...names)));
  if (end === 'loop') {
    throw new Failure(`${path} leads through more than ${mostLinks} symbolic links.`, {
      next: 'Look for a loop with namei(1).',
    });
  }
}

/** Makes in the copy what is at one place of the way. */
function copied(path: string, copy: string): Found {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) {
    const link = readlinkSync(path);
    if (!present(copy)) symlinkSync(link, copy);
    return { link };
  }
  if (found.isDirectory()) {
    if (!present(copy)) mkdirSync(copy, { mode: 0o755 });
  } else if (!existsSync(copy)) {
    // A clone shares the blocks where the file system can: ioctl_ficlonerange(2).
    copyFileSync(path, copy, constants.COPYFILE_FICLONE);
    chmodSync(copy, found.mode & 0o777);
  }
  return 'here';
}

const present = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
