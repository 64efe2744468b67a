/**
 * Decompresses a stream of bytes, told by what it begins with and not by a file's name. Anything else passes as it is.
 * gzip is read by Node's zlib, the other formats by the libraries of the system: each checks every checksum that its
 * format carries.
 */
import { Failure, isFailure } from '../../../common/failure.js';
import type { DecodedFormat } from '../../../common/kernel/decoders/index.js';
import { gunzip } from './gunzip.js';

type Bytes = AsyncIterable<Uint8Array>;

interface Format {
  readonly name: string;
  /** Whether the data is of this format, told by its first bytes. */
  readonly begins: (start: Buffer) => boolean;
  readonly decompress: (compressed: Bytes) => Bytes;
}

const magic = (hex: string): Format['begins'] => {
  const bytes = Buffer.from(hex, 'hex');
  return (start) => start.subarray(0, bytes.length).equals(bytes);
};

const formats: readonly Format[] = [
  {
    name: 'gzip', // RFC 1952
    begins: magic('1f8b'),
    decompress: gunzip,
  },
  {
    name: 'xz', // The .xz File Format, 2.1.1.1
    begins: magic('fd377a585a00'),
    decompress: decodedBy('xz'),
  },
  {
    name: 'zstd', // RFC 8878, 3.1.1 and 3.1.2: a frame, or one of sixteen kinds to be skipped
    begins: (start) =>
      magic('28b52ffd')(start) || (start.length >= 4 && start.readUInt32LE() >>> 4 === 0x184d2a5),
    decompress: decodedBy('zstd'),
  },
  {
    name: 'bzip2',
    begins: magic('425a68'),
    decompress: decodedBy('bzip2'),
  },
  {
    name: 'lzma',
    begins: isLzma,
    decompress: decodedBy('lzma'),
  },
  { name: 'lz4', begins: magic('04224d18'), decompress: unsupported('lz4', 'lz4 -dc') },
  { name: 'lzip', begins: magic('4c5a4950'), decompress: unsupported('lzip', 'lzip -dc') },
  { name: 'lzop', begins: magic('894c5a4f'), decompress: unsupported('lzop', 'lzop -dc') },
  { name: 'compress', begins: magic('1f9d'), decompress: unsupported('compress', 'zcat') },
];

/** The longest beginning that any format is told by: the header of .lzma. */
const longestStart = 13;

/**
 * The decompressed bytes of `source`.
 * @param what is being read, for the sentence of an error, for example `layer sha256:…`
 * @throws Failure when the compressed data is damaged, cut short or of a kind that cannot be read
 */
export async function* decompress(source: Bytes, what: string): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < longestStart) {
    const next = await chunks.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  const whole = after(start, chunks);
  const format = formats.find(({ begins }) => begins(start));
  try {
    yield* format === undefined ? whole : format.decompress(whole);
  } catch (error) {
    // What the system says is about the source, and not about what is in it.
    if (format === undefined || isFailure(error) || isOfSystem(error)) throw error;
    throw new Failure(`Cannot decompress ${what} (${format.name}): ${String((error as Error).message)}.`, {
      next: 'The data is damaged or cut short: fetch it again.',
      cause: error,
    });
  } finally {
    // Whoever reads may stop before the first piece was asked for: the source is to be closed then too.
    await chunks.return?.();
  }
}

/** A piece that was read already, and those that come. */
function after(start: Buffer, rest: AsyncIterator<Uint8Array>): Bytes {
  let isFirst = start.length > 0;
  return {
    [Symbol.asyncIterator]: () => ({
      next() {
        if (!isFirst) return rest.next();
        isFirst = false;
        return Promise.resolve({ value: start });
      },
      return: async () => (await rest.return?.()) ?? { done: true, value: undefined },
    }),
  };
}

const isOfSystem = (error: unknown): boolean => (error as NodeJS.ErrnoException).syscall !== undefined;

function decodedBy(format: DecodedFormat): Format['decompress'] {
  return async function* (compressed): Bytes {
    const { decoderOf } = await import('../../../common/kernel/decoders/index.js');
    const decoder = decoderOf(format);
    try {
      for await (const chunk of compressed) yield* decoder.decode(chunk);
      yield* decoder.finish();
    } finally {
      decoder.close();
    }
  };
}

/**
 * .lzma has no magic number. Its header is a byte for lc, lp and pb, which every encoder leaves at their default, the
 * size of the dictionary, and that of the data or all ones: tools take it for .lzma if these are sizes that occur.
 */
function isLzma(start: Buffer): boolean {
  if (start.length < longestStart || start[0] !== 0x5d) return false;
  const dictionary = start.readUInt32LE(1);
  const power = 31 - Math.clz32(dictionary);
  const usual = power >= 12 && (dictionary === 2 ** power || dictionary === 2 ** power + 2 ** (power - 1));
  const size = start.readBigUInt64LE(5);
  return usual && (size === 2n ** 64n - 1n || size < 2n ** 38n);
}

function unsupported(name: string, program: string): Format['decompress'] {
  // biome-ignore lint/correctness/useYield: it only ever throws.
  return async function* (): Bytes {
    throw new Failure(`The archive is compressed with ${name}, which gontainer does not read.`, {
      next: `Pipe it: ${program} FILE | gontainer rootfs import - DIR`,
    });
  };
}
