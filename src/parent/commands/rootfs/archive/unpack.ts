/** Unpacks a tar archive, or one layer of an image, into a tree. */
import { Failure } from '../../../../common/failure.js';
import { errnoWords } from '../../../../common/kernel/kernel-error.js';
import { refusal, shown, splitName } from './entry-name.js';
import type { Budget } from './limits.js';
import type { Tally } from './tally.js';
import { type EntryType, type TarEntry, tarEntries } from './tar-entries.js';
import type { Tree } from './tree.js';

/** Whiteouts: OCI image specification, layer.md, "Whiteouts" and "Opaque Whiteout". */
const whiteout = '.wh.';
const opaque = '.wh..wh..opq';
/** Names that the first union file system, AUFS, kept for itself; some images still carry them. */
const reserved = '.wh..wh.';

/** How each type of entry is made. What is not here has no place in a container's root: the launcher makes /dev. */
const makers: Partial<Record<EntryType, (tree: Tree, entry: TarEntry) => void | Promise<void>>> = {
  file: (tree, entry) => tree.makeFile(entry),
  directory: (tree, entry) => tree.makeDirectory(entry),
  symlink: (tree, entry) => tree.makeSymbolicLink(entry),
  link: (tree, entry) => tree.makeHardLink(entry),
};

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
  { tree, budget, tally, whiteouts, signal }: Unpacking,
): Promise<void> {
  tree.beginLayer();
  for await (const entry of tarEntries(budget.count(untilAborted(source, signal)), what)) {
    const names = splitName(entry.name);
    const label = shown(names.join('/') || '/');
    budget.admit(label, entry.size);
    try {
      if (whiteouts && hide(tree, entry, names)) continue;
      const make = makers[entry.type];
      if (make !== undefined) await make(tree, entry);
      tally.count(entry, make !== undefined);
    } catch (error) {
      if (error instanceof Error && error.name === 'Failure') throw error;
      throw new Failure(`Cannot unpack ${label}: ${errnoWords(error)}.`, {
        next: 'Nothing was kept. Make room or choose another place, then try again.',
        cause: error,
      });
    }
  }
}

async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
  }
}

/** @returns whether the entry is a whiteout and so is not itself made */
function hide(tree: Tree, entry: TarEntry, names: readonly string[]): boolean {
  const last = names.at(-1) ?? '';
  if (!last.startsWith(whiteout)) return false;
  const folder = names.slice(0, -1);
  if (last === opaque) tree.hideContents(entry, folder);
  else if (!last.startsWith(reserved)) {
    const hidden = last.slice(whiteout.length);
    if (['', '.', '..'].includes(hidden)) throw refusal(entry.name, 'is a whiteout that names no file');
    tree.hide(entry, [...folder, hidden]);
  }
  return true;
}
