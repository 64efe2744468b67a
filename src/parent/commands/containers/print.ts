import { writeSync } from 'node:fs';

/** Writes all of a text to standard output, where a pipe may take it in pieces, or not at all any more. */
export function print(text: string): void {
  const bytes = Buffer.from(`${text}\n`);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
