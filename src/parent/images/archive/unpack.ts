/** Unpacks a tar archive, or one layer of an image, into a tree. */
import { setImmediate as turn } from 'node:timers/promises';
import { Failure, isFailure } from '../../../common/failure.js';
import { errnoWords } from '../../../common/kernel/kernel-error.js';
import { ByteSource, type Waiting } from './byte-source.js';
import { refusal, shown, splitName } from './entry-name.js';
import type { Budget } from './limits.js';
import type { Tally } from './tally.js';
import { type EntryType, type TarEntry, TarReader } from './tar-entries.js';
import type { Tree } from './tree.js';

/** Whiteouts: OCI image specification, layer.md, "Whiteouts" and "Opaque Whiteout". */
const whiteout = '.wh.';
const opaque = '.wh..wh..opq';
/** Names that the first union file system, AUFS, kept for itself; some images still carry them. */
const reserved = '.wh..wh.';
/** Where AUFS kept files with several names: the layer's hard links lead there. It is no part of the contents. */
const hardLinkStore = '.wh..wh.plnk';

/**
 * How each type of entry is made; the answer false leaves it out. What is not here has no place in a container's root:
 * the launcher makes /dev.
 */
const makers: Partial<Record<EntryType, (tree: Tree, entry: TarEntry) => unknown>> = {
  directory: (tree, entry) => tree.makeDirectory(entry),
  symlink: (tree, entry) => tree.makeSymbolicLink(entry),
  link: (tree, entry) => tree.makeHardLink(entry),
};

/** Bytes after which signals are heard, and downloads go on: where the pieces are here, nothing else is waited for. */
const betweenTurns = 2 * 1024 * 1024;

export interface Unpacking {
  readonly tree: Tree;
  readonly budget: Budget;
  /** Counts what was made and what could not be kept. */
  readonly tally: Tally;
  /** Whether names that begin with `.wh.` hide what older layers brought. */
  readonly whiteouts: boolean;
  readonly signal: AbortSignal;
}

/**
 * Unpacks the uncompressed archive `source`.
 * @param what names the archive in errors
 * @throws Failure that names the entry at which it stopped; the tree is then half filled and must be thrown away
 */
export async function unpack(
  source: AsyncIterable<Uint8Array>,
  what: string,
  unpacking: Unpacking,
): Promise<void> {
  const { tree, budget, tally, whiteouts, signal } = unpacking;
  tree.beginLayer();
  const bytes = new ByteSource();
  const work = unpackEntries(new TarReader(bytes, what, whiteouts), unpacking);
  let sinceTurn = 0;
  try {
    work.next();
    for await (const chunk of source) {
      signal.throwIfAborted();
      budget.spend(chunk.length);
      bytes.feed(chunk);
      work.next();
      sinceTurn += chunk.length;
      if (sinceTurn < betweenTurns) continue;
      sinceTurn = 0;
      await turn();
    }
    bytes.end();
    work.next();
  } finally {
    // Where it waits in the middle of a file, that is closed.
    work.return();
  }
  if (whiteouts) tree.removeFromTop(hardLinkStore);
  tally.attributes = tree.lostAttributes;
  tally.unmapped = tree.lostOwners;
}

function* unpackEntries(reader: TarReader, { tree, budget, tally, whiteouts }: Unpacking): Waiting<void> {
  for (let entry = yield* reader.next(); entry !== undefined; entry = yield* reader.next()) {
    const { name, size } = entry;
    budget.admit(name, size, label);
    try {
      if (whiteouts && hide(tree, entry)) continue;
      const isFile = entry.type === 'file';
      if (isFile) yield* tree.makeFile(entry);
      const made = isFile || make(tree, entry);
      if (!whiteouts || !isStored(name)) tally.count(entry, made);
    } catch (error) {
      if (isFailure(error)) throw error;
      throw new Failure(`Cannot unpack ${label(name)}: ${errnoWords(error)}.`, {
        next: 'Nothing was kept. Make room or choose another place, then try again.',
        cause: error,
      });
    }
  }
}

const isStored = (name: string): boolean =>
  name.includes(hardLinkStore) && splitName(name)[0] === hardLinkStore;

const label = (name: string): string => shown(splitName(name).join('/') || '/');

/** @returns whether anything was made */
function make(tree: Tree, entry: TarEntry): boolean {
  const maker = makers[entry.type];
  if (maker !== undefined) return maker(tree, entry) !== false;
  tree.skip(entry);
  return false;
}

/** @returns whether the entry is a whiteout, or of AUFS's own, and so is not itself made */
function hide(tree: Tree, entry: TarEntry): boolean {
  if (!entry.name.includes(whiteout)) return false;
  const names = splitName(entry.name);
  const last = names.at(-1) ?? '';
  const folder = names.slice(0, -1);
  if (last === opaque) {
    tree.hideContents(entry, folder);
    return true;
  }
  if (names[0] === hardLinkStore) return false;
  if (names.some((name) => name.startsWith(reserved))) return true;
  if (!last.startsWith(whiteout)) return false;
  const hidden = last.slice(whiteout.length);
  if (['', '.', '..'].includes(hidden)) throw refusal(entry.name, 'is a whiteout that names no file');
  tree.hide(entry, [...folder, hidden]);
  return true;
}
