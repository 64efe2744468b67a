/** How the log of a command is written: its options, and what their values mean. */

import { openSync } from 'node:fs';
import { defined } from '../../common/defined.js';
import { usageFailure } from '../../common/failure.js';
import { errnoWords } from '../../common/kernel/kernel-error.js';
import { isTerminal } from '../../common/kernel/processes.js';
import { checkDescriptor } from '../command-line/descriptor-option.js';
import type { Option } from '../command-line/option.js';
import type { Values } from '../command-line/subcommand.js';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type Level = (typeof levels)[number];

/** The options of the group Log, in the table of every command that writes one. */
export const logOptionRows: readonly Option[] = [
  {
    name: 'log-level',
    kind: 'text',
    value: 'LEVEL',
    choices: levels,
    describe: 'what to show: info has the steps, debug says why, trace has every kernel call',
    group: 'Log',
  },
  {
    name: 'log-format',
    kind: 'text',
    value: 'FORMAT',
    choices: ['pretty', 'json'],
    describe: 'pretty where standard error is a terminal, else json',
    group: 'Log',
  },
  {
    name: 'log-file',
    kind: 'text',
    value: 'FILE',
    describe: 'write every level to FILE too, as NDJSON',
    group: 'Log',
  },
  {
    name: 'log-fd',
    kind: 'number',
    value: 'N',
    describe: 'write every level to file descriptor N too, as NDJSON',
    group: 'Log',
  },
];

export const quietOption: Option = {
  name: 'quiet',
  kind: 'flag',
  describe: 'no banner, and only errors in the log',
  group: 'Log',
};

export interface LogOptions {
  /** What goes to standard error. */
  readonly level: Level;
  readonly format: 'pretty' | 'json';
  readonly colour: boolean;
  /** The caller's standard error, where that of this process is another. */
  readonly standardError?: number | undefined;
  /** A file open for writing, which gets every level as NDJSON. */
  readonly file?: number;
  /** A descriptor of the caller's, which gets the same. */
  readonly descriptor?: number;
  /** A file open for writing that gets the same for as long as it can be written: for whoever follows the launch. */
  readonly followed?: number | undefined;
  /** The steps that share a line with the next one, at level info. */
  readonly together?: ReadonlySet<string>;
  /** Takes every level as lines of NDJSON, for the report. */
  readonly lines?: string[];
}

/**
 * Opens, and empties, the file that --log-file names: before anything is started, as a launch without the log that was
 * asked for would be worth little.
 */
function openLogFile(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw usageFailure(`--log-file=${path} cannot be written: ${errnoWords(error)}`);
  }
}

function openDescriptor(descriptor: number): number {
  checkDescriptor('log-fd', descriptor);
  return descriptor;
}

/** How the log of a command with the options of the group Log is written. */
export function logOptions({ options }: Values, colour: boolean, standardError = 2) {
  // At a terminal the walk shows every step itself.
  const shown = options.step && isTerminal(standardError) ? 'silent' : undefined;
  const level = (shown ?? options['log-level'] ?? (options.quiet ? 'silent' : 'info')) as Level;
  const format = (options['log-format'] ?? (isTerminal(standardError) ? 'pretty' : 'json')) as
    | 'pretty'
    | 'json';
  return {
    level,
    format,
    colour,
    ...defined({
      file: options['log-file'] === undefined ? undefined : openLogFile(String(options['log-file'])),
      descriptor: options['log-fd'] === undefined ? undefined : openDescriptor(Number(options['log-fd'])),
    }),
  };
}
