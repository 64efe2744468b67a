/** What a shell completes: from the table of commands, with nothing of a shell in it. */
import { constants } from 'node:os';
import type { Option } from '../../src/parent/command-line/option.js';
import { globalOptions } from '../../src/parent/command-line/read-line.js';
import type { Positional, Subcommand } from '../../src/parent/command-line/subcommand.js';

/** What a value or a word can be: files, names that are known now, or one of these words. */
export type Completion = 'directory' | 'file' | 'container' | 'command' | 'none' | readonly string[];

/** The words of all lessons: they come with the package. */
export interface Known {
  readonly lessons: readonly string[];
}

const signals = Object.keys(constants.signals).map((name) => name.slice('SIG'.length));

/** What stands for what in the tables of options. */
const byWord: Readonly<Record<string, Completion | 'lesson'>> = {
  DIR: 'directory',
  CHANGES: 'directory',
  FILE: 'file',
  LOG: 'file',
  SOURCE: 'file',
  'SRC:DST[:ro]': 'file',
  LESSON: 'lesson',
  SIGNAL: signals,
};

/** An image may be a file too, where it is not only pulled. */
const byValue: typeof byWord = { ...byWord, IMAGE: 'file' };

export function valueCompletion({ choices, value = '' }: Option): Completion {
  const found = choices ?? byValue[value] ?? 'none';
  return found === 'lesson' ? 'none' : found;
}

export function wordCompletion(
  { name, takes }: Positional,
  command: Subcommand,
  { lessons }: Known,
): Completion {
  if (takes === 'rest' && name === 'COMMAND') return 'command';
  if (command.name === 'completion') return ['bash', 'zsh', 'fish'];
  const found = name === 'NAME' ? (command.name === 'lesson' ? 'lesson' : 'container') : byWord[name];
  return found === 'lesson' ? lessons : (found ?? 'none');
}

/** The options of a command, those that all have included. */
export const optionsOf = ({ options }: Subcommand): readonly Option[] => [...options, ...globalOptions];

/** Every first word of the commands, once: `rootfs` for three of them. */
export const firstWords = (commands: readonly Subcommand[]): string[] => [
  ...new Set(commands.map(({ name }) => name.split(' ')[0] as string)),
];

/** The second words of the commands that have two. */
export const secondWords = (commands: readonly Subcommand[], first: string): string[] =>
  commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));

/** A word of a shell script, in single quotes. */
export const single = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The names of the containers that run, one a line: only gontainer knows which of them still do. */
export const listContainers = (gontainer: string): string =>
  `${gontainer} ps 2>/dev/null | sed '1d; s/ .*//'`;
