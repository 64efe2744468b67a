/** Reading from the kernel what it did: the evidence that steps show before and after. */

import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { pathOf, textOfFile } from './byte-text.js';
import { type Namespace, namespaces } from './namespaces.js';

/** `user:[4026531837]` and so on for a process (namespaces(7)), by what the namespace is called in /proc/PID/ns. */
export function namespaceIds(
  process: number | 'self',
  which: readonly Namespace[] = namespaces,
): Record<string, string> {
  return Object.fromEntries(which.map(({ entry }) => [entry, namespaceId(process, entry)]));
}

/** One of them; `absent` where the kernel has no such kind. */
export function namespaceId(process: number | 'self', entry: string): string {
  try {
    return readlinkSync(`/proc/${process}/ns/${entry}`);
  } catch {
    return 'absent';
  }
}

/** The lines of uid_map, gid_map or timens_offsets as the kernel reports them, blanks evened out. */
export function procLines(path: string): string[] {
  return textOfFile(path)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.trim().replace(/\s+/g, ' '));
}

/** Without a newline at the end. */
export const procText = (path: string): string => readFileSync(path, 'utf8').trimEnd();

/** Device and inode tell a directory from every other, by whatever path it is reached: inode(7). */
export function directoryId(path: string): string {
  const found = statSync(pathOf(path), { throwIfNoEntry: false });
  return found === undefined ? 'absent' : `device ${found.dev} inode ${found.ino}`;
}

/** Whether a line of `mountLine` is that of a read-only mount. */
export const isReadOnly = (line: string): boolean =>
  line.split(' ').at(-1)?.split(',').includes('ro') === true;

/** The process IDs that can be seen in a /proc; none where it is not mounted. */
export const visibleProcesses = (proc = '/proc'): number[] =>
  (existsSync(proc) ? readdirSync(proc) : [])
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
