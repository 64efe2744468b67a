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

/**
 * The mount table as a process sees it: the mounts below its root directory. The text is searched for the lines that are
 * asked for, and only those become a Mount: the child looks after each change, and a host can have thousands.
 */
export class MountTable {
  private taken: readonly Mount[] | undefined;

  constructor(private readonly text: string) {}

  get all(): readonly Mount[] {
    this.taken ??= this.lines.map((line) => new Mount(line));
    return this.taken;
  }

  get size(): number {
    return this.lines.length;
  }

  /** The mounts at one place, in the order in which they cover each other. */
  at(place: string): Mount[] {
    return this.with(` ${escaped(place)} `).filter((mount) => mount.mountPoint === place);
  }

  atOrBelow(place: string): Mount[] {
    return this.with(` ${escaped(place)}`).filter(({ mountPoint }) => isWithin(mountPoint, place));
  }

  /** Those of a type whose name begins with this. */
  ofType(beginning: string): Mount[] {
    return this.with(` - ${beginning}`).filter(({ type }) => type.startsWith(beginning));
  }

  /** How many pass changes on (`shared:`) or get them (`master:`). */
  count(tag: 'shared:' | 'master:'): number {
    return this.places(` ${tag}`).filter(({ from, at }) => at < this.text.indexOf(' - ', from)).length;
  }

  /** Those with this text somewhere in their line. */
  private with(text: string): Mount[] {
    return this.places(text).map(({ from, to }) => new Mount(this.text.slice(from, to)));
  }

  /** Where this text first stands in each line that has it, and where that line begins and ends. */
  private places(text: string): { readonly from: number; readonly at: number; readonly to: number }[] {
    const found: { from: number; at: number; to: number }[] = [];
    for (let at = this.text.indexOf(text); at >= 0; ) {
      const end = this.text.indexOf('\n', at);
      const to = end < 0 ? this.text.length : end;
      found.push({ from: this.text.lastIndexOf('\n', at) + 1, at, to });
      at = this.text.indexOf(text, to);
    }
    return found;
  }

  private get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

/** The mount table of a process. */
export const mountTable = (process: number | 'self' = 'self'): MountTable =>
  read(`/proc/${process}/mountinfo`);

/**
 * The same while the new root is set up. The working directory is the old root then (steps/root.ts), whose /proc is the
 * kernel's, whatever the new root has in that place.
 */
export const mountsInside = (): MountTable => read('proc/self/mountinfo');

function read(file: string): MountTable {
  if (remembered?.file === file) return remembered.table;
  const table = new MountTable(textOfFile(file));
  if (remembers) remembered = { file, table };
  return table;
}

let remembers = false;
let remembered: { readonly file: string; readonly table: MountTable } | undefined;

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
export const mountsAt = (place: string, table = mountTable()): string[] => table.at(place).map(mountLine);

/** The mount that a directory is on. */
export const mountOf = (path: string): Mount | undefined => mountAbove(path, mountTable().all);

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
