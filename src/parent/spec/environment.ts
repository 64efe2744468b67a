/** --env and --env-file: the environment of the command. */
import { readFileSync } from 'node:fs';
import { pathOf, textOf } from '../../common/byte-text.js';
import { noteVariable } from '../../common/caller-note.js';
import { callerEnvironment } from '../../common/caller-text.js';
import { usageFailure } from '../../common/failure.js';
import { errnoWords } from '../../common/kernel/kernel-error.js';
import { checkDescriptor } from '../command-line/descriptor-option.js';
import type { Option } from '../command-line/option.js';
import type { Values } from '../command-line/subcommand.js';

/** Where programs are looked for inside a new root. */
export const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const environmentOptions: readonly Option[] = [
  {
    name: 'env',
    kind: 'list',
    value: 'NAME[=VALUE]',
    describe: 'set an environment variable inside; without a value, yours is passed on; repeatable',
    group: 'Inside',
  },
  {
    name: 'env-file',
    kind: 'list',
    value: 'FILE',
    describe:
      'set the variables in FILE, one NAME=VALUE a line, as Docker does; --env takes precedence; repeatable',
    group: 'Inside',
  },
  {
    name: 'env-fd',
    kind: 'number',
    value: 'FD',
    describe:
      'set the variables that file descriptor FD has, as env -0 writes them; no other user can see them, unlike those of --env',
    group: 'Inside',
  },
  {
    name: 'clear-env',
    kind: 'flag',
    describe: 'start with an empty environment',
    group: 'Inside',
  },
];

/** The command's environment, and PS1 where the caller chose it or wants none: the launch adds one otherwise. */
export interface ChosenEnvironment {
  readonly environment: Record<string, string>;
  readonly prompt: string | undefined;
}

/**
 * With --clear-env nothing; in a new root PATH, HOME and TERM; else the caller's. Then what was asked for. A variable given
 * by name alone keeps the caller's value, and is left out where the caller has none.
 * @param image what an image says, NAME=VALUE: the options go before it
 * @throws Failure (status 2) for what is not a variable, and a file that cannot be read
 */
export function environmentOf(
  newRootGiven: boolean,
  { env, 'env-file': files, 'env-fd': descriptor, 'clear-env': clear }: Values['options'],
  home: string,
  image: readonly string[] = [],
): ChosenEnvironment {
  const { [noteVariable]: _, ...caller } = callerEnvironment();
  const environment: Record<string, string> = clear
    ? {}
    : newRootGiven
      ? { PATH: searchPath, HOME: home, TERM: caller.TERM ?? 'dumb' }
      : caller;
  const given = [
    ...image.map((text) => variable('Env of the image:', text)),
    ...list(files).flatMap(linesOf),
    ...(descriptor === undefined ? [] : entriesOf(Number(descriptor))),
    ...list(env).map((text) => variable('--env', text)),
  ];
  for (const { name, value } of given) {
    const chosen = value ?? caller[name];
    if (chosen !== undefined) environment[name] = chosen;
  }
  const promptGiven = clear || given.some(({ name }) => name === 'PS1');
  return { environment, prompt: promptGiven ? (environment.PS1 ?? '') : undefined };
}

interface Variable {
  readonly name: string;
  /** Undefined for the caller's own. */
  readonly value: string | undefined;
}

function variable(where: string, text: string): Variable {
  const [, name, value] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
  if (name === undefined) throw usageFailure(`${where} “${text}” is not of the form NAME=VALUE`);
  return { name, value };
}

/** Variables that each end with a zero byte, as in /proc/PID/environ: proc_pid_environ(5). */
function entriesOf(descriptor: number): Variable[] {
  checkDescriptor('env-fd', descriptor, `env -0 | gontainer run --env-fd=${descriptor} ${descriptor}<&0`);
  let text: string;
  try {
    text = textOf(readFileSync(descriptor));
  } catch (error) {
    throw usageFailure(`--env-fd=${descriptor} cannot be read: ${errnoWords(error)}`);
  }
  return text
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const at = entry.indexOf('=');
      // What it holds may be a secret, so it is not shown.
      if (at < 1)
        throw usageFailure(`--env-fd=${descriptor} has an entry that is not of the form NAME=VALUE`);
      return { name: entry.slice(0, at), value: entry.slice(at + 1) };
    });
}

/**
 * The variables of a file as Docker reads it: blanks before a name, empty lines and those that begin with # do not
 * count; quotes belong to the value; a name has no blanks.
 */
function linesOf(file: string): Variable[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(pathOf(file)));
  } catch (error) {
    const why = error instanceof TypeError ? 'is not UTF-8' : `cannot be read: ${errnoWords(error)}`;
    throw usageFailure(`--env-file=${file} ${why}`);
  }
  return text.split(/\r?\n/).flatMap((line, index) => {
    const trimmed = line.trimStart();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const read = variable(`--env-file=${file}, line ${index + 1}:`, trimmed);
    if (/\s/.test(read.name))
      throw usageFailure(`--env-file=${file}, line ${index + 1}: the name “${read.name}” has a blank in it`);
    return [read];
  });
}

const list = (given: unknown): string[] => (given as string[] | undefined) ?? [];
