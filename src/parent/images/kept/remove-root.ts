/** `gontainer rootfs remove`: takes a root file system away, with what is noted of it. */
import { lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Failure, usageFailure } from '../../../common/failure.js';
import { errnoWords } from '../../../common/kernel/kernel-error.js';
import { runningContainers } from '../../state/find.js';
import type { Container } from '../../state/listing.js';
import { removeTree } from '../remove-tree.js';
import { unfinishedPrefix } from '../unfinished.js';
import { imageCopies } from './image-copies.js';
import { notedRoots, readRecord, recordFile } from './root-record.js';

/**
 * Removes a folder that gontainer rootfs made.
 * @throws Failure (status 2) when it did not, or a container runs in it; (status 125) when something cannot be removed
 */
export async function removeRoot(directory: string): Promise<void> {
  const path = resolve(directory);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory())
    throw usageFailure(`${directory} is not a folder.`, 'See gontainer rootfs list.');
  if (readRecord(path) === undefined && !notedRoots().some((root) => root.path === path)) {
    throw usageFailure(
      `Nothing says that ${directory} was made by gontainer rootfs.`,
      'If you are sure, remove it with rm -r.',
    );
  }
  const user = runningContainers().find((container) => uses(container, path));
  if (user !== undefined) {
    throw usageFailure(
      `The container ${user.name} runs in ${directory}.`,
      `End it first: gontainer kill ${user.name}`,
    );
  }
  await remove(path, directory, imageCopies().includes(path));
  notedRoots();
}

/** @param isCopy whether run --image made it */
async function remove(path: string, directory: string, isCopy: boolean): Promise<void> {
  await removeTree(isCopy ? takenAway(dirname(path)) : path).catch((error: unknown) => {
    throw new Failure(`Cannot remove all of ${directory}: ${errnoWords(error)}.`, {
      next: 'What belongs to users of a container can be removed by root, and by whoever has the same subordinate IDs.',
      cause: error,
    });
  });
  rmSync(recordFile(path), { force: true });
}

/**
 * Removes the copies of images that no container uses.
 * @param copies their roots
 * @returns how many, and how many are used
 */
export async function removeCopies(
  copies: readonly string[] = imageCopies(),
): Promise<{ removed: number; used: number }> {
  const containers = runningContainers();
  const unused = copies.filter((path) => !containers.some((container) => uses(container, path)));
  for (const path of unused) await remove(path, path, true);
  notedRoots();
  return { removed: unused.length, used: copies.length - unused.length };
}

/** Moves a copy aside, so that nobody finds half of it: run --image looks for it without asking. */
function takenAway(copy: string): string {
  const aside = `${unfinishedPrefix(copy)}remove`;
  renameSync(copy, aside);
  return aside;
}

/** Whether a container has this folder as its root, or below the overlay that is its root. */
function uses({ process, root }: Container, path: string): boolean {
  const here = statOf(path);
  const isHere = (other: string): boolean => {
    const found = statOf(other);
    return found !== undefined && found.dev === here?.dev && found.ino === here.ino;
  };
  return isHere(`/proc/${process.pid}/root`) || (root !== undefined && isHere(root));
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // It ended, or is not ours to look at.
  }
}
