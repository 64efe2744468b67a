import { bytesOf } from '../byte-text.js';
import { constants, type Flags, numberOf } from './constants.js';
import { int, peek, pointer, poke, word } from './libc.js';

const MAP_FAILED = 0xffffffffffffffffn;
const flags = (names: Flags) => int(numberOf(names));

/**
 * Memory outside V8's heap, shared with every process cloned from this one: what one of them writes there the others
 * read. Calls run from it, as V8's own heap is not copied by clone(2) (it is marked MADV_DONTFORK).
 *
 * Bytes are laid out in `image` first, at addresses that are known beforehand, and copied into place by one `commit`.
 * Pages that nobody touches cost nothing, so the size is generous: execve(2) takes at most 6 MiB of strings.
 */
export class Arena {
  static readonly size = 16 * 1024 * 1024;
  readonly base: bigint;
  private image = Buffer.alloc(256 * 1024);
  private used = 0;

  constructor() {
    this.base = word(
      'mmap',
      pointer(0n),
      pointer(BigInt(Arena.size)),
      flags(['PROT_READ', 'PROT_WRITE']),
      flags(['MAP_SHARED', 'MAP_ANONYMOUS', 'MAP_NORESERVE']),
      int(-1),
      pointer(0n),
    );
    if (BigInt.asUintN(64, this.base) === MAP_FAILED) throw new Error('mmap: no memory for a call chain');
  }

  /** Room for `length` bytes; returns its address. */
  reserve(length: number): bigint {
    const at = (this.used + 15) & ~15;
    this.used = at + length;
    while (this.image.length < this.used)
      this.image = Buffer.concat([this.image, Buffer.alloc(this.image.length)]);
    return this.base + BigInt(at);
  }

  /** Puts bytes down and returns their address. */
  put(content: Buffer): bigint {
    const at = this.reserve(content.length);
    this.overwrite(at, content);
    return at;
  }

  /** Changes bytes that were put down or reserved. */
  overwrite(at: bigint, content: Buffer): void {
    content.copy(this.image, Number(at - this.base));
  }

  /** Words of 64 bits that were put down or reserved there, to be changed before anything else is put down. */
  words(at: bigint, count: number): BigUint64Array {
    return new BigUint64Array(this.image.buffer, this.image.byteOffset + Number(at - this.base), count);
  }

  /** A C string. */
  text(value: string): bigint {
    return this.put(bytesOf(`${value}\0`));
  }

  /** A vector of C strings with a null pointer at its end, as execve(2) takes it. */
  texts(values: readonly string[]): bigint {
    const vector = Buffer.alloc((values.length + 1) * 8);
    values.forEach((value, index) => {
      vector.writeBigUInt64LE(this.text(value), index * 8);
    });
    return this.put(vector);
  }

  /** A struct sock_fprog: how many instructions of 8 bytes there are, and where (seccomp(2)). */
  program(instructions: Buffer): bigint {
    const head = Buffer.alloc(16);
    head.writeUInt16LE(instructions.length / 8, 0);
    head.writeBigUInt64LE(this.put(instructions), 8);
    return this.put(head);
  }

  /** How much was put down so far. */
  get size(): number {
    return this.used;
  }

  /** Copies what was put down into place, all of it or what came after the first `from` bytes. */
  commit(from = 0): void {
    poke(this.base + BigInt(from), this.image.subarray(from, this.used));
  }

  read(at: bigint, length: number): Buffer {
    return peek(at, length);
  }

  release(): void {
    word('munmap', pointer(this.base), pointer(BigInt(Arena.size)));
  }
}

/** The address of this thread's errno; a cloned process has its own behind the same address. */
export const errnoAddress = (): bigint => word('__errno_location');

/** A sigset_t with these signals in it, or with all: signal 1 is bit 0 (sigsetops(3)). */
function signalSet(signals: readonly number[] | 'all'): Buffer {
  const set = Buffer.alloc(128, signals === 'all' ? 0xff : 0);
  if (signals === 'all') return set;
  for (const signal of signals)
    set[(signal - 1) >> 3] = (set[(signal - 1) >> 3] ?? 0) | (1 << ((signal - 1) & 7));
  return set;
}

/**
 * Runs `work` while these signals are blocked for this thread, and no others. In glibc sigprocmask(3) is about the calling
 * thread alone, like pthread_sigmask(3), which libc.so.6 has since glibc 2.32 only.
 */
export function withSignalMask<T>(signals: readonly number[] | 'all', work: () => T): T {
  const [during, before] = [signalSet(signals), Buffer.alloc(128)];
  const mask = (set: Buffer, old: Buffer | null) =>
    word(
      'sigprocmask',
      int(constants.SIG_SETMASK),
      { as: 'bytes', value: set },
      old === null ? pointer(0n) : { as: 'bytes', value: old },
    );
  mask(during, before);
  try {
    return work();
  } finally {
    mask(before, null);
  }
}
