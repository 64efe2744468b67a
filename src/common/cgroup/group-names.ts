/** What the groups of a container are called (nobody else's are, so these may be removed), and who is in one. */
import { join } from 'node:path';
import type { ControlGroup } from './limits.js';

const initEnding = '-init';

export function newGroupName(): string {
  // Loaded only here: it takes milliseconds, and most launches have no limits.
  const { randomBytes } = process.getBuiltinModule('node:crypto');
  return `gontainer-${process.pid}-${randomBytes(6).toString('hex')}`;
}

/** Whether a launch has made a group of this name. */
export const isGroupName = (name: string): boolean => /^gontainer-\d+-[0-9a-f]{12}(-init)?$/.test(name);

/** The group beside that of the command, in which the child is. */
export const initGroupOf = (path: string): string => `${path}${initEnding}`;

export const isInitGroup = (path: string): boolean => path.endsWith(initEnding);

/** The folders of a group, that of its child included. */
export const pathsOf = ({ path, init }: ControlGroup): string[] =>
  init === undefined ? [path] : [path, init];

/** The file that shows who is in a group, and by which processes are put there. */
export const membersFile = (group: string): string => join(group, 'cgroup.procs');
