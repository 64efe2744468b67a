/**
 * What the options of the library may be. A program need not be of TypeScript, and what it gets wrong it hears of at once, in
 * the words of its own options.
 */
import { usageFailure } from '../common/failure.js';
import { isWindowSize, largestWindow } from '../common/window-size.js';
import type { Window } from './container.js';

interface Kind {
  /** What it takes, as the end of a sentence. */
  readonly words: string;
  readonly has: (value: unknown) => boolean;
}

/** As the kernel takes it: a zero byte would be its end. */
const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');
const isWord = (value: unknown): boolean => isText(value) || typeof value === 'number';
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isFunction = (value: unknown): boolean => typeof value === 'function';

const streams: readonly unknown[] = ['pipe', 'inherit', 'ignore'];
/** A descriptor, or something that has one. */
const isOther = (value: unknown): boolean =>
  isObject(value) || (Number.isInteger(value) && Number(value) >= 0);

const threeOf = (has: (value: unknown) => boolean, words: readonly unknown[]) => (value: unknown) =>
  words.includes(value) || (Array.isArray(value) && value.length === 3 && value.every(has));

const oneOf = (...values: readonly string[]): Kind => {
  const quoted = values.map((one) => `“${one}”`);
  return {
    words: `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`,
    has: (value) => values.includes(value as string),
  };
};

/** Of one value each; `list` and `value` as the command line has them, where a number is written as a text. */
const kinds = {
  flag: { words: 'true or false', has: (value) => typeof value === 'boolean' },
  text: { words: 'a string without zero bytes', has: isText },
  path: { words: 'a path', has: (value) => isText(value) && value !== '' },
  number: { words: 'a number', has: (value) => typeof value === 'number' },
  count: {
    words: 'a number, 0 or more',
    has: (value) => typeof value === 'number' && value >= 0,
  },
  value: { words: 'a string without zero bytes, or a number', has: isWord },
  user: {
    words: 'UID or UID:GID, by number or by name',
    has: (value) => isWord(value) && value !== '',
  },
  'flag or value': {
    words: 'true or a string without zero bytes',
    has: (value) => typeof value === 'boolean' || isText(value),
  },
  list: {
    words: 'a list of strings without zero bytes',
    has: (value) => (Array.isArray(value) ? value.every(isWord) : isWord(value)),
  },
  texts: {
    words: 'a list of strings without zero bytes',
    has: (value) => Array.isArray(value) && value.every(isText),
  },
  paths: {
    words: 'a list of paths',
    has: (value) => Array.isArray(value) && value.every((one) => isText(one) && one !== ''),
  },
  environment: {
    words: 'an object of strings, or a list of NAME=VALUE and NAME',
    has: (value) =>
      isObject(value) && Object.values(value).every((one) => one === undefined || typeof one === 'string'),
  },
  signal: {
    words: 'an AbortSignal',
    has: (value) =>
      isObject(value) && isFunction((value as Partial<AbortSignal>).throwIfAborted) && 'aborted' in value,
  },
  window: {
    words: `{ columns, rows }, each from 1 to ${largestWindow}`,
    has: (value) => isObject(value) && isWindowSize(value as Window),
  },
  overflow: oneOf('end', 'truncate'),
  encoding: oneOf('utf8', 'latin1', 'buffer'),
  function: { words: 'a function', has: isFunction },
  content: {
    words: 'a string or a Uint8Array',
    has: (value) => typeof value === 'string' || value instanceof Uint8Array,
  },
  standardStreams: {
    words: '“pipe”, “inherit” or “ignore”, or a list of three of these, file descriptors and streams',
    has: threeOf((value) => streams.includes(value) || isOther(value), streams),
  },
  commandStreams: {
    words: '“pipe” or “ignore”, or a list of three of these',
    has: threeOf((value) => value === 'pipe' || value === 'ignore', ['pipe', 'ignore']),
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof kinds;
export type OptionKinds = Readonly<Record<string, KindName>>;

/**
 * @param owner whose options they are, such as `launch()`
 * @param nextFor what to do about one that there is not
 * @throws Failure (status 2) for what is no object, an option that there is not, or a value of another kind
 */
export function checkOptions(
  owner: string,
  options: unknown,
  expected: OptionKinds,
  nextFor: (name: string) => string | undefined = () => undefined,
): void {
  if (!isObject(options) || Array.isArray(options))
    throw usageFailure(`${owner} takes an object of options, not ${shown(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(expected, name))
      throw usageFailure(
        `${owner} has no option ${name}`,
        nextFor(name) ?? `Its options are ${Object.keys(expected).join(', ')}.`,
      );
    checkValue(`option ${name} of ${owner}`, value, expected[name] as KindName);
  }
}

/**
 * @param what it is, such as `argv of exec()`
 * @throws Failure (status 2) for a value of another kind
 */
export function checkValue(what: string, value: unknown, kind: KindName): void {
  const { has, words }: Kind = kinds[kind];
  if (!has(value)) throw usageFailure(`${what} ${wrong(value)}`, `It takes ${words}.`);
}

const wrong = (value: unknown): string =>
  isObject(value) ? 'is not of its kind' : `cannot be ${shown(value)}`;

/** A value in a sentence. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100));
  if (Array.isArray(value)) return 'a list';
  return isFunction(value) ? 'a function' : String(value);
}
