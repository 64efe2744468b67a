import type { BigIntStats, Stats } from 'node:fs';

/** So that nobody has one by chance: a file that nobody may write to, a directory that its owner alone may write to. */
const sticky = 0o1000;

/**
 * The modes of the empty files and directories that a launch makes to mount something on (src/parent/state/placeholders.ts).
 * The sticky bit means nothing there (inode(7)), and tells them from what is somebody's from their first moment on. Extended
 * attributes are not on every file system, and a time of change would come a moment later.
 */
export const placeholderModes = { file: sticky | 0o444, directory: sticky | 0o755 } as const;

/** Whether this was made for a mount. Nothing has been written to such a file since; in a directory there may be something. */
export function isPlaceholder(found: Stats | BigIntStats): boolean {
  const mode = Number(found.mode);
  // The umask and the access control list of the folder it is made in may have taken permissions away, but gave none.
  if (found.isDirectory()) return (mode & (sticky | 0o022)) === sticky;
  return found.isFile() && Number(found.size) === 0 && (mode & (sticky | 0o333)) === sticky;
}
