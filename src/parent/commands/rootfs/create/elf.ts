/**
 * Reads from an ELF file which loader and which shared libraries it asks for: elf(5). ldd(1) would tell too, but
 * its manual warns that it may run the file it looks at.
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** What a program needs in order to be started. */
export interface ElfFile {
  /** The class and machine, which must be the same for a program and its libraries: "64/62" is x86-64. */
  readonly kind: string;
  /** The path in PT_INTERP, the dynamic loader; undefined in a static program and in a library. */
  readonly interpreter: string | undefined;
  /** The names in DT_NEEDED, for example `libc.so.6`. */
  readonly needed: readonly string[];
  /** The folders in DT_RUNPATH, or else in DT_RPATH, with `$ORIGIN` as written. */
  readonly searchPath: readonly string[];
}

// The numbers are those of elf(5) and <elf.h>.
const programHeader = { LOAD: 1, DYNAMIC: 2, INTERP: 3 } as const;
const dynamicTag = { NULL: 0, NEEDED: 1, STRTAB: 5, STRSZ: 10, RPATH: 15, RUNPATH: 29 } as const;

/** Where the fields are, for 32 and 64 bit files: elf(5), ElfN_Ehdr, ElfN_Phdr and ElfN_Dyn. */
const layouts = {
  1: { word: 4, phoff: 28, phentsize: 42, phnum: 44, offset: 4, vaddr: 8, filesz: 16 },
  2: { word: 8, phoff: 32, phentsize: 54, phnum: 56, offset: 8, vaddr: 16, filesz: 32 },
} as const;

/** More than any real program has; a damaged file must not make us read for ever. */
const largestTable = 1 << 20;

/**
 * Reads the headers of an ELF file.
 * @returns undefined if the file is not ELF or is damaged
 * @throws the error of open(2) or read(2)
 */
export function readElf(path: string): ElfFile | undefined {
  const file = openSync(path, 'r');
  try {
    return parse((position, length) => {
      const bytes = Buffer.alloc(Math.min(length, largestTable));
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, position));
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined; // A header pointed outside the file.
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Bytes of the file: fewer than `length` where it ends before. */
type Read = (position: number, length: number) => Buffer;

/** How numbers are written in this file. */
interface Numbers {
  half(bytes: Buffer, at: number): number;
  full(bytes: Buffer, at: number): number;
  /** As wide as an address. */
  word(bytes: Buffer, at: number): number;
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

type Layout = (typeof layouts)[1 | 2];

type Tags = ReadonlyMap<number, readonly number[]>;

function parse(read: Read): ElfFile | undefined {
  const start = read(0, 64);
  if (start.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const layout = layouts[start.readUInt8(4) as 1 | 2];
  if (layout === undefined) return undefined;
  const numbers = numbersOf(start.readUInt8(5) === 1, layout.word);
  const segments = segmentsOf(start, read, numbers, layout);
  const contents = (type: number): Buffer | undefined => {
    const segment = segments.find((candidate) => candidate.type === type);
    return segment && read(segment.offset, segment.size);
  };
  const tags = tagsOf(contents(programHeader.DYNAMIC) ?? Buffer.alloc(0), numbers, layout.word);
  const strings = stringsOf(tags, segments, read);
  const namesOf = (tag: number): string[] => (tags.get(tag) ?? []).map((at) => text(strings, at));
  const interpreter = contents(programHeader.INTERP);
  const runPath = namesOf(dynamicTag.RUNPATH);
  return {
    kind: `${start.readUInt8(4)}/${numbers.half(start, 18)}`,
    interpreter: interpreter && text(interpreter, 0),
    needed: namesOf(dynamicTag.NEEDED),
    searchPath: (runPath.length > 0 ? runPath : namesOf(dynamicTag.RPATH)).flatMap((path) => path.split(':')),
  };
}

function numbersOf(littleEndian: boolean, wordSize: number): Numbers {
  const half = (bytes: Buffer, at: number): number =>
    littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  const full = (bytes: Buffer, at: number): number =>
    littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  const double = (bytes: Buffer, at: number): number =>
    Number(littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  return { half, full, word: wordSize === 4 ? full : double };
}

function segmentsOf(start: Buffer, read: Read, { half, full, word }: Numbers, layout: Layout): Segment[] {
  const size = half(start, layout.phentsize);
  const count = half(start, layout.phnum);
  const table = read(word(start, layout.phoff), size * count);
  return Array.from({ length: count }, (_, index) => {
    const header = table.subarray(index * size);
    return {
      type: full(header, 0),
      offset: word(header, layout.offset),
      address: word(header, layout.vaddr),
      size: word(header, layout.filesz),
    };
  });
}

/** The entries of the dynamic section up to its end, by tag. */
function tagsOf(dynamic: Buffer, { word }: Numbers, wordSize: number): Tags {
  const tags = new Map<number, number[]>();
  for (let at = 0; at + 2 * wordSize <= dynamic.length; at += 2 * wordSize) {
    const tag = word(dynamic, at);
    if (tag === dynamicTag.NULL) break;
    const values = tags.get(tag) ?? [];
    values.push(word(dynamic, at + wordSize));
    tags.set(tag, values);
  }
  return tags;
}

/** DT_STRTAB is an address in memory; the PT_LOAD segment that holds it says where that is in the file. */
function stringsOf(tags: Tags, segments: readonly Segment[], read: Read): Buffer {
  const [at = 0] = tags.get(dynamicTag.STRTAB) ?? [];
  const [size = 0] = tags.get(dynamicTag.STRSZ) ?? [];
  const home = segments.find(
    ({ type, address, size }) => type === programHeader.LOAD && at >= address && at < address + size,
  );
  return home ? read(home.offset + at - home.address, size) : Buffer.alloc(0);
}

function text(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, end === -1 ? bytes.length : end);
}
