/**
 * Files in the state folder that have no name of their own yet, or not any more: what is written there appears whole or not
 * at all, and is moved aside before it is judged. The name of such a file says whose it is, since of one whose maker was
 * killed in the middle the content says nothing.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { viewpoint } from './entry.js';
import { isAlive, ownIdentity } from './process-identity.js';

const extension = '.draft';

/** The numbers of the PID and time namespaces, where a process ID and a start time hold. */
const place = (): string => viewpoint().match(/\d+/g)?.join('.') ?? '';

/**
 * The path of this process's draft. It makes one at a time.
 * @throws an error where /proc does not show this process
 */
export function draftIn(folder: string): string {
  const maker = ownIdentity();
  if (maker === undefined) throw new Error('/proc does not show this process');
  return join(folder, `.${maker.pid}.${maker.startTime}.${place()}${extension}`);
}

/** Removes a file that is a draft whose maker has ended. Of makers in other PID and time namespaces nothing can be told. */
export function removeAbandonedDraft(folder: string, file: string): void {
  if (!file.endsWith(extension)) return;
  const [, pid, startTime, from] = /^\.(\d+)\.(\d+)\.([\d.]+)$/.exec(file.slice(0, -extension.length)) ?? [];
  if (from !== place() || isAlive({ pid: Number(pid), startTime: Number(startTime) })) return;
  rmSync(join(folder, file), { force: true });
}
