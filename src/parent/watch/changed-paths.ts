/** Which watched calls change what is at their paths. */
import type { WatchedRecord } from './watched-record.js';

/**
 * What a call changes: a name that it makes or removes, which is an entry of a folder; what lies at the path, or a link there
 * that is not followed; or the contents of a file.
 */
export type Change = 'made' | 'removed' | 'file' | 'link' | 'contents';

const calls: Readonly<Record<Change, string>> = {
  made: 'mkdir mkdirat mknod mknodat symlink symlinkat link linkat',
  removed: 'rmdir unlink unlinkat rename renameat renameat2',
  file:
    'chmod fchmodat fchmodat2 chown chown32 fchownat utime utimes futimesat utimensat utimensat_time64 setxattr ' +
    'removexattr setxattrat removexattrat file_setattr',
  link: 'lchown lchown32 lsetxattr lremovexattr',
  contents: 'truncate truncate64',
};

/** What the calls change that change something whatever they are asked for. */
export const changeOf: ReadonlyMap<string, Change> = new Map(
  Object.entries(calls).flatMap(([change, names]) =>
    names.split(' ').map((name) => [name, change as Change] as const),
  ),
);

export const opening = /^(open|openat|openat2|creat)$/;

/** The paths that a call would change; those of open(2) where it is to write. */
export function changedPaths({ watched, args, paths = [] }: WatchedRecord): readonly string[] {
  if (changeOf.has(watched) || watched === 'creat') return paths;
  const writes = opening.test(watched) && /\bO_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE)\b/.test(args.join(' '));
  return writes ? paths : [];
}

/** Whether a call opens or executes what is at its path, and does not only look for it. */
export const opensPath = ({ watched }: WatchedRecord): boolean =>
  opening.test(watched) || watched.startsWith('execve');
