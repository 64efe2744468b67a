/** `gontainer logs`: the log of a container that was started with --log-file, as far as it is written. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { Failure } from '../../common/failure.js';
import { findContainer } from './find.js';

/** @throws Failure when there is no such file, or it cannot be read */
export function logs(word: string): number {
  const { name, log } = findContainer(word);
  if (log === undefined) {
    throw new Failure(`${name} writes no log file`, { next: 'Start it with --log-file FILE to have one.' });
  }
  const file = opened(name, log);
  const buffer = Buffer.alloc(64 * 1024);
  try {
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
      for (let done = 0; done < length; ) done += writeSync(1, buffer, done, length - done);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  } finally {
    closeSync(file);
  }
  return 0;
}

function opened(name: string, log: string): number {
  try {
    return openSync(log, 'r');
  } catch (error) {
    throw new Failure(
      `the log file of ${name}, ${log}, cannot be read (${(error as NodeJS.ErrnoException).code})`,
      {
        next: 'It was moved or removed after the start.',
      },
    );
  }
}
