/** The first stage's way in: reads the command line, carries the command out, and says what went wrong. */
import { writeSync } from 'node:fs';
import { exitStatus, type Failure } from '../common/failure.js';
import { canonical } from './command-line.js';
import { commands } from './commands.js';

declare const VERSION: string;

/** @returns the exit status */
export async function parent(line: readonly string[]): Promise<number> {
  try {
    const read = canonical(line, commands);
    if (read.options.includes('--version')) return print(`gontainer ${VERSION}`);
    const { help, readValues } = await import('./yargs-reader.js');
    if (read.command === undefined || read.options.includes('--help')) {
      return print(await help(read.command, commands, read.words[0]));
    }
    return await read.command.run(readValues({ ...read, command: read.command }));
  } catch (error) {
    return explain(error as Failure);
  }
}

/** Standard output may be a pipe that nobody reads any more: that is no failure of ours. */
function print(text: string): number {
  try {
    writeSync(1, `${text}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
  return 0;
}

/** One sentence and what to do next; what is no Failure is a defect of this program, and keeps its stack trace. */
function explain(error: Failure): number {
  const expected = error.name === 'Failure';
  const text = expected
    ? `${error.message}.${error.next === undefined ? '' : ` ${error.next}`}`
    : String(error.stack ?? error);
  try {
    writeSync(2, `gontainer: ${text}\n`);
  } catch {
    // Nobody reads standard error either; the exit status is left.
  }
  return expected ? error.status : exitStatus.launcher;
}
