/** Whether what an overlay has copied up is still what it was copied from. */
import { type BigIntStats, closeSync, readlinkSync, readSync } from 'node:fs';
import { attributeOf } from '../../common/kernel/file-attributes.js';
import type { OpenFolder } from './open-folder.js';

/** Something in a folder. */
export interface Place {
  readonly folder: OpenFolder;
  readonly name: Buffer;
  readonly stats: BigIntStats;
}

/** Who may do what with a file, beside owner and mode: acl(5), capabilities(7). */
const rights = ['system.posix_acl_access', 'system.posix_acl_default', 'security.capability'];

/** Bytes of files that are compared at most, in one list of changes. */
const mostCompared = 4 * 2 ** 30;
const pieces = [Buffer.alloc(256 * 1024), Buffer.alloc(256 * 1024)] as const;

/** What was left alone is the same. Times do not count. */
export class Comparison {
  private left = mostCompared;

  /** What cannot be read, or is too much to read, counts as changed. */
  isSame(one: Place, other: Place): boolean {
    const [mine, theirs] = [one.stats, other.stats];
    if (mine.mode !== theirs.mode || mine.uid !== theirs.uid || mine.gid !== theirs.gid) return false;
    if (mine.isSymbolicLink()) return linkOf(one).equals(linkOf(other));
    if (mine.isCharacterDevice() || mine.isBlockDevice()) return mine.rdev === theirs.rdev;
    if (!mine.isFile() && !mine.isDirectory()) return true;
    if (!rights.every((name) => isEqual(attributeAt(one, name), attributeAt(other, name)))) return false;
    return mine.isDirectory() || (mine.size === theirs.size && this.hasSameContent(one, other));
  }

  private hasSameContent(one: Place, other: Place): boolean {
    const files: number[] = [];
    try {
      for (const { folder, name } of [one, other]) {
        const file = folder.file(name);
        if (file === undefined) return false;
        files.push(file);
      }
      const [mine, theirs] = files as [number, number];
      while (this.left > 0) {
        const length = readSync(mine, pieces[0]);
        if (readWhole(theirs, pieces[1], length) !== length) return false;
        if (length === 0) return readSync(theirs, pieces[1]) === 0;
        if (!pieces[0].subarray(0, length).equals(pieces[1].subarray(0, length))) return false;
        this.left -= length;
      }
      return false;
    } catch {
      return false;
    } finally {
      for (const file of files) closeSync(file);
    }
  }
}

/** As many bytes as there are, up to this length. */
function readWhole(file: number, buffer: Buffer, length: number): number {
  let done = 0;
  for (let read = 1; done < length && read > 0; done += read)
    read = readSync(file, buffer, done, length - done, null);
  return done;
}

const linkOf = ({ folder, name }: Place): Buffer => readlinkSync(folder.pathOf(name), { encoding: 'buffer' });

const attributeAt = ({ folder, name }: Place, attribute: string): Buffer | undefined =>
  attributeOf(folder.pathOf(name), attribute);

const isEqual = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
  one === undefined || other === undefined ? one === other : one.equals(other);
