/**
 * Empty files and directories that a launch puts into a folder of the host which the container sees (--bind), where there is
 * nothing and something is to be mounted. Removing one takes away what is mounted on it in every mount namespace
 * (mount_namespaces(7)). So whoever mounts something on one holds a shared lock of it, and the last one removes it.
 *
 * Whoever may write to the folder may be hostile: paths are walked by descriptors, and no symbolic link is followed.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { pathOf } from '../../common/byte-text.js';
import { Failure } from '../../common/failure.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import { errorCode, KernelError } from '../../common/kernel/kernel-error.js';
import { Recorder } from '../../common/kernel/recorder.js';
import { namesOf } from '../../common/path-walk.js';
import { pause } from '../../common/pause.js';
import { isPlaceholder, placeholderTime } from '../../common/placeholder.js';

export type PlaceholderKind = 'directory' | 'file';

/** One that is in use here. */
export interface HeldPlaceholder {
  /** The folder that it lies in, open, and its name there. */
  readonly folder: number;
  readonly name: string;
  /** Itself, open; this has the lock. */
  readonly own: number;
}

const looking = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Makes one where there is nothing, and holds it, or that of another launch.
 * @param path an absolute path of the host, without symbolic links
 * @returns undefined where something of somebody's is, or nothing that may be made: the child says what is wrong with that
 * @throws KernelError where it can be neither made nor locked, Failure where somebody else keeps it locked
 */
export function holdPlaceholder(
  kernel: Kernel,
  path: string,
  kind: PlaceholderKind,
): HeldPlaceholder | undefined {
  const place = placeOf(path);
  if (place === undefined) return undefined;
  const own = opened(kernel, place, kind, path);
  if (own === undefined) closeSync(place.folder);
  return own === undefined ? undefined : { ...place, own };
}

/** Gives one back, and removes it when nobody else has it. */
export function releasePlaceholder(kernel: Kernel, { folder, name, own }: HeldPlaceholder): void {
  try {
    kernel.call('flock', { fd: own, operation: ['LOCK_EX', 'LOCK_NB'] });
    const found = fstatSync(own);
    if (isPlaceholder(found) && isStill(found, { folder, name }))
      removed({ folder, name }, found.isDirectory());
  } catch {
    // Another container uses it, or something lies in it by now.
  }
  for (const fd of [own, folder]) closeSync(fd);
}

/** Removes those of a launch that was killed. */
export function removePlaceholders(paths: readonly string[]): void {
  const kernel = new Recorder('parent', 0n, () => {});
  for (const path of paths) {
    const place = placeOf(path);
    if (place === undefined) continue;
    const own = lookedAt(place);
    if (own === undefined) closeSync(place.folder);
    else releasePlaceholder(kernel, { ...place, own });
  }
}

/** Makes a directory that one lies in. @returns whether it was missing */
export function makeFolderOf(path: string): boolean {
  const place = placeOf(path);
  if (place === undefined) return false;
  try {
    mkdirSync(named(place), { mode: 0o755 });
    return true;
  } catch {
    return false; // It is there, or what is to lie in it cannot be made either.
  } finally {
    closeSync(place.folder);
  }
}

/** Removes such a directory, where it is empty. */
export function removeFolderOf(path: string): void {
  const place = placeOf(path);
  if (place === undefined) return;
  try {
    removed(place, true);
  } catch {
    // Something was put in it.
  }
  closeSync(place.folder);
}

type Place = Pick<HeldPlaceholder, 'folder' | 'name'>;

const named = ({ folder, name }: Place) => pathOf(`/proc/self/fd/${folder}/${name}`);

/** Where a path lies; undefined where no folder is, or a link. */
function placeOf(path: string): Place | undefined {
  const names = namesOf(path);
  const name = names.pop();
  if (name === undefined) return undefined;
  let folder = openSync('/', constants.O_RDONLY | constants.O_DIRECTORY);
  for (const next of names) {
    const above = folder;
    try {
      folder = openSync(named({ folder: above, name: next }), looking | constants.O_DIRECTORY);
    } catch {
      return undefined;
    } finally {
      closeSync(above);
    }
  }
  return { folder, name };
}

/**
 * The bit of stat(2) that means nothing for a file, so that it is told from somebody's own from its first moment on: its time
 * of change comes a moment later. A file of somebody's own is not locked, as he may lock it himself.
 */
const sticky = 0o1000;
const modes = { file: sticky | 0o444, directory: sticky | 0o755 } as const;

/** So often another launch may remove it, or lock it for that, in the moment between two looks. */
const mostTries = 200;
/** Milliseconds from one try to the next where it is locked. */
const untilNextTry = 5;

function opened(kernel: Kernel, place: Place, kind: PlaceholderKind, path: string): number | undefined {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const own = lookedAt(place);
    if (own !== undefined) {
      const found = fstatSync(own);
      const isOurs = (found.mode & sticky) !== 0 && found.isDirectory() === (kind === 'directory');
      const isLocked = isOurs && lockedNow(kernel, own);
      // Whoever had it may have removed it before the lock was free.
      if (isLocked && isStill(found, place)) return own;
      closeSync(own);
      if (!isOurs) return undefined;
      if (!isLocked) pause(untilNextTry);
    } else if (lstatSync(named(place), { throwIfNoEntry: false }) !== undefined || !made(place, kind, path))
      return undefined;
  }
  throw new Failure(`somebody holds a lock of ${path}, which is to be a mount point`, {
    next: 'See who: lslocks. A launch holds it only while it removes it.',
  });
}

/** Whoever may read the file may lock it, for as long as he likes: so nobody waits for him. */
function lockedNow(kernel: Kernel, fd: number): boolean {
  try {
    kernel.call('flock', { fd, operation: ['LOCK_SH', 'LOCK_NB'] });
    return true;
  } catch (error) {
    if (error instanceof KernelError && error.data.errno === 'EAGAIN') return false;
    throw error;
  }
}

function lookedAt(place: Place): number | undefined {
  try {
    const found = lstatSync(named(place));
    return found.isFile() || found.isDirectory() ? openSync(named(place), looking) : undefined;
  } catch {
    return undefined;
  }
}

/** @returns whether there is one now; false where this user may not make it */
function made(place: Place, kind: PlaceholderKind, path: string): boolean {
  const pathname = named(place);
  try {
    if (kind === 'directory') mkdirSync(pathname, { mode: modes.directory });
    const flags =
      kind === 'directory'
        ? looking | constants.O_DIRECTORY
        : constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(pathname, flags, modes.file);
    try {
      // Anybody who mounts something on it has to open it.
      fchmodSync(fd, modes[kind]);
      futimesSync(fd, placeholderTime, placeholderTime);
    } finally {
      closeSync(fd);
    }
    return true;
  } catch (cause) {
    const errno = errorCode(cause) ?? '';
    if (errno === 'EEXIST' || errno === 'ENOENT') return true;
    if (['EACCES', 'EPERM', 'EROFS'].includes(errno)) return false;
    const call = kind === 'directory' ? 'mkdir' : 'open';
    throw new KernelError({ step: 'requested-mounts', call, args: { pathname: path }, errno }, { cause });
  }
}

const isStill = (found: Stats, place: Place): boolean => {
  const now = lstatSync(named(place), { throwIfNoEntry: false });
  return now?.ino === found.ino && now.dev === found.dev;
};

const removed = (place: Place, isDirectory: boolean): void =>
  isDirectory ? rmdirSync(named(place)) : unlinkSync(named(place));
