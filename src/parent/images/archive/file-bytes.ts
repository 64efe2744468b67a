/** Reads a file as a stream of bytes, without new memory for each piece. */
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

const pieceSize = 256 * 1024;

/**
 * The bytes of an open file from its present position on; the file is closed at the end. A piece is valid until the next is
 * asked for. It is read at once and not on another thread: the kernel has read ahead, so it is copied while a thread would
 * still be woken. Whoever reads much has to let other work go on in between.
 * @throws the error of node:fs where a piece cannot be read, when it is asked for
 */
export async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafeSlow(pieceSize);
  try {
    for (;;) {
      const length = readSync(file.fd, piece, 0, pieceSize, null);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } finally {
    await file.close();
  }
}
