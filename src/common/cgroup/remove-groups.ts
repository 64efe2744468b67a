import { existsSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pause } from '../pause.js';
import { isGroupName, membersFile } from './group-names.js';
import { words } from './hierarchies.js';

/** Milliseconds between two looks at what is just ending. */
const interval = 5;

/**
 * Removes groups of a container that has ended, with those that were made below them, and kills whoever is still in them.
 * A group that cannot be removed is left: the next look at the containers tries again.
 * @param paths their folders; one that no launch could have made is left alone
 * @param patience milliseconds to wait for those who are just ending
 * @returns whether none of them is there any more
 */
export function removeGroups(paths: readonly string[], patience = 5_000): boolean {
  const end = Date.now() + patience;
  for (const path of paths) if (isGroupName(basename(path))) removeGroup(path, end);
  return paths.every((path) => !existsSync(path));
}

/** Whoever is in a group, or any group below it, keeps rmdir(2) from it: EBUSY. */
function removeGroup(path: string, end: number): void {
  while (staysBusy(path)) {
    killAll(path);
    // A command that reaches the files makes groups as well, of any name; a launch within it is such a command.
    for (const below of foldersIn(path)) removeGroup(join(path, below), end);
    if (!staysBusy(path) || Date.now() > end) return;
    pause(interval);
  }
}

/** Removes a group. @returns whether it is still there because something is in it */
function staysBusy(path: string): boolean {
  try {
    rmdirSync(path);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EBUSY';
  }
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

/** cgroup.kill (Linux 5.14, version 2) kills them all at once; else each that is there, again and again. */
function killAll(path: string): void {
  try {
    writeFileSync(join(path, 'cgroup.kill'), '1', { flag: 'r+' });
    return;
  } catch {
    // This one has none.
  }
  for (const pid of membersOf(path)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}

/** Those of another PID namespace are 0. */
const membersOf = (path: string): number[] =>
  words(membersFile(path))
    .map(Number)
    .filter((pid) => pid > 0);
