/**
 * The command's environment. It goes to the launcher over a pipe: what is on its command line everybody on the machine can
 * read (proc_pid_cmdline(5)), and what is in its own environment changes how Node starts.
 */
import { usageFailure } from '../common/failure.js';

/**
 * A list adds to what the command gets anyway, each `NAME=VALUE`, or `NAME` for the program's own; an object is the whole
 * environment.
 */
export type EnvironmentOption = readonly string[] | Readonly<Record<string, string | undefined>>;

export interface CommandEnvironment {
  /** Whether nothing else is in it. */
  readonly whole: boolean;
  /** `NAME=VALUE`, as environ(7) has them. */
  readonly entries: readonly string[];
}

/** What Node reads at its start, such as NODE_OPTIONS: meant for the program and its commands, not for the launcher. */
const isForNode = ([name]: readonly [string, unknown]): boolean => name.startsWith('NODE_');

/**
 * @param inherits whether the command gets the variables of the program
 * @throws Failure (status 2) for what is not a variable
 */
export function commandEnvironment(env: EnvironmentOption = [], inherits: boolean): CommandEnvironment {
  if (!isList(env)) return { whole: true, entries: Object.entries(env).flatMap(entryOf) };
  const own = inherits ? Object.entries(process.env).filter(isForNode).flatMap(entryOf) : [];
  const added = env.flatMap((text) => {
    const at = String(text).indexOf('=');
    return at < 0 ? entryOf([text, process.env[text]]) : entryOf([text.slice(0, at), text.slice(at + 1)]);
  });
  return { whole: false, entries: [...own, ...added] };
}

/** The environment of the launcher: a hook, a debugger or a certificate of the program is not for it. */
export const launcherEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter((entry) => !isForNode(entry)));

const isList = (env: EnvironmentOption): env is readonly string[] => Array.isArray(env);

function entryOf([name, value]: readonly [string, string | undefined]): string[] {
  if (name === '' || /[=\0]/.test(name)) throw usageFailure(`env has no variable of the name “${name}”`);
  if (value?.includes('\0')) throw usageFailure(`env: ${name} has a zero byte in it`);
  return value === undefined ? [] : [`${name}=${value}`];
}
