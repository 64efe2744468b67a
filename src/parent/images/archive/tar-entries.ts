/**
 * The entries of a tar archive, one after another, as data. Every name, link target and attribute is bytes, as they are
 * to Linux; in strings, each character is one byte.
 */
import { Failure } from '../../../common/failure.js';
import { ByteSource } from './byte-source.js';
import { refusal } from './entry-name.js';
import { type PaxRecord, parsePaxRecords, paxAttributes, paxTime } from './pax-records.js';
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
  /** Nanoseconds since 1970. */
  readonly modified: bigint;
  /** Of a symbolic or hard link. */
  readonly target: string;
  /** Extended attributes by their names: xattr(7). */
  readonly attributes: ReadonlyMap<string, Buffer>;
  /** The parts that the body holds, where the file has holes. */
  readonly sparse: SparseMap | undefined;
  /** May be read until the next entry is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
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
 * @param what names the archive in errors
 * @param mayBeEmpty whether no bytes at all are an archive, as some layers of images are
 * @throws Failure when it is not a tar archive, is damaged, cut short or has an entry of an unknown type
 */
export async function* tarEntries(
  source: AsyncIterable<Uint8Array>,
  what: string,
  mayBeEmpty: boolean,
): AsyncGenerator<TarEntry> {
  const reader = new TarReader(new ByteSource(source), what, mayBeEmpty);
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) yield entry;
  } finally {
    await reader.close();
  }
}

class TarReader {
  private readonly source: ByteSource;
  private readonly what: string;
  private readonly global = new Map<string, string>();
  /** Whether the stream may end here. */
  private begun: boolean;
  /** Bytes of the present body that were not read, and of what fills its last block. */
  private remaining = 0;
  private padding = 0;

  constructor(source: ByteSource, what: string, mayBeEmpty: boolean) {
    this.source = source;
    this.what = what;
    this.begun = mayBeEmpty;
  }

  async next(): Promise<TarEntry | undefined> {
    const announced: Announced = { global: this.global, records: [], name: undefined, target: undefined };
    for (;;) {
      await this.skipBody();
      const header = await this.header();
      if (header === undefined) return undefined;
      this.begun = true;
      if (await this.announce(header, announced)) continue;
      return this.entry(header, announced);
    }
  }

  close(): Promise<void> {
    return this.source.close();
  }

  /** @returns undefined at the end of the archive */
  private async header(): Promise<Header | undefined> {
    const bytes = Buffer.from(await this.source.take(block));
    if (bytes.length === 0 && this.begun) return undefined;
    if (bytes.length > 0 && isZero(bytes)) {
      // Two such blocks are the end mark; one is enough for most readers, and what follows is for none of them.
      while ((await this.source.some(Number.MAX_SAFE_INTEGER)).length > 0);
      return undefined;
    }
    if (bytes.length < block) throw this.unreadable(bytes.length === 0 ? 'it is empty' : 'it is cut short');
    const header = parseHeader(bytes);
    if (header !== undefined) return header;
    throw this.unreadable(
      this.begun ? 'the checksum of a header is wrong' : 'it does not begin with a header of one (checksum)',
    );
  }

  /** Reads what says something about the entry that follows. @returns false if the header is that entry */
  private async announce(header: Header, announced: Announced): Promise<boolean> {
    switch (header.type) {
      case 'x':
      case 'X': // Solaris
        announced.records = this.records(await this.metadata(header));
        return true;
      case 'g':
        for (const [key, value] of this.records(await this.metadata(header)))
          announced.global.set(key, value);
        return true;
      case 'L':
        announced.name = upToZero(await this.metadata(header));
        return true;
      case 'K':
        announced.target = upToZero(await this.metadata(header));
        return true;
      case 'V': // The name of a GNU volume.
        this.expectBody(header.size);
        return true;
      default:
        return false;
    }
  }

  private async entry(header: Header, announced: Announced): Promise<TarEntry> {
    const pax = new Map([...announced.global, ...announced.records]);
    for (const [key, value] of pax) if (value === '') pax.delete(key); // An empty value takes a record away.
    const name = pax.get('GNU.sparse.name') ?? pax.get('path') ?? announced.name ?? header.name;
    const declared = types[header.type];
    if (declared === undefined) throw unknownType(header.type);
    const type = declared === 'file' && name.endsWith('/') ? 'directory' : declared;
    this.expectBody(bodiless.has(header.type) ? 0n : (decimal(pax.get('size')) ?? header.size));
    const sparse = type === 'file' ? await this.sparseMap(name, header, pax, announced.records) : undefined;
    return {
      name,
      type,
      size: type === 'file' ? (sparse?.size ?? this.remaining) : 0,
      mode: Number(header.mode & 0o7777n),
      uid: owner(decimal(pax.get('uid')) ?? header.uid),
      gid: owner(decimal(pax.get('gid')) ?? header.gid),
      modified: paxTime(pax.get('mtime') ?? '') ?? header.modified * 1_000_000_000n,
      target: pax.get('linkpath') ?? announced.target ?? header.target,
      attributes: paxAttributes(pax),
      sparse,
      body: this.body(),
    };
  }

  private async sparseMap(
    name: string,
    header: Header,
    pax: ReadonlyMap<string, string>,
    records: readonly PaxRecord[],
  ): Promise<SparseMap | undefined> {
    const isNew = pax.get('GNU.sparse.major') === '1';
    const isPax = pax.has('GNU.sparse.map') || pax.has('GNU.sparse.numblocks');
    if (header.type !== 'S' && !isNew && !isPax) return undefined;
    let map: SparseMap | undefined;
    if (header.type === 'S') map = await oldSparseMap(header, (size) => this.exactly(size));
    else if (isNew) {
      const read = await bodySparseMap(pax.get('GNU.sparse.realsize'), (size) => this.ofBody(size));
      map = read.map;
    } else map = paxSparseMap(records);
    const stored = map?.extents.reduce((sum, { length }) => sum + length, 0);
    if (map === undefined || stored !== this.remaining)
      throw damagedEntry(name, 'has a map of holes that is damaged');
    return map;
  }

  private expectBody(size: bigint): void {
    if (size < 0n || size > Number.MAX_SAFE_INTEGER)
      throw this.unreadable('a header declares an impossible size');
    this.remaining = Number(size);
    this.padding = Number(-size & 511n);
  }

  private async *body(): AsyncGenerator<Uint8Array> {
    while (this.remaining > 0) {
      const chunk = await this.source.some(this.remaining);
      if (chunk.length === 0) throw this.cutShort();
      this.remaining -= chunk.length;
      yield chunk;
    }
  }

  /** What fills the last block may be missing at the very end: nothing was lost with it. */
  private async skipBody(): Promise<void> {
    for await (const _ of this.body());
    await this.source.take(this.padding);
    this.padding = 0;
  }

  private async metadata({ size }: Header): Promise<Buffer> {
    if (size > largestMetadata)
      throw this.unreadable(`the metadata of an entry is larger than ${largestMetadata} bytes`);
    this.expectBody(size);
    const bytes = await this.ofBody(this.remaining);
    return bytes;
  }

  private async ofBody(size: number): Promise<Buffer> {
    if (size > this.remaining) throw this.cutShort();
    this.remaining -= size;
    return this.exactly(size);
  }

  private async exactly(size: number): Promise<Buffer> {
    const bytes = Buffer.from(await this.source.take(size));
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

const upToZero = (bytes: Buffer): string => {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
};

const decimal = (value: string | undefined): bigint | undefined =>
  value !== undefined && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;

/** (uid_t) -1 means "leave as it is" to chown(2), and a larger number is not a user: nobody owns it then. */
const owner = (id: bigint): number => (id >= 0n && id < 2n ** 32n - 1n ? Number(id) : 65_534);

const damagedEntry = (name: string, reason: string): Failure => refusal(name, reason);

const unknownType = (type: string): Failure =>
  new Failure(`The archive has an entry of type ${JSON.stringify(type)}, which gontainer cannot unpack.`, {
    next: 'Make the archive again with tar --format=posix.',
  });
