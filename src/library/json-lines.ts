import type { Readable } from 'node:stream';

/** Gives every whole line of a stream to `take`, parsed, and resolves when the stream has ended or broken off. */
export function readJsonLines(
  stream: Readable | undefined,
  take: (document: unknown) => void,
): Promise<void> {
  if (stream === undefined) return Promise.resolve();
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) take(JSON.parse(line));
  });
  return new Promise((done) => {
    // A launcher that was killed breaks off: how it ended is said elsewhere.
    stream.on('error', () => {});
    stream.on('close', done);
  });
}
