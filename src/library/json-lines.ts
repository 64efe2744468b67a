import type { Readable } from 'node:stream';
import { LineSplitter } from '../common/line-splitter.js';

/** Gives every whole line of a stream to `take`, parsed, and resolves when the stream has ended or broken off. */
export function readJsonLines(
  stream: Readable | undefined,
  take: (document: unknown) => void,
): Promise<void> {
  if (stream === undefined) return Promise.resolve();
  const lines = new LineSplitter();
  stream.on('data', (bytes: Buffer) => {
    for (const line of lines.take(bytes)) take(JSON.parse(line));
  });
  return new Promise((done) => {
    // A launcher that was killed breaks off: how it ended is said elsewhere.
    stream.on('error', () => {});
    stream.on('close', done);
  });
}
