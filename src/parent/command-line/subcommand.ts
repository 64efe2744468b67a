/**
 * What a subcommand is: data that yargs, the help, the man page and the shell completion are made from, and one
 * function. The table of all of them is in commands.ts.
 */

import type { Background } from '../commands/run/background.js';

/** One option of a command, spelled `--name` and, as Gontainer did, `-name`. */
export interface Option {
  /** Without dashes, for example `hostname`. */
  readonly name: string;
  /** One more spelling, for example `h` for `help`. */
  readonly alias?: string;
  /** A flag takes no value; a list may be given several times. */
  readonly kind: 'flag' | 'text' | 'number' | 'list';
  /** What the help calls the value, in capitals, for example `DIR`. */
  readonly value?: string;
  /** The only values allowed. */
  readonly choices?: readonly string[];
  /** One line for the help. */
  readonly describe: string;
  /** The heading under which the help shows it. */
  readonly group: string;
}

/** A word without dashes after the command's name. */
export interface Positional {
  /** In capitals, for example `DIR`. */
  readonly name: string;
  readonly describe: string;
  /** `required` unless said otherwise; `rest` takes every word that follows. */
  readonly takes?: 'required' | 'optional' | 'rest';
}

/** The values of one command line: by option name, positionals by their name; a flag is true or absent. */
export interface Values {
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  readonly positionals: Readonly<Record<string, string | undefined>>;
  /** The words of a positional with `takes: 'rest'`. */
  readonly rest: readonly string[];
  /** In the launcher that `run --detach` has started: its ties to the caller. */
  readonly background?: Background;
}

export interface Command {
  /** One or two words: `run`, `rootfs create`. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly positionals: readonly Positional[];
  readonly options: readonly Option[];
  /** Lines for the end of the help: a command line and what it does. */
  readonly examples: readonly (readonly [command: string, explanation: string])[];
  /**
   * Carries the command out and returns the exit status of gontainer.
   * @throws Failure with the status and the sentence to show.
   */
  run(values: Values): Promise<number>;
}
