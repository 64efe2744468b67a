/** Everything that this program says goes out here: answers to standard output, sentences to standard error. */
import { writeSync } from 'node:fs';
import { Failure } from './failure.js';
import { errnoWords, errorCode } from './kernel/kernel-error.js';
import { pause } from './pause.js';

/**
 * Writes an answer, a line or more, to standard output.
 * @returns the exit status
 * @throws Failure as write() does
 */
export function print(text: string): number {
  write(`${text}\n`);
  return 0;
}

/**
 * Writes to standard output. Once its reader is gone nobody misses the rest, so that is not an error.
 * @throws Failure (status 125) where it cannot be written for another reason: the answer is not complete
 */
export function write(text: string | Uint8Array): void {
  try {
    writeAll(1, text);
  } catch (error) {
    if (errorCode(error) === 'EPIPE') return;
    throw new Failure(`standard output cannot be written: ${errnoWords(error)}`, {
      next: 'What it has is not complete.',
      cause: error,
    });
  }
}

/** Says something to whoever reads standard error. If nobody can be told, that does not end anything. */
export function inform(text: string, standardError = 2): void {
  try {
    writeAll(standardError, text);
  } catch {
    // The exit status is left.
  }
}

/** A pipe may take it in pieces; and whoever shares a descriptor may have made it non-blocking: open(2), O_NONBLOCK. */
function writeAll(descriptor: number, text: string | Uint8Array): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') throw error;
      pause(pauseWhenFull);
    }
  }
}

/** Milliseconds until a full pipe is tried again. */
const pauseWhenFull = 5;
