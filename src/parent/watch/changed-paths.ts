/** Which watched calls change what is at their paths. */
import type { WatchedRecord } from './watched-record.js';

/** Calls that always do. */
export const changingCalls: ReadonlySet<string> = new Set(
  (
    'creat mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat mknod mknodat ' +
    'chmod fchmodat fchmodat2 chown chown32 lchown lchown32 fchownat truncate truncate64 utime utimes futimesat ' +
    'utimensat utimensat_time64 setxattr lsetxattr removexattr lremovexattr'
  ).split(' '),
);

const opening = /^(open|openat|openat2)$/;

/** The paths that a call would change; those of open(2) where it is to write. */
export function changedPaths({ watched, args, paths = [] }: WatchedRecord): readonly string[] {
  if (changingCalls.has(watched)) return paths;
  const writes = opening.test(watched) && /\bO_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE)\b/.test(args.join(' '));
  return writes ? paths : [];
}

/** Whether a call opens or executes what is at its path, and does not only look for it. */
export const opensPath = ({ watched }: WatchedRecord): boolean =>
  opening.test(watched) || watched.startsWith('execve');
