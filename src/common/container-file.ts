/** Reading a file that the container, an image or another user may have put there. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { pathOf } from './byte-text.js';

/** More than any file has that a launch reads: passwd(5), group(5), hosts(5). */
const usually = 1024 * 1024;

/**
 * The beginning of a regular file; undefined where there is none, or it may not be read. Neither a FIFO, which nobody
 * may ever write, nor a device, which may have no end, is waited for or read.
 * @param most how many bytes are read
 */
export function beginningOf(path: string, most = usually): Buffer | undefined {
  try {
    const file = openSync(pathOf(path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const found = fstatSync(file);
      if (!found.isFile()) return undefined;
      const bytes = Buffer.alloc(Math.min(found.size, most));
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
