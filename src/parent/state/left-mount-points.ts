/**
 * Mount points that a launch made in the user's own root file system. It removes them itself; those of a launch that was
 * killed are removed with its entry.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { pathOf } from '../../common/byte-text.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import { Recorder } from '../../common/kernel/recorder.js';
import { type Place, placeBelow } from './place.js';

export interface LeftMountPoints {
  /** The folder that was made the root, or that keeps its changes. */
  readonly folder: string;
  /** In that folder, parents before what lies in them. */
  readonly paths: readonly string[];
}

/** An open folder whose lock every launch holds that uses it: flock(2). */
export const openFolder = (path: string): number =>
  openSync(pathOf(path), constants.O_RDONLY | constants.O_DIRECTORY);

/** Removes what a killed launch has left, unless another container lives there. */
export function removeLeft({ folder, paths }: LeftMountPoints): void {
  let lock: number;
  try {
    lock = openFolder(folder);
  } catch {
    return; // It is gone, and they with it.
  }
  try {
    removeIfAlone(new Recorder('parent', 0n, () => {}), lock, paths);
  } finally {
    closeSync(lock);
  }
}

/** Removes what is still empty, unless another launch holds the lock of the folder. */
export function removeIfAlone(kernel: Kernel, lock: number, paths: readonly string[]): void {
  try {
    kernel.call('flock', { fd: lock, operation: ['LOCK_EX', 'LOCK_NB'] });
  } catch {
    return;
  }
  for (const path of [...paths].reverse()) removeEmpty(lock, path);
}

/** Removes an empty directory or file below an open directory. No symbolic link that was put there meanwhile leads out. */
function removeEmpty(root: number, path: string): void {
  let place: Place | undefined;
  try {
    place = placeBelow(`/proc/self/fd/${root}`, path);
    const found = place?.folder.look(place.name);
    if (found?.isDirectory() || (found?.isFile() && found.size === 0n)) place?.folder.remove(place.name);
  } catch {
    // Something was put in it, or it is gone already: it is not ours any more.
  } finally {
    place?.folder.close();
  }
}
