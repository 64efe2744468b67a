/** Telling the program that started gontainer, over the descriptor of --status-fd, how it goes (docs/lifecycle.md). */
import { writeSync } from 'node:fs';
import { Failure } from '../../common/failure.js';
import { errnoWords, errorCode, type KernelErrorData } from '../../common/kernel/kernel-error.js';
import { isCallers } from '../command-line/descriptor-option.js';
import type { Values } from '../command-line/subcommand.js';

/**
 * One JSON document a line. A reader that went away is no reason to end the container.
 * @throws Failure where it cannot be written for another reason
 */
export function tell(descriptor: number, change: Readonly<Record<string, unknown>>): void {
  try {
    writeSync(descriptor, `${JSON.stringify(change)}\n`);
  } catch (error) {
    if (errorCode(error) === 'EPIPE') return;
    throw new Failure(`--status-fd=${descriptor} cannot be written: ${errnoWords(error)}`);
  }
}

/**
 * Tells whoever asked for it that gontainer ends, and why.
 * @returns whether nothing more is to be said: the caller knows, and wants standard error for the command alone
 */
export function tellFailure(options: Values['options'], error: Failure, status: number): boolean {
  const descriptor = Number(options['status-fd'] || undefined);
  if (!isCallers(descriptor)) return false;
  const { message, next, data: call } = error as Failure & { readonly data?: KernelErrorData };
  try {
    tell(descriptor, { state: 'exited', status, failure: { message, next, call } });
  } catch {
    return false;
  }
  return options['log-level'] === 'silent';
}

/** What can be made out of the options before any other word of a command line of `run` that could not be read. */
export function leadingOptions([first = '', ...rest]: readonly string[]): Values['options'] {
  const words = first === 'run' ? rest : [first, ...rest];
  const end = words.findIndex((word) => !word.startsWith('-') || word === '--');
  return Object.fromEntries(
    words.slice(0, end < 0 ? undefined : end).map((word) => {
      const [, name = '', value] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      return [name, value ?? true];
    }),
  );
}
