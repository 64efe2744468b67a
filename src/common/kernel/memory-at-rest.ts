/**
 * Once the command runs, launcher and child sleep until it ends, with everything that starting it took still in memory.
 * What the kernel or the C library can do without is given back then: docs/performance.md has what that comes to.
 */
import { int, peek, pointer, word } from './libc.js';

/** Milliseconds: a command that is over before that is not worth the work. */
const patience = 1000;

/** getauxval(3): where the headers of the program that the kernel has loaded lie in memory, and how many there are. */
const [AT_PHDR, AT_PHNUM] = [3n, 5n];
/** elf(5): the kinds of a segment, and the flag of one that can be written. */
const [PT_LOAD, PT_PHDR, PF_W] = [1, 6, 2];
const headerSize = 56;
const MADV_DONTNEED = 4; // madvise(2)
/** The largest pages of a supported processor. */
const page = 0x10000n;

/** Gives back what is not needed while the command runs, in a while, if it is still running then. */
export function restSoon(): void {
  setTimeout(() => {
    collectGarbage();
    word('malloc_trim', int(0));
    for (const { from, length } of unwrittenSegments())
      word('madvise', pointer(from), pointer(length), int(MADV_DONTNEED));
  }, patience).unref();
}

/**
 * Has V8 look for garbage as thoroughly as where memory runs out, and give back the pages of its heap that are free then. A
 * context that is made after this option was set has a function for it.
 */
function collectGarbage(): void {
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
  process.getBuiltinModule('node:vm').runInNewContext("gc({ type: 'major', flavor: 'last-resort' })");
}

interface Segment {
  readonly from: bigint;
  readonly length: bigint;
}

/**
 * The parts of node's file in memory that cannot be written: its code, and its constants. What is dropped of them the
 * kernel reads again from the file, or rather from its cache. By the program's own headers, as /proc may be the container's.
 */
function unwrittenSegments(): Segment[] {
  const at = word('getauxval', pointer(AT_PHDR));
  const count = Number(word('getauxval', pointer(AT_PHNUM)));
  const headers = Array.from({ length: count }, (_, index) => {
    const header = peek(at + BigInt(index * headerSize), headerSize);
    return {
      type: header.readUInt32LE(0),
      flags: header.readUInt32LE(4),
      address: header.readBigUInt64LE(16),
      size: header.readBigUInt64LE(40),
    };
  });
  // The headers say where they themselves should lie: the rest lies as far from there as they do.
  const own = headers.find(({ type }) => type === PT_PHDR);
  if (own === undefined) return [];
  return headers
    .filter(({ type, flags }) => type === PT_LOAD && (flags & PF_W) === 0)
    .map(({ address, size }) => {
      const from = ((at - own.address + address + page - 1n) / page) * page;
      const to = ((at - own.address + address + size) / page) * page;
      return { from, length: to - from };
    })
    .filter(({ length }) => length > 0n);
}
