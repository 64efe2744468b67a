/** --env: the environment of the command. */
import { usageFailure } from '../../common/failure.js';
import type { Option } from '../command-line/option.js';

/** Where programs are looked for inside a new root. */
export const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const envOption: Option = {
  name: 'env',
  kind: 'list',
  value: 'NAME=VALUE',
  describe: 'set an environment variable inside; repeatable',
  group: 'Inside',
};

/**
 * The command's environment but for PS1. In a new root: PATH, HOME and TERM; else the caller's. A variable given by
 * name alone keeps the caller's value.
 */
export function environmentOf(
  newRootGiven: boolean,
  given: readonly string[],
  home = '/root',
): Record<string, string> {
  const outside = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const base: Record<string, string> = newRootGiven
    ? { PATH: searchPath, HOME: home, TERM: process.env.TERM ?? 'dumb' }
    : Object.fromEntries(outside);
  for (const text of given) {
    const [, name, value] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
    if (name === undefined) throw usageFailure(`--env “${text}” is not of the form NAME=VALUE`);
    const inherited = value ?? process.env[name];
    if (inherited !== undefined) base[name] = inherited;
  }
  return base;
}

/** The names of the variables that --env was given. */
export const environmentNames = (given: readonly string[]): string[] =>
  given.map((text) => String(text.split('=')[0]));
