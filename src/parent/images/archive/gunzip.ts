/** gzip, one member after another, by Node's zlib, which checks the CRC and the length of each: RFC 1952. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/**
 * The uncompressed bytes; the source is read to its end, and not closed.
 * @throws the error of the source or of zlib, and one when something follows that is neither a member nor zeros
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]();
  let before: Promise<unknown> = Promise.resolve();
  // An error of the source is told to whoever asks after it, too: where zlib has ended already, nobody else hears of it.
  const piece = (): Promise<IteratorResult<Uint8Array>> => {
    const next = before.then(() => pieces.next());
    before = next;
    return next;
  };
  let size = 0;
  /** Where the last byte ends that is not zero. */
  let end = 0;
  // A stream reads ahead, and a piece may be written over when the next one is asked for.
  async function* copied(): AsyncGenerator<Buffer> {
    for (let next = await piece(); !next.done; next = await piece()) {
      const last = next.value.findLastIndex((byte) => byte !== 0);
      if (last !== -1) end = size + last + 1;
      size += next.value.length;
      yield Buffer.from(next.value);
    }
  }
  const transform = createGunzip({ chunkSize: 256 * 1024 });
  // pipeline destroys the transform with the error of the source, so the loop below throws it.
  pipeline(Readable.from(copied(), { objectMode: false }), transform, () => {});
  yield* transform as AsyncIterable<Uint8Array>;
  // Zeros fill up what was written to a tape, and zlib stops there, whatever comes behind them.
  for await (const _ of copied());
  if (end > transform.bytesWritten) throw new Error('there is something else after its end');
}
