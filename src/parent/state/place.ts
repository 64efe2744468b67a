import { bytesOf } from '../../common/byte-text.js';
import { errorCode } from '../../common/kernel/kernel-error.js';
import { namesOf } from '../../common/path-walk.js';
import { OpenFolder } from '../changes/open-folder.js';

/** Where something is, or may be made: an open folder, and a name in it. */
export interface Place {
  readonly folder: OpenFolder;
  readonly name: Buffer;
}

/**
 * Where a path below a folder leads, by one folder after the other: whoever may write to them may be hostile, so no symbolic
 * link is followed.
 * @returns a place whose folder is to be closed; undefined where no folder is on the way, or a link
 * @throws an error of the system where the way is barred
 */
export function placeBelow(root: string, path: string): Place | undefined {
  const names = namesOf(path).map(bytesOf);
  const name = names.pop();
  if (name === undefined) return undefined;
  let folder = OpenFolder.at(root);
  for (const next of names) {
    const above = folder;
    try {
      folder = above.folder(next);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return undefined;
      throw error;
    } finally {
      above.close();
    }
  }
  return { folder, name };
}
