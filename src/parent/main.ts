/** The first stage's way in: reads the command line, carries the command out, and says what went wrong. */
import { writeSync } from 'node:fs';
import { exitStatus, type Failure } from '../common/failure.js';
import { helpWidth } from '../common/help-text.js';
import { print } from '../common/print.js';
import { type Canonical, canonical } from './command-line/canonical-line.js';
import { isPlain, plainValues } from './command-line/values.js';
import { commands } from './commands/index.js';
import { runInBackground } from './commands/run/run-command.js';
import { leadingOptions, tellFailure } from './launch/status-descriptor.js';

declare const VERSION: string;

/** @returns the exit status */
export async function parent(line: readonly string[]): Promise<number> {
  let read: Canonical | undefined;
  try {
    read = canonical(line, commands);
    if (read.options.includes('--version')) return print(`gontainer ${VERSION}`);
    if (isPlain(read)) return await read.command.run(plainValues(read));
    const { help, readValues } = await import('./command-line/help.js');
    if (read.command === undefined || read.options.includes('--help')) {
      return print(await help(read.command, commands, read.words[0], helpWidth()));
    }
    return await read.command.run(readValues({ ...read, command: read.command }));
  } catch (error) {
    return explain(error as Failure, line, read?.options ?? leadingOptions(line));
  }
}

/** The launcher of `run --detach`, whose command line its caller has read already. @returns the exit status */
export async function background(line: readonly string[]): Promise<number> {
  const { command, ...read } = canonical(line, commands);
  if (command === undefined) return exitStatus.usage;
  const values = plainValues({ command, ...read });
  const { Background } = await import('./commands/run/background.js');
  const ties = new Background(values.options);
  try {
    return await runInBackground(values, ties);
  } catch (error) {
    if (ties.failed(error as Failure)) return exitStatus.launcher;
    return explain(error as Failure, line, read.options);
  }
}

/**
 * One sentence and what to do next. What is no Failure is a defect of this program; it is said in one sentence too, and
 * the stack trace is shown to whoever asks for every detail.
 */
function explain(error: Failure, line: readonly string[], options: readonly string[]): number {
  const expected = error.name === 'Failure';
  const status = expected ? error.status : exitStatus.launcher;
  if (tellFailure(options, error, status)) return status;
  const detailed =
    line.some((word) => /^--?log-level=trace$/.test(word)) || line.join(' ').includes('-log-level trace');
  const next = expected
    ? error.next
    : 'This is a defect of gontainer: please report it, with --log-level trace.';
  const text = `${error.message.replace(/\.$/, '')}.${next === undefined ? '' : ` ${next}`}${detailed ? `\n${error.stack}` : ''}`;
  try {
    writeSync(2, `gontainer: ${text}\n`);
  } catch {
    // Nobody reads standard error either; the exit status is left.
  }
  return status;
}
