/** Sends bytes through a transform of node:zlib and hands on what comes out, errors of either side included. */
import { pipeline, Readable, type Transform } from 'node:stream';

/** @throws the error of the source or of the transform */
export async function* throughTransform(
  source: AsyncIterable<Uint8Array>,
  transform: Transform,
): AsyncGenerator<Uint8Array> {
  // pipeline destroys the transform with the error of the source, so the loop below throws it.
  pipeline(Readable.from(source, { objectMode: false }), transform, () => {});
  yield* transform as AsyncIterable<Uint8Array>;
}
