/** Sends bytes through a transform of node:zlib and hands on what comes out, errors of either side included. */
import { pipeline, Readable, type Transform } from 'node:stream';

/** @throws the error of the source or of the transform */
export async function* throughTransform(
  source: AsyncIterable<Uint8Array>,
  transform: Transform,
): AsyncGenerator<Uint8Array> {
  // pipeline destroys the transform with the error of the source, so the loop below throws it.
  pipeline(Readable.from(copied(source), { objectMode: false }), transform, () => {});
  yield* transform as AsyncIterable<Uint8Array>;
}

/** A stream reads ahead, and a piece may be written over when the next is asked for. */
async function* copied(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of source) yield Buffer.from(chunk);
}
