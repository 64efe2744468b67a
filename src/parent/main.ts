/** The first stage's way in: reads the command line, carries the command out, and says what went wrong. */
import { existsSync, fstatSync } from 'node:fs';
import { received } from '../common/caller-text.js';
import { exitStatus, Failure, isFailure } from '../common/failure.js';
import { helpWidth } from '../common/help-text.js';
import { errnoWords, errorCode } from '../common/kernel/kernel-error.js';
import { inform, print } from '../common/print.js';
import { shownLines, shownText } from '../common/shown-text.js';
import { type Line, readLine } from './command-line/read-line.js';
import { commands } from './commands/index.js';
import { runInBackground } from './commands/run/run-command.js';
import { leadingOptions, tellFailure } from './launch/status-descriptor.js';
import { checkSystem } from './other-systems.js';
import { ignoreLikeCaller } from './spec/inherited.js';

declare const VERSION: string;

/** @returns the exit status */
export async function parent(words: readonly string[]): Promise<number> {
  ignoreLikeCaller();
  let line: Line | undefined;
  try {
    line = readLine(words, commands);
    checkSystem(words, line);
    if (line.asks === 'version') return print(`gontainer ${VERSION}`);
    if (line.asks === 'run') {
      if (!line.subcommand.anywhere?.(line.values)) checkProc();
      return await line.subcommand.run(line.values);
    }
    const { help } = await import('./command-line/help.js');
    return print(await help(line.subcommand, commands, line.family, helpWidth()));
  } catch (error) {
    return explain(error as Failure, words, line, await forWindow());
  }
}

/**
 * The launcher of `run --detach`, whose command line its caller has read already.
 * @param given the words of the command line, as they are passed on
 * @returns the exit status
 */
export async function background(given: readonly string[]): Promise<number> {
  const words = received(given);
  ignoreLikeCaller();
  const line = readLine(words, commands);
  if (line.asks !== 'run') return exitStatus.usage;
  const { Background } = await import('./commands/run/background.js');
  const ties = new Background(line.values.options);
  try {
    return await runInBackground(line.values, ties);
  } catch (error) {
    if (ties.failed(error as Failure)) return exitStatus.launcher;
    return explain(error as Failure, words, line, await forWindow());
  }
}

/** @throws Failure where proc(5) is not mounted, as in a bare chroot(1) */
function checkProc(): void {
  if (existsSync('/proc/self/ns')) return;
  throw new Failure('/proc is not mounted here, and without it gontainer cannot look at namespaces', {
    next: 'As root: mount -t proc proc /proc',
  });
}

/** What was thrown where nothing waits for it, such as an event of a stream. @returns the exit status */
export function unexpected(error: unknown, words: readonly string[]): number {
  // The reader of a stream is gone: whoever it was misses nothing.
  return errorCode(error) === 'EPIPE' ? 0 : explain(error as Failure, words, undefined);
}

/**
 * Says what went wrong in one sentence, and in another what to do next. The stack trace is shown to whoever asks for
 * every detail.
 */
function explain(
  error: Failure,
  words: readonly string[],
  line: Line | undefined,
  inWindow = (text: string): string => text,
): number {
  const options = line?.asks === 'run' ? line.values.options : leadingOptions(words);
  const { status, message, next } = isFailure(error) ? error : foreign(error);
  if (tellFailure(options, error, status)) return status;
  const detailed = options['log-level'] === 'trace';
  const sentences = `gontainer: ${message.replace(/\.$/, '')}.${next === undefined ? '' : ` ${next}`}`;
  const text = inWindow(shownText(sentences));
  inform(`${text}\n${detailed ? `${shownLines(String(error.stack))}\n` : ''}`);
  return status;
}

/** Breaks a text into lines where standard error is a window: a terminal would do it within words. */
async function forWindow(): Promise<(text: string) => string> {
  if (!fstatSync(2).isCharacterDevice()) return (text) => text;
  const { columns } = process.stderr;
  if (!columns) return (text) => text;
  const { indented } = await import('./text/columns.js');
  return (text) => indented(text, columns, '', '  ').join('\n');
}

/** A failure of the machine at something that no other sentence is about, or else a defect of this program. */
function foreign(error: Error): Pick<Failure, 'status' | 'message' | 'next'> {
  const status = exitStatus.launcher;
  const { syscall, path } = error as NodeJS.ErrnoException;
  if (syscall === 'uv_cwd')
    return {
      status: exitStatus.usage,
      message: 'the working directory was removed, and this needs it',
      next: 'Go to a directory that exists, or give absolute paths.',
    };
  if (syscall !== undefined) {
    const call = path === undefined ? syscall : `${syscall} of ${path}`;
    return { status, message: `${call} failed: ${errnoWords(error)}`, next: traceNext };
  }
  return {
    status,
    message: error.message,
    next: 'This is a defect of gontainer: please report it, with --log-level trace.',
  };
}

const traceNext = '--log-level trace shows where.';
