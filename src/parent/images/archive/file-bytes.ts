/** Reads a file as a stream of bytes, without new memory for each piece: what is read once lies in the same two places. */
import type { FileHandle } from 'node:fs/promises';

const pieceSize = 256 * 1024;

/**
 * The bytes of an open file from its present position on; the file is closed at the end. The next piece is read while the
 * last one is worked on, so a piece is valid until the next is asked for.
 * @throws the error of node:fs where a piece cannot be read, when it is asked for
 */
export async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  let [reading, idle] = [Buffer.allocUnsafeSlow(pieceSize), Buffer.allocUnsafeSlow(pieceSize)];
  let pending = readAhead(file, reading);
  try {
    for (;;) {
      const { bytesRead } = await pending;
      if (bytesRead === 0) return;
      const piece = reading.subarray(0, bytesRead);
      [reading, idle] = [idle, reading];
      pending = readAhead(file, reading);
      yield piece;
    }
  } finally {
    await pending.catch(() => {});
    await file.close();
  }
}

/** Work on a piece may take its time, and Node ends where a promise is rejected that nobody waits for yet. */
function readAhead(file: FileHandle, into: Buffer): Promise<{ readonly bytesRead: number }> {
  const next = file.read(into, 0, pieceSize, null);
  next.catch(() => {});
  return next;
}
