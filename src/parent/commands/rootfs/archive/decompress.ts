/**
 * Decompresses a stream of bytes, told by what it begins with and not by a file's name: gzip (RFC 1952), xz (The .xz
 * File Format, 2.1.1.1) and Zstandard (RFC 8878, 3.1.1). Anything else passes as it is.
 */
import { Readable, type Transform } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import * as zlib from 'node:zlib';
import { Failure } from '../../../../common/failure.js';
import { throughTransform } from './through-transform.js';

type Bytes = AsyncIterable<Uint8Array>;

interface Format {
  readonly name: string;
  readonly magic: readonly number[];
  readonly decompress: (compressed: Bytes) => Bytes;
}

const formats: readonly Format[] = [
  { name: 'gzip', magic: [0x1f, 0x8b], decompress: gunzip },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], decompress: unxz },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], decompress: unzstd },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], decompress: unsupported('bzip2', 'bunzip2') },
  { name: 'lz4', magic: [0x04, 0x22, 0x4d, 0x18], decompress: unsupported('lz4', 'unlz4') },
];

const longestMagic = Math.max(...formats.map(({ magic }) => magic.length));

/**
 * The decompressed bytes of `source`.
 * @param what is being read, for the sentence of an error, for example `layer sha256:…`
 * @throws Failure when the compressed data is damaged, cut short or of a kind that cannot be read
 */
export async function* decompress(source: Bytes, what: string): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  let start: Uint8Array = new Uint8Array();
  while (start.length < longestMagic) {
    const next = await chunks.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  const whole: Bytes = {
    async *[Symbol.asyncIterator]() {
      yield start;
      yield* { [Symbol.asyncIterator]: () => chunks };
    },
  };
  const format = formats.find(({ magic }) => magic.every((byte, index) => start[index] === byte));
  if (format === undefined) {
    yield* whole;
    return;
  }
  try {
    yield* format.decompress(whole);
  } catch (error) {
    if (error instanceof Error && error.name === 'Failure') throw error;
    throw new Failure(`Cannot decompress ${what} (${format.name}): ${String((error as Error).message)}.`, {
      next: 'The data is damaged or cut short: fetch it again.',
      cause: error,
    });
  }
}

function gunzip(compressed: Bytes): Bytes {
  return throughTransform(compressed, zlib.createGunzip());
}

async function* unxz(compressed: Bytes): Bytes {
  // The package is CommonJS in one bundled file, in which Node sees no named exports, only the default one.
  const loaded: XzModule & { default?: XzModule } = await import('xz-decompress');
  const { XzReadableStream } = loaded.default ?? loaded;
  const source = Readable.toWeb(Readable.from(compressed)) as ConstructorParameters<
    typeof XzReadableStream
  >[0];
  yield* new XzReadableStream(source) as ReadableStream<Uint8Array>;
}

type XzModule = Pick<typeof import('xz-decompress'), 'XzReadableStream'>;

function unzstd(compressed: Bytes): Bytes {
  // Node has Zstandard of its own since 22.15 and 23.8; before, a decoder in JavaScript does it, slower.
  const builtIn = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress;
  return builtIn === undefined ? unzstdInJavaScript(compressed) : throughTransform(compressed, builtIn());
}

/** One block of Zstandard may unpack from 4 bytes to 128 KiB: small pieces bound what one push can bring forth. */
const piece = 1024;

async function* unzstdInJavaScript(compressed: Bytes): Bytes {
  const { Decompress } = await import('fzstd');
  const ready: Uint8Array[] = [];
  const decoder = new Decompress((data) => ready.push(data));
  for await (const chunk of compressed) {
    for (let at = 0; at < chunk.length; at += piece) {
      decoder.push(chunk.subarray(at, at + piece));
      yield* ready.splice(0);
    }
  }
  decoder.push(new Uint8Array(), true);
  yield* ready;
}

function unsupported(name: string, program: string): Format['decompress'] {
  // biome-ignore lint/correctness/useYield: it only ever throws.
  return async function* (): Bytes {
    throw new Failure(`The archive is compressed with ${name}, which gontainer does not read.`, {
      next: `Pipe it: ${program} -c FILE | gontainer rootfs import - DIR`,
    });
  };
}
