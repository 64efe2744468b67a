/**
 * Folders in which root file systems are built: `.DIR.unfinished-PID-START-XXXXXX`, beside DIR. The name says which
 * process builds, so that what one left that was killed is found, and removed, by the next.
 */
import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from '../state/process-identity.js';
import { removeTree } from './remove-tree.js';

/** What mkdtemp(3) adds its characters to. */
export function unfinishedPrefix(target: string): string {
  const { startTime = 0 } = identify(process.pid) ?? {};
  return join(dirname(target), `.${basename(target)}.unfinished-${process.pid}-${startTime}-`);
}

/** What is in such a name: the process that builds, or undefined for any other name. */
function builder(name: string): ProcessIdentity | undefined {
  const [, pid, startTime] = /^\..+\.unfinished-(\d+)-(\d+)-\w{6}$/.exec(name) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), startTime: Number(startTime) };
}

/** Whether something is being built under this name, by a process that lives. */
export function isUnfinished(name: string): boolean {
  const process = builder(name);
  return process !== undefined && isAlive(process);
}

/** Removes what killed processes of this user left in a folder. What cannot be removed stays: it is in nobody's way. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (builder(name) === undefined || isUnfinished(name)) continue;
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isDirectory() && found.uid === process.geteuid?.()) await removeTree(path).catch(() => {});
  }
}
