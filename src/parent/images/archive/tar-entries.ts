/**
 * The entries of a tar archive, one after another, as data. Every name, link target and attribute is bytes, as they are
 * to Linux; in strings, each character is one byte.
 */
import { Failure } from '../../../common/failure.js';
import type { Moment } from '../../../common/kernel/file-attributes.js';
import type { ByteSource, Waiting } from './byte-source.js';
import { refusal } from './entry-name.js';
import { isAttribute, type PaxRecord, parsePaxRecords, paxAttributes, paxTime } from './pax-records.js';
import { bodySparseMap, oldSparseMap, paxSparseMap, type SparseMap } from './sparse-map.js';
import { block, type Header, isZero, parseHeader } from './tar-header.js';

export type EntryType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'link'
  | 'character-device'
  | 'block-device'
  | 'fifo';

export interface TarEntry {
  /** As it stands in the archive: not to be trusted. */
  readonly name: string;
  readonly type: EntryType;
  /** Bytes of the file, its holes included. */
  readonly size: number;
  /** Permissions with the set-user-ID, set-group-ID and sticky bits: inode(7). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modified: Moment;
  /** Of a symbolic or hard link. */
  readonly target: string;
  /** Extended attributes by their names: xattr(7). */
  readonly attributes: ReadonlyMap<string, Buffer>;
  /** The parts that the body holds, where the file has holes. */
  readonly sparse: SparseMap | undefined;
  /** May be asked until the next entry is. */
  readonly body: Body;
}

/** What follows a header. */
export interface Body {
  /** Its next bytes that are here, at most so many; none where they have not come yet, and at its end. */
  here(most: number): Buffer;
  /** Its next bytes as they come, at most so many; none at its end. */
  next(most: number): Waiting<Buffer>;
}

/** Type flags of POSIX and GNU tar that stand for something in the file system. */
const types: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file', // "Contiguous": the same to everybody but its first system.
  D: 'directory', // GNU: with the names of what was in it as a body.
  S: 'file', // GNU: sparse.
};

/** Types whose header may give a size although no body follows: what Go and others do with them. */
const bodiless = new Set(['1', '2', '3', '4', '5', '6']);

/** What comes before an entry and says more about it: pax, pax and ACLs as Solaris wrote them, GNU's long names and volumes. */
const announcing = new Set(['x', 'X', 'g', 'L', 'K', 'V', 'A']);

/**
 * POSIX has every other type read as a file, and so do GNU tar and bsdtar. It would be a wrong one of these, by the type's
 * meaning: GNU's M and N, star's I, whose size is that of a body elsewhere.
 */
const noFiles: Readonly<Record<string, string>> = {
  M: 'is the rest of a file that begins in another volume',
  N: 'says which files are to be renamed, in a way that GNU tar gave up in 1994',
  I: 'has the metadata of a file without its contents',
};

const nothing = Buffer.alloc(0);

/** Headers and names longer than this are not honest: PATH_MAX is 4096, and attributes are at most 64 KiB. */
const largestMetadata = 8 * 1024 * 1024;

/** Read until there is something to hand out. */
interface Announced {
  /** Records of global pax headers, which hold for all that follows. */
  readonly global: Map<string, string>;
  /** Records of the pax header for the next entry, in their order. */
  records: readonly PaxRecord[];
  name: string | undefined;
  target: string | undefined;
}

/**
 * Reads an uncompressed tar archive: v7, ustar, pax, star and GNU, sparse files of all kinds. An end mark ends it, and so
 * does the end of the stream; what follows an end mark is read and left alone, as by other readers.
 */
export class TarReader {
  private readonly source: ByteSource;
  private readonly what: string;
  private readonly body: Body = {
    here: (most) => this.bodyHere(most),
    next: (most) => this.nextOfBody(most),
  };
  private readonly global = new Map<string, string>();
  /** Whether the stream may end here. */
  private begun: boolean;
  /** Bytes of the present body that were not read, and of what fills its last block. */
  private remaining = 0;
  private padding = 0;
  /** Bytes of a body that the last hard link may have, its last block filled up. */
  private doubtful = 0;

  /**
   * @param what names the archive in errors
   * @param mayBeEmpty whether no bytes at all are an archive, as some layers of images are
   */
  constructor(source: ByteSource, what: string, mayBeEmpty: boolean) {
    this.source = source;
    this.what = what;
    this.begun = mayBeEmpty;
  }

  /**
   * The next entry, or undefined at the end of the archive.
   * @throws Failure when it is not a tar archive, is damaged, cut short or has an entry that stands for no file
   */
  *next(): Waiting<TarEntry | undefined> {
    const announced: Announced = { global: this.global, records: [], name: undefined, target: undefined };
    for (;;) {
      if (this.remaining + this.padding > 0 && !this.skipsHere()) yield* this.skipBody();
      const header = this.headerHere() ?? (yield* this.header());
      if (header === undefined) return undefined;
      this.begun = true;
      this.doubtful = 0;
      if (announcing.has(header.type)) yield* this.announce(header, announced);
      else {
        const pax = paxOf(announced);
        const mayBeSparse = header.type === 'S' || pax.size > 0;
        return mayBeSparse ? yield* this.sparse(header, announced, pax) : this.entry(header, announced, pax);
      }
    }
  }

  /** A header that is here, whole and right: mostly there is one. */
  private headerHere(): Header | undefined {
    if (!this.source.has(block)) return undefined;
    const header = parseHeader(...this.source.place);
    if (header !== undefined) this.source.skip(block);
    return header;
  }

  /** @returns undefined at the end of the archive */
  private *header(): Waiting<Header | undefined> {
    const bytes = yield* this.source.take(block);
    if (bytes.length === 0 && this.begun) return undefined;
    const ends = bytes.length > 0 && isZero(bytes);
    if (bytes.length === block && this.doubtful > 0 && (ends || parseHeader(bytes, 0) === undefined)) {
      yield* this.skipDoubtful(ends);
      return yield* this.header();
    }
    if (ends) {
      // Two such blocks are the end mark; one is enough for most readers, and what follows is for none of them.
      while ((yield* this.source.some(Number.MAX_SAFE_INTEGER)).length > 0);
      return undefined;
    }
    if (bytes.length < block) throw this.unreadable(bytes.length === 0 ? 'it is empty' : 'it is cut short');
    const header = parseHeader(bytes, 0);
    if (header !== undefined) return header;
    throw this.unreadable(
      this.begun ? 'the checksum of a header is wrong' : 'it does not begin with a header of one (checksum)',
    );
  }

  /**
   * A hard link with a size: pax lets the file's contents follow again, and older writers gave the size alone. There is a
   * body where no header follows. What is zero may be the end mark as well, and the archive end within it.
   */
  private *skipDoubtful(mayEnd: boolean): Waiting<void> {
    let left = this.doubtful - block;
    this.doubtful = 0;
    while (left > 0) {
      const { length } = yield* this.source.some(left);
      if (length === 0 && mayEnd) return;
      if (length === 0) throw this.cutShort();
      left -= length;
    }
  }

  /** Reads what says something about the entry that follows. */
  private *announce(header: Header, announced: Announced): Waiting<void> {
    switch (header.type) {
      case 'g':
        for (const [key, value] of this.records(yield* this.metadata(header)))
          announced.global.set(key, value);
        return;
      case 'L':
        announced.name = upToZero(yield* this.metadata(header));
        return;
      case 'K':
        announced.target = upToZero(yield* this.metadata(header));
        return;
      case 'V':
      case 'A':
        this.expectBody(header.size);
        return;
      default:
        announced.records = this.records(yield* this.metadata(header));
    }
  }

  private entry(header: Header, announced: Announced, pax: Records): TarEntry {
    const name = pax.get('GNU.sparse.name') ?? pax.get('path') ?? announced.name ?? header.name;
    const declared = types[header.type] ?? 'file';
    const reason = noFiles[header.type];
    if (reason !== undefined) throw refusal(name, `${reason} (type ${header.type})`);
    const type = declared === 'file' && name.endsWith('/') ? 'directory' : declared;
    const stored = decimal(pax.get('size')) ?? header.size;
    this.expectBody(bodiless.has(header.type) ? 0 : stored);
    if (type === 'link' && stored > 0) this.doubtful = stored + paddingOf(stored);
    return {
      name,
      type,
      size: type === 'file' ? this.remaining : 0,
      mode: header.mode & 0o7777,
      uid: owner(decimal(pax.get('uid')) ?? header.uid),
      gid: owner(decimal(pax.get('gid')) ?? header.gid),
      modified: paxTime(pax.get('mtime')) ?? { seconds: header.modified, nanoseconds: 0 },
      target: pax.get('linkpath') ?? announced.target ?? header.target,
      attributes: paxAttributes(pax),
      sparse: undefined,
      body: this.body,
    };
  }

  /** The same for an entry that may have holes: where they are may stand in blocks that have not come yet. */
  private *sparse(header: Header, announced: Announced, pax: Records): Waiting<TarEntry> {
    const entry = this.entry(header, announced, pax);
    if (entry.type !== 'file') return entry;
    const sparse = yield* this.sparseMap(entry.name, header, pax, announced.records);
    return sparse === undefined ? entry : { ...entry, size: sparse.size, sparse };
  }

  private *sparseMap(
    name: string,
    header: Header,
    pax: Records,
    records: readonly PaxRecord[],
  ): Waiting<SparseMap | undefined> {
    const isNew = pax.get('GNU.sparse.major') === '1';
    const isPax = pax.has('GNU.sparse.map') || pax.has('GNU.sparse.numblocks');
    if (header.type !== 'S' && !isNew && !isPax) return undefined;
    let map: SparseMap | undefined;
    if (header.type === 'S') map = yield* oldSparseMap(header, (size) => this.exactly(size));
    else if (isNew) {
      map = yield* bodySparseMap(pax.get('GNU.sparse.realsize'), (size) => this.ofBody(size));
    } else map = paxSparseMap(records);
    const stored = map?.extents.reduce((sum, { length }) => sum + length, 0);
    if (map === undefined || stored !== this.remaining)
      throw damagedEntry(name, 'has a map of holes that is damaged');
    return map;
  }

  private expectBody(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0)
      throw this.unreadable('a header declares an impossible size');
    this.remaining = size;
    this.padding = paddingOf(size);
  }

  private bodyHere(most: number): Buffer {
    const chunk = this.source.here(Math.min(most, this.remaining));
    this.remaining -= chunk.length;
    return chunk;
  }

  private *nextOfBody(most: number): Waiting<Buffer> {
    if (this.remaining === 0) return nothing;
    const chunk = yield* this.source.some(Math.min(most, this.remaining));
    if (chunk.length === 0) throw this.cutShort();
    this.remaining -= chunk.length;
    return chunk;
  }

  /** Passes over what is left of a body, where all of it is here. */
  private skipsHere(): boolean {
    const left = this.remaining + this.padding;
    if (!this.source.has(left)) return false;
    this.source.skip(left);
    this.remaining = 0;
    this.padding = 0;
    return true;
  }

  /** What fills the last block may be missing at the very end: nothing was lost with it. */
  private *skipBody(): Waiting<void> {
    while (this.remaining > 0) yield* this.nextOfBody(this.remaining);
    yield* this.source.take(this.padding);
    this.padding = 0;
  }

  private *metadata({ size }: Header): Waiting<Buffer> {
    if (size > largestMetadata)
      throw this.unreadable(`the metadata of an entry is larger than ${largestMetadata} bytes`);
    this.expectBody(size);
    return yield* this.ofBody(size);
  }

  private *ofBody(size: number): Waiting<Buffer> {
    if (size > this.remaining) throw this.cutShort();
    this.remaining -= size;
    return yield* this.exactly(size);
  }

  private *exactly(size: number): Waiting<Buffer> {
    const bytes = yield* this.source.take(size);
    if (bytes.length < size) throw this.cutShort();
    return bytes;
  }

  private records(bytes: Buffer): PaxRecord[] {
    const records = parsePaxRecords(bytes);
    if (records === undefined) throw this.unreadable('a pax header is damaged');
    return records;
  }

  private cutShort(): Failure {
    return this.unreadable('it is cut short');
  }

  private unreadable(reason: string): Failure {
    return new Failure(`Cannot read ${this.what} as a tar archive: ${reason}.`, {
      next: 'It is damaged or no tar archive: try tar -tf to list it.',
    });
  }
}

/** Bytes that fill the last block of a body. */
const paddingOf = (size: number): number => (block - (size % block)) % block;

/** The records that hold for one entry. */
type Records = ReadonlyMap<string, string>;

function paxOf({ global, records }: Announced): Records {
  if (global.size === 0 && records.length === 0) return noRecords;
  const pax = new Map([...global, ...records]);
  for (const [key, value] of pax) if (value === '' && !isAttribute(key)) pax.delete(key);
  return pax;
}

const noRecords: Records = new Map();

const upToZero = (bytes: Buffer): string => {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
};

const decimal = (value: string | undefined): number | undefined =>
  value !== undefined && /^-?\d{1,20}$/.test(value) ? Number(value) : undefined;

/** (uid_t) -1 means "leave as it is" to chown(2), and a larger number is not a user: nobody owns it then. */
const owner = (id: number): number => (id >= 0 && id < 2 ** 32 - 1 ? id : 65_534);

const damagedEntry = (name: string, reason: string): Failure => refusal(name, reason);
