/** Reading from the kernel what it did: the evidence that steps show before and after. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
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
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.trim().replace(/\s+/g, ' '));
}

/** Without a newline at the end. */
export const procText = (path: string): string => readFileSync(path, 'utf8').trimEnd();

/** A line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  readonly id: number;
  readonly root: string;
  readonly mountPoint: string;
  readonly options: string;
  /** `shared:N`, `master:N`, or `private`. */
  readonly propagation: string;
  readonly type: string;
  readonly source: string;
}

/** The mount table as a process sees it: the mounts below its root directory. */
export const mountTable = (process: number | 'self' = 'self'): Mount[] =>
  readMounts(`/proc/${process}/mountinfo`);

function readMounts(file: string): Mount[] {
  return procLines(file).map((line) => {
    const [own = '', system = ''] = line.split(' - ');
    const [id, , , root, mountPoint, options, ...optional] = own.split(' ');
    const [type, source] = system.split(' ');
    return {
      id: Number(id),
      root: unescaped(root),
      mountPoint: unescaped(mountPoint),
      options: String(options),
      propagation: optional.join(' ') || 'private',
      type: String(type),
      source: unescaped(source),
    };
  });
}

/**
 * The same while the new root is set up. The working directory is the old root then (steps/root.ts), whose /proc is the
 * kernel's, whatever the new root has in that place.
 */
export const mountsInside = (): Mount[] => readMounts('proc/self/mountinfo');

/** A mount in one line, as findmnt(8) would give it. */
export const mountLine = ({ mountPoint, type, source, options }: Mount): string =>
  `${mountPoint} ${type} ${source} ${options}`;

/** mountinfo writes blank, tab, newline and backslash as \040 and so on. */
const unescaped = (field = ''): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** The mounts at one place, in the order in which they cover each other. */
export const mountsAt = (place: string): string[] =>
  mountTable()
    .filter(({ mountPoint }) => mountPoint === place)
    .map(mountLine);

/** Device and inode tell a directory from every other, by whatever path it is reached: inode(7). */
export function directoryId(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
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

/** The process ID that a process has in its own PID namespace: the line NSpid of proc_pid_status(5). */
export function innermostPid(process: number): number {
  const line = procLines(`/proc/${process}/status`).find((text) => text.startsWith('NSpid:'));
  return Number(line?.split(' ').at(-1));
}
