/** The first stage's way in: reads the command line, carries the command out, and says what went wrong. */
import { writeSync } from 'node:fs';
import { exitStatus, type Failure } from '../common/failure.js';
import { helpWidth } from '../common/help-text.js';
import { print } from '../common/print.js';
import { shownLines, shownText } from '../common/shown-text.js';
import { type Line, readLine } from './command-line/read-line.js';
import { commands } from './commands/index.js';
import { runInBackground } from './commands/run/run-command.js';
import { leadingOptions, tellFailure } from './launch/status-descriptor.js';

declare const VERSION: string;

/** @returns the exit status */
export async function parent(words: readonly string[]): Promise<number> {
  let line: Line | undefined;
  try {
    line = readLine(words, commands);
    if (line.asks === 'version') return print(`gontainer ${VERSION}`);
    if (line.asks === 'run') return await line.subcommand.run(line.values);
    const { help } = await import('./command-line/help.js');
    return print(await help(line.subcommand, commands, line.family, helpWidth()));
  } catch (error) {
    return explain(error as Failure, words, line);
  }
}

/** The launcher of `run --detach`, whose command line its caller has read already. @returns the exit status */
export async function background(words: readonly string[]): Promise<number> {
  const line = readLine(words, commands);
  if (line.asks !== 'run') return exitStatus.usage;
  const { Background } = await import('./commands/run/background.js');
  const ties = new Background(line.values.options);
  try {
    return await runInBackground(line.values, ties);
  } catch (error) {
    if (ties.failed(error as Failure)) return exitStatus.launcher;
    return explain(error as Failure, words, line);
  }
}

/**
 * One sentence and what to do next. What is no Failure is a defect of this program; it is said in one sentence too, and
 * the stack trace is shown to whoever asks for every detail.
 */
function explain(error: Failure, words: readonly string[], line: Line | undefined): number {
  const options = line?.asks === 'run' ? line.values.options : leadingOptions(words);
  const expected = error.name === 'Failure';
  const status = expected ? error.status : exitStatus.launcher;
  if (tellFailure(options, error, status)) return status;
  const detailed = options['log-level'] === 'trace';
  const next = expected
    ? error.next
    : 'This is a defect of gontainer: please report it, with --log-level trace.';
  const sentences = `${error.message.replace(/\.$/, '')}.${next === undefined ? '' : ` ${next}`}`;
  const text = `${shownText(sentences)}${detailed ? `\n${shownLines(String(error.stack))}` : ''}`;
  try {
    writeSync(2, `gontainer: ${text}\n`);
  } catch {
    // Nobody reads standard error either; the exit status is left.
  }
  return status;
}
