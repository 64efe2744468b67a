import { existsSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isGroupName } from './plan.js';

/** Milliseconds: between two looks at what is just ending, and how long that is waited for. */
const [interval, patience] = [5, 5_000];

/**
 * Removes groups of a container that has ended, and kills whoever is still in them. A group that cannot be removed is left:
 * the next look at the containers tries again.
 * @param paths their folders; one that no launch could have made is left alone
 * @returns whether none of them is there any more
 */
export function removeGroups(paths: readonly string[]): boolean {
  for (const path of paths) if (isGroupName(basename(path))) removeGroup(path);
  return paths.every((path) => !existsSync(path));
}

function removeGroup(path: string): void {
  const end = Date.now() + patience;
  while (existsSync(path)) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Somebody is in it, or just about to leave it.
      if (code !== 'EBUSY' || Date.now() > end) return;
    }
    killAll(path);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, interval);
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
function membersOf(path: string): number[] {
  try {
    return readFileSync(join(path, 'cgroup.procs'), 'utf8')
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return [];
  }
}
