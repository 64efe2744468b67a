/** `gontainer rootfs remove`: takes a root file system away, with what is noted of it. */
import { lstatSync, readFileSync, rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure, usageFailure } from '../../../common/failure.js';
import { errnoWords } from '../../../common/kernel/kernel-error.js';
import { runningContainers } from '../../state/find.js';
import type { Container } from '../../state/listing.js';
import { removeTree } from '../remove-tree.js';
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
  await removeTree(path).catch((error: unknown) => {
    throw new Failure(`Cannot remove all of ${directory}: ${errnoWords(error)}.`, {
      next: 'What belongs to users of a container can be removed by root, or inside of one with the same ID map.',
      cause: error,
    });
  });
  rmSync(recordFile(path), { force: true });
  notedRoots();
}

/**
 * Whether a container has this folder as its root, or its launcher was told of it: below an overlay the kernel does not say
 * which folder lies, and a bind mount of it would be as empty.
 */
function uses({ process, launcher }: Container, path: string): boolean {
  const here = statSync(path);
  const isHere = (other: string): boolean => {
    const found = statOf(other);
    return found?.dev === here.dev && found.ino === here.ino;
  };
  if (isHere(`/proc/${process.pid}/root`)) return true;
  const told = wordsOf(launcher.pid).flatMap((word) => [word, ...word.split(/[=:]/)]);
  return told.some(
    (word) => word !== '' && isHere(word.startsWith('/') ? word : `/proc/${launcher.pid}/cwd/${word}`),
  );
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // It ended, or is not ours to look at.
  }
}

function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
