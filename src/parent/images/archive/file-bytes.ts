/** Reads a file as a stream of bytes, without new memory for each piece: what is read once lies in the same two places. */
import type { FileHandle } from 'node:fs/promises';

const pieceSize = 256 * 1024;

/**
 * The bytes of an open file from its present position on; the file is closed at the end. The next piece is read while the
 * last one is worked on, so a piece is valid until the next is asked for.
 */
export async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  let [reading, idle] = [Buffer.allocUnsafeSlow(pieceSize), Buffer.allocUnsafeSlow(pieceSize)];
  let pending = file.read(reading, 0, pieceSize, null);
  try {
    for (;;) {
      const { bytesRead } = await pending;
      if (bytesRead === 0) return;
      const piece = reading.subarray(0, bytesRead);
      [reading, idle] = [idle, reading];
      pending = file.read(reading, 0, pieceSize, null);
      yield piece;
    }
  } finally {
    await pending.catch(() => {});
    await file.close();
  }
}
