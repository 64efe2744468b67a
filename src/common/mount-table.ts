/** The mount table: /proc/PID/mountinfo (proc_pid_mountinfo(5)). */

import { textOfFile } from './byte-text.js';
import { isWithin } from './is-within.js';
import type { CallName } from './kernel/calls.js';

/** A line of the table, which is taken apart only where it is asked: a host can have thousands. */
export class Mount {
  private taken: readonly string[] | undefined;
  private forbidsWriting: boolean | undefined;

  constructor(private readonly line: string) {}

  get id(): number {
    return Number(this.fields[0]);
  }

  /** The mount that it is mounted on, by its number; what lies outside of the root is not in the table. */
  get parent(): number {
    return Number(this.fields[1]);
  }

  /** Major and minor number of the file system: whatever is mounted of it in several places has the same. */
  get device(): string {
    return String(this.fields[2]);
  }

  get root(): string {
    return unescaped(this.fields[3]);
  }

  get mountPoint(): string {
    return unescaped(this.fields[4]);
  }

  get options(): string {
    return String(this.fields[5]);
  }

  /** Whether it passes changes on (`shared:`) or gets them (`master:`); without taking the line apart. */
  has(tag: 'shared:' | 'master:'): boolean {
    return this.line.includes(` ${tag}`) && this.line.slice(0, this.line.indexOf(' - ')).includes(` ${tag}`);
  }

  /** Whether it is mounted there; only a line that has this path is taken apart. */
  isAt(place: string): boolean {
    return this.line.includes(` ${escaped(place)} `) && this.mountPoint === place;
  }

  /** Whether it is mounted there or below; only a line that has this path is taken apart. */
  isAtOrBelow(place: string): boolean {
    return this.line.includes(` ${escaped(place)}`) && isWithin(this.mountPoint, place);
  }

  /** Whether nothing can be written there: for this mount, or for its file system as a whole. */
  get readOnly(): boolean {
    this.forbidsWriting ??= `${this.options},${this.fields[this.separator + 3]}`.split(',').includes('ro');
    return this.forbidsWriting;
  }

  get type(): string {
    return String(this.fields[this.separator + 1]);
  }

  get source(): string {
    return unescaped(this.fields[this.separator + 2]);
  }

  /** The options of the file system itself: of a control group hierarchy its controllers. */
  get superOptions(): readonly string[] {
    return String(this.fields[this.separator + 3]).split(',');
  }

  private get fields(): readonly string[] {
    this.taken ??= this.line.split(' ');
    return this.taken;
  }

  /** Where the optional fields end, and what belongs to the file system itself begins. */
  private get separator(): number {
    return this.fields.indexOf('-', 6);
  }
}

/** mountinfo writes blank, tab, newline and backslash as \040 and so on. */
const unescaped = (field = ''): string =>
  field.includes('\\')
    ? field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    : field;

const escaped = (path: string): string =>
  path.replace(/[ \t\n\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);

/** The mount table as a process sees it: the mounts below its root directory. */
export const mountTable = (process: number | 'self' = 'self'): Mount[] => read(`/proc/${process}/mountinfo`);

/**
 * The same while the new root is set up. The working directory is the old root then (steps/root.ts), whose /proc is the
 * kernel's, whatever the new root has in that place.
 */
export const mountsInside = (): Mount[] => read('proc/self/mountinfo');

function read(file: string): Mount[] {
  if (remembered?.file === file) return remembered.mounts;
  const mounts = textOfFile(file)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => new Mount(line));
  if (remembers) remembered = { file, mounts };
  return mounts;
}

let remembers = false;
let remembered: { readonly file: string; readonly mounts: Mount[] } | undefined;

/** The calls that change the table, or where a process sees it from. */
const changing: ReadonlySet<string> = new Set<CallName>([
  ...(['mount', 'umount2', 'move_mount', 'mount_setattr'] as const),
  ...(['pivot_root', 'chroot', 'chdir', 'fchdir'] as const),
]);

/**
 * From here on a table that was read stands for what is read again before the next call that changes it. The child tells
 * of each of its kernel calls: between two of them nobody else changes a mount namespace of its own, and what one step
 * shows after it, the next shows before it.
 */
export function rememberMountTable(call: string): void {
  remembers = true;
  if (changing.has(call)) remembered = undefined;
}

/** Those that no mount covers which was mounted later, at the same place or above it. */
export const uncovered = (mounts: readonly Mount[]): Mount[] =>
  mounts.filter(
    ({ mountPoint }, index) =>
      !mounts
        .slice(index + 1)
        .some(({ mountPoint: later }) => mountPoint === later || mountPoint.startsWith(`${later}/`)),
  );

/** A mount in one line, as findmnt(8) would give it. */
export const mountLine = ({ mountPoint, type, source, options }: Mount): string =>
  `${mountPoint} ${type} ${source} ${options}`;

/** The mounts at one place, in the order in which they cover each other. */
export const mountsAt = (place: string): string[] =>
  mountTable()
    .filter((mount) => mount.isAt(place))
    .map(mountLine);

/** The mount that a directory is on. */
export const mountOf = (path: string): Mount | undefined => mountAbove(path, mountTable());

/**
 * The mount that a path leads to, by its text alone: symbolic links are not followed. From the root on, of what is mounted
 * on one mount, the first in the way covers what lies further down it.
 */
export function mountAbove(path: string, table: readonly Mount[]): Mount | undefined {
  const onTheWay = table.filter(({ mountPoint }) => isWithin(path, mountPoint));
  const ids = new Set(onTheWay.map(({ id }) => id));
  let found: Mount | undefined;
  let next = onTheWay.filter(({ id, parent }) => id === parent || !ids.has(parent));
  while (next.length > 0) {
    found = next.reduce((first, mount) =>
      mount.mountPoint.length < first.mountPoint.length ? mount : first,
    );
    const { id } = found;
    next = onTheWay.filter((mount) => mount.parent === id && mount.id !== id);
  }
  return found;
}
