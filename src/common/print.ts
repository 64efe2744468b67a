import { writeSync } from 'node:fs';

/**
 * Writes an answer to standard output. A pipe may take it in pieces, or not at all once its reader is gone: nobody
 * misses the rest then, so that is not an error.
 * @returns the exit status
 */
export function print(text: string): number {
  const bytes = Buffer.from(`${text}\n`);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
  return 0;
}
