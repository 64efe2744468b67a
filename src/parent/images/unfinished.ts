/**
 * Folders in which root file systems are built: `.DIR.unfinished-PID-START-XXXXXX`, beside DIR. The name says which
 * process builds, so that what one left that was killed is found, and removed, by the next.
 */
import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { identify, isAlive } from '../state/process-identity.js';
import { removeTree } from './remove-tree.js';

/** What mkdtemp(3) adds its characters to. */
export function unfinishedPrefix(target: string): string {
  const { startTime = 0 } = identify(process.pid) ?? {};
  return join(dirname(target), `.${basename(target)}.unfinished-${process.pid}-${startTime}-`);
}

/** Removes what killed processes of this user left in a folder. What cannot be removed stays: it is in nobody's way. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, pid, startTime] = /^\..+\.unfinished-(\d+)-(\d+)-\w{6}$/.exec(name) ?? [];
    if (pid === undefined || isAlive({ pid: Number(pid), startTime: Number(startTime) })) continue;
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isDirectory() && found.uid === process.geteuid?.()) await removeTree(path).catch(() => {});
  }
}
