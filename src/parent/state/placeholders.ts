/**
 * Empty files and directories that a launch puts into a folder of the host which the container sees (--bind), where there is
 * nothing and something is to be mounted, or something that is mounted is to lie in. Removing one takes away what is mounted
 * on it in every mount namespace (mount_namespaces(7)). So whoever uses one holds a shared lock of it, and the last one
 * removes it.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync } from 'node:fs';
import { Failure } from '../../common/failure.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import { errorCode, KernelError, systemCallError } from '../../common/kernel/kernel-error.js';
import { Recorder } from '../../common/kernel/recorder.js';
import { pause } from '../../common/pause.js';
import { isPlaceholder, placeholderModes } from '../../common/placeholder.js';
import { type Place, placeBelow } from './place.js';

export type PlaceholderKind = keyof typeof placeholderModes;

/** One that is in use here. */
export interface HeldPlaceholder extends Place {
  /** Itself, open; this has the lock. */
  readonly own: number;
}

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
  try {
    return taken(path, (place) => heldAt(kernel, place, kind, path));
  } catch (error) {
    const failed = systemCallError(error as Error, 'requested-mounts');
    if (failed === undefined) throw error;
    throw new KernelError({ ...failed.data, args: { pathname: path } }, { cause: error });
  }
}

/** Gives one back, and removes it when nobody else has it. */
export function releasePlaceholder(kernel: Kernel, { folder, name, own }: HeldPlaceholder): void {
  try {
    kernel.call('flock', { fd: own, operation: ['LOCK_EX', 'LOCK_NB'] });
    if (isStill(own, { folder, name })) folder.remove(name);
  } catch {
    // Another container uses it, or something lies in it by now.
  }
  closeSync(own);
  folder.close();
}

/** Removes those of a launch that was killed. @param paths directories before what lies in them */
export function removePlaceholders(paths: readonly string[]): void {
  const kernel = new Recorder('parent', 0n, () => {});
  for (const path of [...paths].reverse())
    try {
      const held = taken(path, (place) => (isOneAt(place) ? locked(kernel, place) : undefined));
      if (held !== undefined) releasePlaceholder(kernel, held);
    } catch {
      // It cannot be reached any more.
    }
}

/** What is held at a path. With it the folder stays open that it lies in, and only then. */
function taken(
  path: string,
  take: (place: Place) => HeldPlaceholder | undefined,
): HeldPlaceholder | undefined {
  const place = placeBelow('/', path);
  let held: HeldPlaceholder | undefined;
  try {
    held = place && take(place);
    return held;
  } finally {
    if (held === undefined) place?.folder.close();
  }
}

/** So often another launch may remove it, or lock it for that, in the moment between two looks. */
const mostTries = 200;
/** Milliseconds from one try to the next where it is locked. */
const untilNextTry = 5;

function heldAt(
  kernel: Kernel,
  place: Place,
  kind: PlaceholderKind,
  path: string,
): HeldPlaceholder | undefined {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const found = place.folder.look(place.name);
    if (found === undefined) {
      if (!made(place, kind)) return undefined;
      continue;
    }
    // Nothing of somebody's own is locked, as he may lock it himself.
    if (!isPlaceholder(found) || found.isDirectory() !== (kind === 'directory')) return undefined;
    const held = locked(kernel, place);
    if (held !== undefined) return held;
    pause(untilNextTry);
  }
  throw new Failure(`somebody holds a lock of ${path}, which is to be a mount point`, {
    next: 'See who: lslocks. A launch holds it only while it removes it.',
  });
}

const looking = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Whoever may read a placeholder may lock it, for as long as he likes: so nobody waits for him.
 * @returns undefined where it is locked or gone
 */
function locked(kernel: Kernel, place: Place): HeldPlaceholder | undefined {
  let own: number | undefined;
  let isHeld = false;
  try {
    own = openSync(place.folder.pathOf(place.name), looking);
    kernel.call('flock', { fd: own, operation: ['LOCK_SH', 'LOCK_NB'] });
    // Whoever had it may have removed it before the lock was free.
    isHeld = isStill(own, place);
    return isHeld ? { ...place, own } : undefined;
  } catch (error) {
    const errno = error instanceof KernelError ? error.data.errno : errorCode(error);
    if (errno === 'EAGAIN' || errno === 'ENOENT') return undefined;
    throw error;
  } finally {
    if (own !== undefined && !isHeld) closeSync(own);
  }
}

/** @returns whether there is something now; false where this user may not make it */
function made({ folder, name }: Place, kind: PlaceholderKind): boolean {
  // Anybody who mounts something on it has to open it.
  const mask = process.umask(0);
  try {
    const [path, mode] = [folder.pathOf(name), placeholderModes[kind]];
    if (kind === 'directory') mkdirSync(path, { mode });
    else closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode));
    return true;
  } catch (error) {
    const errno = errorCode(error) ?? '';
    if (errno !== 'EEXIST' && !['EACCES', 'EPERM', 'EROFS'].includes(errno)) throw error;
    return errno === 'EEXIST';
  } finally {
    process.umask(mask);
  }
}

function isOneAt({ folder, name }: Place): boolean {
  const found = folder.look(name);
  return found !== undefined && isPlaceholder(found);
}

function isStill(own: number, { folder, name }: Place): boolean {
  const [found, there] = [fstatSync(own, { bigint: true }), folder.look(name)];
  return isPlaceholder(found) && there?.ino === found.ino && there.dev === found.dev;
}
