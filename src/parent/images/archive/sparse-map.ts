/**
 * Which parts of a sparse file an archive holds; the rest are holes. GNU tar has four ways to write it: "Storing Sparse
 * Files" in its manual.
 */
import type { Waiting } from './byte-source.js';
import type { PaxRecord } from './pax-records.js';
import { block, type Header, number } from './tar-header.js';

/** A part that is there. */
interface Extent {
  readonly offset: number;
  readonly length: number;
}

export interface SparseMap {
  /** Bytes of the file with its holes. */
  readonly size: number;
  readonly extents: readonly Extent[];
}

/** Reads `size` bytes of the archive that come after what was read. @throws Failure if there are fewer */
export type TakeBlocks = (size: number) => Waiting<Buffer>;

/** A map larger than this describes no file that anybody has. */
const mostExtents = 1_000_000;

/**
 * The old format of GNU tar, type `S`: four parts in the header, and, while a mark says so, blocks of 21 more before the
 * body. */
export function* oldSparseMap(header: Header, take: TakeBlocks): Waiting<SparseMap | undefined> {
  const extents: Extent[] = [];
  const add = (bytes: Buffer, at: number, count: number): void => {
    for (let index = 0; index < count; index++) {
      const place = at + 24 * index;
      if (bytes[place] === 0) continue;
      extents.push({ offset: number(bytes, place, 12), length: number(bytes, place + 12, 12) });
    }
  };
  add(header.bytes, header.at + 386, 4);
  const size = number(header.bytes, header.at + 483, 12);
  for (let more = header.bytes[header.at + 482] !== 0; more && extents.length < mostExtents; ) {
    const bytes = yield* take(block);
    add(bytes, 0, 21);
    more = bytes[504] !== 0;
  }
  return checked(size, extents);
}

/** Formats 0.0, a record for each number, and 0.1, one record with all of them. */
export function paxSparseMap(records: readonly PaxRecord[]): SparseMap | undefined {
  const last = (key: string): string | undefined => records.findLast(([name]) => name === key)?.[1];
  const numbers =
    last('GNU.sparse.map')?.split(',') ??
    records
      .filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
      .map(([, value]) => value);
  return fromNumbers(
    last('GNU.sparse.size'),
    numbers.filter((text) => text !== ''),
  );
}

/** Format 1.0: the numbers are lines at the start of the body. */
export function* bodySparseMap(size: string | undefined, take: TakeBlocks): Waiting<SparseMap | undefined> {
  const numbers: string[] = [];
  let rest = '';
  for (let wanted = 1; numbers.length < wanted && wanted <= 2 * mostExtents; ) {
    const lines = (rest + (yield* take(block)).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    numbers.push(...lines);
    if (numbers.length > 0) wanted = 1 + 2 * Number(numbers[0]);
    if (!Number.isSafeInteger(wanted) || (numbers.length < wanted && rest.length > 24)) return undefined;
  }
  const count = Number(numbers[0]);
  return fromNumbers(size, numbers.slice(1, 1 + 2 * count));
}

function fromNumbers(size: string | undefined, numbers: readonly string[]): SparseMap | undefined {
  if (size === undefined || ![size, ...numbers].every((text) => /^\d{1,18}$/.test(text))) return undefined;
  if (numbers.length % 2 !== 0) return undefined;
  const extents = Array.from({ length: numbers.length / 2 }, (_, index) => ({
    offset: Number(numbers[2 * index]),
    length: Number(numbers[2 * index + 1]),
  }));
  return checked(Number(size), extents);
}

/** Parts must come one after another, and in the file. */
function checked(size: number, extents: readonly Extent[]): SparseMap | undefined {
  if (extents.length > mostExtents || !Number.isSafeInteger(size) || size < 0) return undefined;
  let end = 0;
  for (const { offset, length } of extents) {
    if (offset < end || length < 0 || offset + length > size) return undefined;
    end = offset + length;
  }
  return { size, extents };
}
