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
import { join, posix } from 'node:path';
import { Failure } from '../../../../common/failure.js';

/** As many symbolic links as the kernel follows in one path: path_resolution(7). */
const mostLinks = 40;

/**
 * Walks `path` one name at a time: a folder is made, a symbolic link is made with the same text and followed, a file
 * is copied with its mode, but never set-user-ID. So /bin/vi -> /etc/alternatives/vi -> /usr/bin/vim works there too.
 * @param path absolute, on the host
 * @param root the folder that stands for / in the copy
 * @throws Failure on a loop of links; the error of the system call that failed
 */
export function copyWithLinks(path: string, root: string): void {
  let links = 0;
  let waiting = path.split('/').filter((name) => name !== '');
  let at = '/';
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const next = posix.join(at, name); // Also takes "." and ".." away.
    const copy = join(root, next);
    const found = lstatSync(next);
    if (found.isSymbolicLink()) {
      const text = readlinkSync(next);
      if (++links > mostLinks) {
        throw new Failure(`${path} leads through more than ${mostLinks} symbolic links.`, {
          next: 'Look for a loop with namei(1).',
        });
      }
      if (!present(copy)) symlinkSync(text, copy);
      waiting = [...text.split('/').filter((part) => part !== ''), ...waiting];
      if (text.startsWith('/')) at = '/';
      continue;
    }
    if (found.isDirectory()) {
      if (!present(copy)) mkdirSync(copy, { mode: 0o755 });
    } else if (!existsSync(copy)) {
      // A clone shares the blocks where the file system can: ioctl_ficlonerange(2).
      copyFileSync(next, copy, constants.COPYFILE_FICLONE);
      chmodSync(copy, found.mode & 0o777);
    }
    at = next;
  }
}

const present = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
