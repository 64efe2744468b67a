/** The log for people: what was done, what one would type for it, and what changed in the kernel. */
import { isDeepStrictEqual, styleText } from 'node:util';
import { type PrettyOptions, prettyFactory } from 'pino-pretty';
import { callText } from '../text/call.js';
import type { LogOptions } from './log.js';

type Fields = Record<string, unknown>;
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Makes of a line of NDJSON what a terminal shows; nothing where it has nothing to show. */
export function prettyFormat({ level, colour }: LogOptions): (line: string) => string {
  const paint: Paint = (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text);
  const explain = level === 'trace' || level === 'debug';
  const options: PrettyOptions = {
    // What is coloured here is chosen below.
    colorize: false,
    hideObject: true,
    // Everything is in the message: times since the start are read more easily than those of the day.
    ignore: 'level,time,pid,hostname',
    messageFormat: (record, messageKey) => describe(record, String(record[messageKey]), paint, explain),
    customPrettifiers: { level: () => '' },
  };
  return prettyFactory(options) as (line: string) => string;
}

function describe(record: Fields, message: string, paint: Paint, explain: boolean): string {
  if (record.call !== undefined) return callLine(record, paint);
  if (record.shell !== undefined) return stepLines(record, message, paint, explain).join('\n');
  return `${paint(record.failure === undefined ? 'dim' : 'red', '·')} ${message}`;
}

/** `      P unshare(flags: CLONE_NEWUSER) = 0  84 µs`. */
function callLine({ actor, call, args, ret, errno, us }: Fields, paint: Paint): string {
  const written = callText(String(call), args as Fields, (name) => paint('cyan', name));
  const result = errno === undefined ? String(ret) : paint('red', `${ret} ${errno}`);
  const time = us === undefined ? '' : paint('dim', `  ${Math.round(us as number)} µs`);
  return `        ${paint('dim', String(actor))} ${written} = ${result}${time}`;
}

function stepLines(record: Fields, message: string, paint: Paint, explain: boolean): string[] {
  const { number, of, stage, why, man, shell, before, after } = record;
  const indent = '        ';
  return [
    `${paint('bold', `${`${number}/${of}`.padStart(6)}  ${message}`)}  ${paint('dim', `${stage}, ${man}`)}`,
    ...(explain ? wrapped(String(why), 96).map((line) => `${indent}${line}`) : []),
    `${indent}${paint('dim', '$')} ${shell}`,
    ...changes(before as Fields, after as Fields, paint).map((line) => `${indent}${line}`),
  ];
}

/** What differs between the evidence before and after, one line each. */
export function changes(before: Fields, after: Fields, paint: Paint): string[] {
  return Object.entries(after).flatMap(([name, value]) => {
    const old = before[name];
    if (isDeepStrictEqual(old, value)) return [`${name}: ${shown(value)}`];
    if (isMap(old) && isMap(value)) return changes(old, value, paint).filter((line) => line.includes(' → '));
    if (Array.isArray(old) && Array.isArray(value)) return listChanges(name, old, value, paint);
    return [
      `${name}: ${old === undefined ? '' : `${paint('red', shown(old))} → `}${paint('green', shown(value))}`,
    ];
  });
}

const isMap = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function listChanges(name: string, old: unknown[], fresh: unknown[], paint: Paint): string[] {
  const [gone, added] = [
    old.filter((item) => !fresh.includes(item)),
    fresh.filter((item) => !old.includes(item)),
  ];
  if (gone.length > 3)
    return [`${name}: ${paint('red', `${gone.length} fewer`)}, left: ${paint('green', shown(fresh))}`];
  return [
    ...gone.map((item) => `${name}: ${paint('red', `- ${shown(item)}`)}`),
    ...added.map((item) => `${name}: ${paint('green', `+ ${shown(item)}`)}`),
  ];
}

function shown(value: unknown): string {
  if (Array.isArray(value))
    return value.length === 0
      ? 'none'
      : value.length > 8
        ? `${value.length} of them`
        : value.map(shown).join(', ');
  if (isMap(value))
    return Object.entries(value)
      .map(([name, inner]) => `${name} ${shown(inner)}`)
      .join(', ');
  return String(value);
}

/** Breaks a text into lines of at most `width` characters. */
export function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) as string;
    if (last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
