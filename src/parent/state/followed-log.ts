/**
 * Logs for followers. While somebody follows the launches of this user (gontainer present), every launch keeps its log in
 * the folder `followed` of the state folder, where they find it. The launch needs no option for that, and does not wait
 * for anybody: it writes a file. The followers remove the folder when the last of them ends.
 */
import { openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { viewpoint } from './entry.js';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.js';
import { stateFolder } from './state-folder.js';

/** What a follower writes down of itself, in a file whose name ends with `followerExtension`. */
export interface Follower extends ProcessIdentity {
  /** Where its process ID means something: as in Beginning of entry.ts. */
  readonly seenFrom: string;
}

export const followerExtension = '.follower';
export const followedFolder = (): string => `${stateFolder()}/followed`;

/** Whose log a file is: `box.4711.123456.ndjson` is that of the container box, launched by process 4711. */
export interface FollowedLog {
  readonly name: string;
  readonly launcher: ProcessIdentity;
}

const followedLogName = ({ name, launcher: { pid, startTime } }: FollowedLog): string =>
  `${name}.${pid}.${startTime}.ndjson`;

/** What the name of a file says; undefined when it is not such a name. */
export function followedLogNamed(file: string): FollowedLog | undefined {
  const [, name, pid, startTime] = /^([^/]+)\.(\d+)\.(\d+)\.ndjson$/.exec(file) ?? [];
  return name === undefined
    ? undefined
    : { name, launcher: { pid: Number(pid), startTime: Number(startTime) } };
}

/** The followers that a folder names, whether they live or not. */
export const followersIn = (folder: string): Follower[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(followerExtension))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')));

/**
 * A file for the log of this launch, open for writing; undefined when nobody follows, or there is no place for it. What
 * a follower left that was killed is removed.
 */
export function openFollowedLog(name: string): number | undefined {
  try {
    const folder = followedFolder();
    const followers = followersIn(folder);
    // From another PID or time namespace nothing can be told of a process.
    if (followers.some(({ seenFrom }) => seenFrom !== viewpoint())) return undefined;
    const launcher = ownIdentity();
    if (followers.some(isAlive) && launcher !== undefined)
      return openSync(join(folder, followedLogName({ name, launcher })), 'wx', 0o600);
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Usually: there is no such folder.
  }
  return undefined;
}
