/** A tree as data: what two programs unpacked can be compared entry by entry. */
import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Seen {
  /** Whether times are compared to the nanosecond, or to the second. */
  readonly nanoseconds?: boolean;
  /** Paths that are left out, `.` for the top; what is below them is not. */
  readonly except?: readonly string[];
  /** Whether owners are compared. */
  readonly owners?: boolean;
}

/** One line for each entry, by its path; bytes of names are characters. */
export function treeOf(directory: string, { nanoseconds = true, except = [], owners = true }: Seen = {}) {
  const found: Record<string, string> = {};
  const first = new Map<string, string>();
  const visit = (path: string): void => {
    const full = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, 'latin1')]);
    const stats = lstatSync(full, { bigint: true });
    if (!except.includes(path)) found[path] = line(path, full, stats);
    if (!stats.isDirectory()) return;
    for (const name of readdirSync(full, { encoding: 'latin1' }).sort())
      visit(path === '.' ? name : `${path}/${name}`);
  };
  const line = (path: string, full: Buffer, stats: BigIntStats): string => {
    const key = `${stats.dev}:${stats.ino}`;
    const same = first.get(key);
    first.set(key, path);
    if (same !== undefined) return `the same as ${same}`;
    const content = stats.isFile()
      ? `${stats.size} ${createHash('sha256').update(readFileSync(full)).digest('hex')}`
      : stats.isSymbolicLink()
        ? readlinkSync(full, 'latin1')
        : '';
    const time = nanoseconds ? stats.mtimeNs : stats.mtimeNs / 1_000_000_000n;
    const owner = owners ? `${stats.uid}:${stats.gid}` : '';
    return [stats.mode.toString(8), owner, time, content].join(' ');
  };
  visit('.');
  return found;
}
