/**
 * What is known of a root file system that was made. How its image wants to be run lies beside it, in
 * `.DIR.gontainer.json`; so that roots can be listed, each is noted in `$XDG_DATA_HOME/gontainer/roots`. Both are only for
 * convenience: that they cannot be written is not an error.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import { homeFolder } from '../../state/home-folder.js';
import { namesIn } from './names-in.js';

export interface RootRecord {
  /** When it was made, as in ISO 8601. */
  readonly made: string;
  /** For example `a tar archive` or `library/alpine (1 layer), sha256:…`. */
  readonly from: string;
  /** How the image wants to be run. */
  readonly image?: ImageDefaults;
}

/** A root that is noted and there. */
export interface NotedRoot extends Pick<RootRecord, 'made' | 'from'> {
  readonly path: string;
}

/** A larger record is not ours. */
const largestRecord = 8 * 1024 * 1024;

export const recordFile = (root: string): string =>
  join(dirname(resolve(root)), `.${basename(resolve(root))}.gontainer.json`);

/** What a root came from: its image says how it wants to be run, and that is written beside it. */
export function writeRecord(root: string, record: RootRecord): void {
  if (record.image === undefined) rmSync(recordFile(root), { force: true });
  else write(recordFile(root), record);
}

/** Notes where a root is, and what it came from. */
export function noteRoot(root: string, { made, from }: Pick<RootRecord, 'made' | 'from'>): void {
  const path = resolve(root);
  const note = { path, inode: statSync(path).ino, made, from };
  const folder = rootsFolder();
  if (folder === undefined) return;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    return;
  }
  write(join(folder, `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.json`), note);
}

/** What lies beside a root, or undefined where there is nothing that can be read. */
export function readRecord(root: string): RootRecord | undefined {
  const value = readJson(recordFile(root)) as Partial<RootRecord> | undefined;
  if (typeof value?.made !== 'string' || typeof value.from !== 'string') return undefined;
  return value as RootRecord;
}

/** The roots that are noted and still there. What is noted of one that is gone, or was replaced, is removed. */
export function notedRoots(): NotedRoot[] {
  const folder = rootsFolder();
  const roots: NotedRoot[] = [];
  if (folder === undefined) return roots;
  for (const name of namesIn(folder).filter((one) => /^[0-9a-f]{32}\.json$/.test(one))) {
    const { path, inode, made, from } = (readJson(join(folder, name)) ?? {}) as Record<string, unknown>;
    if (typeof path !== 'string' || !isAbsolute(path)) continue;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory() && found.ino === inode)
      roots.push({ path, made: String(made), from: String(from) });
    else rmSync(join(folder, name), { force: true });
  }
  return roots.sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** Nothing is noted for a user without a home folder. */
function rootsFolder(): string | undefined {
  const data = dataFolder();
  return data && join(data, 'roots');
}

/** `$XDG_DATA_HOME/gontainer`, or `~/.local/share/gontainer`; undefined for a user without a home folder. */
export function dataFolder(): string | undefined {
  const { XDG_DATA_HOME: named = '' } = process.env;
  const home = homeFolder();
  const data = isAbsolute(named) ? named : home && join(home, '.local', 'share');
  return data && join(data, 'gontainer');
}

function write(file: string, value: object): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(value)}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } catch {
    rmSync(draft, { force: true });
  }
}

function readJson(file: string): object | undefined {
  try {
    const found = lstatSync(file);
    if (!found.isFile() || found.size > largestRecord) return undefined;
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
