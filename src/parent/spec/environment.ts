/** --env: the environment of the command. */
import { callerEnvironment } from '../../common/caller-text.js';
import { usageFailure } from '../../common/failure.js';
import type { Option } from '../command-line/option.js';
import { noteVariable } from './inherited.js';

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
  const { [noteVariable]: _, ...caller } = callerEnvironment();
  const base: Record<string, string> = newRootGiven
    ? { PATH: searchPath, HOME: home, TERM: caller.TERM ?? 'dumb' }
    : caller;
  for (const text of given) {
    const [, name, value] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
    if (name === undefined) throw usageFailure(`--env “${text}” is not of the form NAME=VALUE`);
    const kept = value ?? caller[name];
    if (kept !== undefined) base[name] = kept;
  }
  return base;
}

/** The names of the variables that --env was given. */
export const environmentNames = (given: readonly string[]): string[] =>
  given.map((text) => String(text.split('=')[0]));
