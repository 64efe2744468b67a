/**
 * `gontainer logs`: the log of a container that was started with --log-file, or what the command of one wrote that was
 * started with --detach, as far as it is written.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../common/failure.js';
import { write } from '../../../common/print.js';
import { isContainerName, outputExtension } from '../../state/entry.js';
import { findContainer, runningContainers } from '../../state/find.js';
import { checkStateFolder, stateFolder } from '../../state/state-folder.js';

/** @throws Failure when there is no such file, or it cannot be read */
export function logs(word: string): number {
  const { name, log } = findContainer(word);
  if (log === undefined) {
    throw new Failure(`${name} writes no log file`, { next: 'Start it with --log-file FILE to have one.' });
  }
  return show(opened('log', name, log));
}

/**
 * The output stays when the container has ended, and is found by its whole name.
 * @throws Failure when there is no such file, or it cannot be read
 */
export function output(word: string): number {
  const kept = join(stateFolder(), `${word}${outputExtension}`);
  const over = !runningContainers().some(({ name }) => name.startsWith(word));
  if (over && isContainerName(word) && checkStateFolder(stateFolder()) && existsSync(kept))
    return show(opened('output', word, kept));
  const { name, output: file } = findContainer(word);
  if (file === undefined) {
    throw new Failure(`${name} writes to where it was started`, {
      next: 'Start it with --detach to keep its output.',
    });
  }
  return show(opened('output', name, file));
}

function show(file: number): number {
  const buffer = Buffer.alloc(64 * 1024);
  try {
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
      write(buffer.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
  return 0;
}

function opened(kind: 'log' | 'output', name: string, path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw new Failure(
      `the ${kind} file of ${name}, ${path}, cannot be read (${(error as NodeJS.ErrnoException).code})`,
      {
        next: 'It was moved or removed after the start.',
      },
    );
  }
}
