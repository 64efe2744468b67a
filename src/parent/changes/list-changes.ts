/**
 * What was changed in overlays, as their upper folders tell it. A container may change all of this while it is looked at, and
 * may have made it to be looked at: no link is followed, and there is a bound to everything.
 */
import type { BigIntStats } from 'node:fs';
import { textOf } from '../../common/byte-text.js';
import type { Change, ChangeList, Unread } from '../../common/change-list.js';
import { errnoWords, errorCode } from '../../common/kernel/kernel-error.js';
import type { ReachedOverlay } from './layers.js';
import { OpenFolder } from './open-folder.js';
import { isOpaque, isWhiteout, isWhiteoutDevice } from './overlay-marks.js';
import { Comparison } from './same.js';

/** How much is looked at: entries of folders, and folders in folders. */
const most = { entries: 500_000, depth: 200, unread: 100 };

export function listChanges(overlays: readonly ReachedOverlay[]): ChangeList {
  const walk = new Walk();
  for (const overlay of overlays) walk.try(overlay);
  const { changes, unread } = walk;
  return { changes, unread };
}

/** A pair of folders, one over the other; there may be none below, or it may not show through. */
interface Layer {
  readonly upper: OpenFolder;
  readonly lower: OpenFolder | undefined;
  readonly path: string;
  readonly opaque: boolean;
  readonly depth: number;
}

class Walk {
  readonly changes: Change[] = [];
  readonly unread: Unread[] = [];
  private readonly comparison = new Comparison();
  private marks: ReachedOverlay['marks'] = 'user';
  private made = new Set<string>();
  private aboveMade = new Set<string>();
  private entries = 0;

  try(overlay: ReachedOverlay): void {
    try {
      this.overlay(overlay);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      this.skip(overlay.target, errnoWords(error));
    }
  }

  private overlay({ target, upper, lower, marks, made }: ReachedOverlay): void {
    this.marks = marks;
    this.made = new Set(made);
    this.aboveMade = new Set(made.flatMap(above));
    const path = target === '/' ? '' : target;
    withFolders([() => OpenFolder.at(upper), () => OpenFolder.at(lower)], (mine, theirs) => {
      // Who owns it is what the launch has chosen.
      if (mine.stats.mode !== theirs?.stats.mode) this.note('C', target, mine.stats);
      this.inside({ upper: mine, lower: theirs, path, opaque: false, depth: 0 });
    });
  }

  private inside(layer: Layer): void {
    const { upper, lower, path, opaque, depth } = layer;
    if (depth > most.depth) {
      this.skip(path, `it is deeper than ${most.depth} folders`);
      return;
    }
    const [own, hidden] = [this.namesIn(upper, path), opaque && lower ? this.namesIn(lower, path) : []];
    const here = new Set(own.map((name) => name.toString('latin1')));
    const gone = hidden.filter((name) => !here.has(name.toString('latin1')));
    for (const name of [...own, ...gone].sort(Buffer.compare)) {
      const at = `${path}/${textOf(name)}`;
      this.attempt(at, () => this.entry(layer, name, at));
    }
  }

  private entry(layer: Layer, name: Buffer, path: string): void {
    const { upper, lower } = layer;
    const mine = upper.look(name);
    const theirs = shown(lower?.look(name));
    if (mine === undefined || isWhiteout(mine, upper.pathOf(name), this.marks)) {
      if (theirs !== undefined) this.note('D', path, theirs);
      return;
    }
    if (theirs === undefined) {
      if (!this.isOurs(path, mine)) this.note('A', path, mine);
    } else if (
      !this.comparison.isSame(
        { folder: upper, name, stats: mine },
        { folder: lower as OpenFolder, name, stats: theirs },
      )
    )
      this.note('C', path, mine);
    if (mine.isDirectory()) this.descend(layer, name, path, theirs?.isDirectory() === true);
  }

  private descend({ upper, lower, depth }: Layer, name: Buffer, path: string, covers: boolean): void {
    const opaque = isOpaque(upper.pathOf(name), this.marks);
    const folders = [upper, ...(covers && lower ? [lower] : [])];
    withFolders(
      folders.map((folder) => () => folder.folder(name)),
      (mine, theirs) => this.inside({ upper: mine, lower: theirs, path, opaque, depth: depth + 1 }),
    );
  }

  private namesIn(folder: OpenFolder, path: string): Buffer[] {
    const names: Buffer[] = [];
    for (const name of folder.names()) {
      if (this.entries >= most.entries) {
        this.skip(path, `there is more than the ${most.entries} entries that are looked at`);
        break;
      }
      this.entries += 1;
      names.push(name);
    }
    return names;
  }

  /** What cannot be looked at does not keep the rest from being listed. */
  private attempt(path: string, look: () => void): void {
    try {
      look();
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      // It is not there any more, or something else is.
      if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? ''))
        this.skip(path, errnoWords(error));
    }
  }

  private skip(path: string, why: string): void {
    if (this.unread.length < most.unread) this.unread.push({ path: path || '/', why });
  }

  private note(kind: Change['kind'], path: string, stats: BigIntStats): void {
    this.changes.push({ kind, path, type: typeOf(stats) });
  }

  /** Whether the launch itself has made it, to mount something on it or below it. */
  private isOurs(path: string, stats: BigIntStats): boolean {
    if (stats.isDirectory()) return this.made.has(path) || this.aboveMade.has(path);
    return this.made.has(path) && stats.isFile() && stats.size === 0n;
  }
}

/** Opens one folder or two, and closes them afterwards. */
function withFolders(
  openers: readonly (() => OpenFolder)[],
  use: (first: OpenFolder, second: OpenFolder | undefined) => void,
): void {
  const open: OpenFolder[] = [];
  try {
    for (const opener of openers) open.push(opener());
    use(open[0] as OpenFolder, open[1]);
  } finally {
    for (const folder of open) folder.close();
  }
}

/** What an overlay shows of a folder below it. */
const shown = (stats: BigIntStats | undefined): BigIntStats | undefined =>
  stats === undefined || isWhiteoutDevice(stats) ? undefined : stats;

/** The folders that a path lies in. */
const above = (path: string): string[] =>
  path
    .split('/')
    .slice(1, -1)
    .map((_, index, names) => `/${names.slice(0, index + 1).join('/')}`);

function typeOf(stats: BigIntStats): Change['type'] {
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isFile() ? 'file' : 'device';
}
