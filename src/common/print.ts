import { writeSync } from 'node:fs';

/**
 * Writes an answer to standard output, which may be a pipe that nobody reads any more: that is no failure of ours.
 * @returns the exit status
 */
export function print(text: string): number {
  try {
    writeSync(1, `${text}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
  return 0;
}
