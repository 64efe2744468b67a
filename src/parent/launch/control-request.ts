/** What comes over --control-fd, checked: a program may be of another version than its launcher, or make a mistake. */
import type { CommandLimits, ControlRequest } from '../../common/control.js';
import { Failure, usageFailure } from '../../common/failure.js';
import type { WindowSize } from '../../common/kernel/terminal-modes.js';
import { isWindowSize } from '../../common/window-size.js';
import { type Check, isSignalName as signal } from './check.js';

const whole: Check = (value) => Number.isSafeInteger(value) && Number(value) > 0;
const number: Check = (value) => typeof value === 'number';
const flag: Check = (value) => typeof value === 'boolean';
/** As the kernel takes it. */
const text: Check = (value) => typeof value === 'string' && !value.includes('\0');
const path: Check = (value) => text(value) && value !== '';
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const argv: Check = (value) => texts(value) && (value as readonly string[]).length > 0;
const streams: Check = (value) =>
  Array.isArray(value) && value.length === 3 && value.every((kind) => kind === 'pipe' || kind === 'ignore');
const window: Check = (value) =>
  typeof value === 'object' && value !== null && isWindowSize(value as WindowSize);

const limitChecks: Readonly<Record<keyof CommandLimits, Check>> = {
  ulimit: texts,
  memory: text,
  'memory-swap': text,
  'pids-limit': number,
  cpus: number,
  'cpu-weight': number,
  'io-weight': number,
};
const limits: Check = (value) =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).every(
    ([name, content]) =>
      Object.hasOwn(limitChecks, name) && limitChecks[name as keyof CommandLimits](content),
  );

interface Fields {
  readonly needed: Readonly<Record<string, Check>>;
  readonly possible?: Readonly<Record<string, Check>>;
}

const requests: { readonly [Type in ControlRequest['type']]: Fields } = {
  exec: {
    needed: { argv, streams },
    possible: {
      directory: path,
      user: path,
      environment: texts,
      wholeEnvironment: flag,
      tellsStart: flag,
      limits,
      watch: text,
      window,
    },
  },
  opened: { needed: {} },
  resize: { needed: { window } },
  signal: { needed: { signal } },
};

/**
 * The request of a line.
 * @throws Failure (status 2); with the `number` of the command that it is about, where it has one
 */
export function checkedRequest(line: string): ControlRequest {
  const value = parsed(line);
  const { type } = value;
  // What is wrong about a command that runs is no failure of that command.
  const number = ['opened', 'resize', 'signal'].includes(String(type)) ? undefined : value.number;
  const fields = Object.hasOwn(requests, String(type)) ? requests[type as ControlRequest['type']] : undefined;
  if (!whole(value.number)) throw wrong('what a program asks for has no number');
  if (fields === undefined) throw wrong(`the launcher does not know what “${String(type)}” is`, number);
  const checks: Record<string, Check> = { ...fields.possible, ...fields.needed, type: text, number: whole };
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(checks, name));
  if (unknown !== undefined) throw wrong(`${nameOf(type)} has no option ${unknown}`, number);
  const bad = Object.entries(checks).find(
    ([name, check]) => (name in value || name in fields.needed) && !check(value[name]),
  );
  if (bad !== undefined) throw wrong(`option ${bad[0]} of ${nameOf(type)} is not of its kind`, number);
  return value as unknown as ControlRequest;
}

/** As the program calls it. */
const nameOf = (type: unknown): string => (type === 'exec' ? 'exec()' : `“${type}”`);

function parsed(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // As below.
  }
  throw wrong('what came over --control-fd is not a line of JSON');
}

const wrong = (message: string, number?: unknown): Failure & { readonly number?: number } =>
  Object.assign(
    usageFailure(message, 'Program and launcher may be of different versions: install one of them again.'),
    typeof number === 'number' ? { number } : {},
  );

/** The number of the command that a wrong request was about. */
export const numberOfWrong = (error: unknown): number | undefined =>
  error instanceof Failure ? (error as Failure & { number?: number }).number : undefined;
