/**
 * What a subcommand is: data that the command line is read by, and the help, the man page and the shell completion are
 * made from, and one function. The table of all of them is commands/index.ts.
 */
import type { Option } from './option.js';

/** A word without dashes after the subcommand's name. */
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
}

export interface Subcommand {
  /** One or two words: `run`, `rootfs create`. */
  readonly name: string;
  /** One line for the list of subcommands. */
  readonly summary: string;
  readonly positionals: readonly Positional[];
  readonly options: readonly Option[];
  /** Lines for the end of the help: a command line and what it does. */
  readonly examples: readonly (readonly [command: string, explanation: string])[];
  /** Whether these values need no kernel of Linux: what launches nothing works on every system. */
  readonly anywhere?: (values: Values) => boolean;
  /**
   * Carries the subcommand out and returns the exit status of gontainer.
   * @throws Failure with the status and the sentence to show.
   */
  run(values: Values): Promise<number>;
}
