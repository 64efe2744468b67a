import { type Readable, Transform } from 'node:stream';

/**
 * node:child_process throws away what was not read when the process ends; here it waits for its reader.
 * @param most how many bytes reach the reader
 * @param beyond is called once, when there are more
 */
export function limited(
  stream: Readable,
  most: number | undefined = Number.POSITIVE_INFINITY,
  beyond: () => void,
): Readable {
  let seen = 0;
  const reader = new Transform({
    transform(bytes: Buffer, _, done) {
      const room = Math.max(0, most - seen);
      if (seen <= most && bytes.length > room) beyond();
      seen += bytes.length;
      done(null, bytes.subarray(0, room));
    },
  });
  stream.on('error', (error) => reader.destroy(error));
  // Who has stopped reading hangs up, and the command gets SIGPIPE: it must not wait for ever.
  reader.on('close', () => stream.destroy());
  return stream.pipe(reader);
}
