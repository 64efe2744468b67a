/** A tree as data: what two programs unpacked can be compared entry by entry. */
import { createHash } from 'node:crypto';
import { type BigIntStats, chmodSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { attributesOf } from '../../../src/common/kernel/file-attributes.js';

export interface Seen {
  /** Whether times are compared to the nanosecond, or to the second. */
  readonly nanoseconds?: boolean;
  /** Paths that are left out, `.` for the top; what is below them is not. */
  readonly except?: readonly string[];
  /** Nanoseconds: a later time is only that of the unpacking. */
  readonly since?: bigint;
  /** Whether owners are compared. */
  readonly owners?: boolean;
  /** Whether devices, fifos and sockets are entries. */
  readonly specialFiles?: boolean;
  /** Bits that are not compared. */
  readonly ignoredMode?: number;
  /** Bits that every folder is taken to have. */
  readonly folderMode?: number;
  /** Which extended attributes are compared. */
  readonly attributes?: (name: string) => boolean;
}

/** One line for each entry, by its path; bytes of names are characters. */
export function treeOf(
  directory: string,
  {
    nanoseconds = true,
    since,
    except = [],
    owners = true,
    ignoredMode = 0,
    folderMode = 0,
    specialFiles = true,
    attributes = () => true,
  }: Seen = {},
): Record<string, string> {
  const found: Record<string, string> = {};
  const first = new Map<string, string>();
  const visit = (path: string): void => {
    const full = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, 'latin1')]);
    const stats = lstatSync(full, { bigint: true });
    const isSpecial = !stats.isFile() && !stats.isDirectory() && !stats.isSymbolicLink();
    if (isSpecial && !specialFiles) return;
    if (!except.includes(path)) found[path] = line(path, full, stats);
    if (!stats.isDirectory()) return;
    const mode = Number(stats.mode & 0o7777n);
    // Its own owner may not look into it, or not further.
    const isClosed = (mode & 0o500) !== 0o500 && stats.uid === BigInt(process.getuid?.() ?? -1);
    if (isClosed) chmodSync(full, mode | 0o500);
    for (const name of readdirSync(full, { encoding: 'latin1' }).sort())
      visit(path === '.' ? name : `${path}/${name}`);
    if (isClosed) chmodSync(full, mode);
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
    const exact = nanoseconds ? stats.mtimeNs : stats.mtimeNs / 1_000_000_000n;
    const time = since !== undefined && stats.mtimeNs >= since ? 'now' : exact;
    const owner = owners ? `${stats.uid}:${stats.gid}` : '';
    const mode = stats.isDirectory() ? stats.mode | BigInt(folderMode) : stats.mode;
    const kept = [...attributesOf(full)].filter(([name]) => attributes(name));
    const more = kept.map(([name, value]) => `${name}=${value.toString('hex')}`);
    return [(mode & ~BigInt(ignoredMode)).toString(8), owner, time, content, ...more].join(' ');
  };
  visit('.');
  return found;
}
