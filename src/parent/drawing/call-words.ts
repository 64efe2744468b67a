/** A kernel call in words: as the manual writes it, and in short. */
import { type CallName, calls, type Kind } from '../../common/kernel/calls.js';
import { isFields } from '../recorded/fields.js';
import type { Call, ComingCall } from '../recorded/launch-log.js';
import { type Html, html } from './html.js';

/** An argument: text in quotes, constants with room around the bars, `NULL`. What is not text in C is not quoted. */
export function argumentText(call: string, parameter: string, value: unknown): string {
  const kind: Kind | undefined = Object.hasOwn(calls, call)
    ? (calls[call as CallName] as Readonly<Record<string, Kind>>)[parameter]
    : undefined;
  return shown(value, kind === undefined || kind === 'text' || kind === 'texts');
}

function shown(value: unknown, quoted: boolean): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string')
    return quoted ? JSON.stringify(value) : value.replaceAll('|', '\u00a0| ').replaceAll('\n', '⏎');
  if (Array.isArray(value))
    return value.length === 0 ? '[]' : `[${value.map((item) => shown(item, quoted)).join(', ')}]`;
  if (isFields(value))
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${name}: ${shown(inner, quoted)}`)
      .join(', ')} }`;
  return String(value);
}

/** At most `length` characters. */
export const shortened = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;

/** `= 0`, or `= -1 EPERM`. */
export const resultText = ({ ret, errno }: Call): string =>
  errno === undefined ? `= ${ret}` : `= ${ret} ${errno}`;

/** `mount("proc", "/proc", "proc", MS_NOSUID | …, NULL)`, with long arguments cut. */
export function comingCallLine({ call, args }: ComingCall): Html {
  const written = Object.entries(args).map(([name, value]) =>
    shortened(argumentText(call, name, value), 200),
  );
  return html`<b>${call}</b>(${written.join(', ')})`;
}

/** The same with the result: `… = 0`. */
export const callLine = (call: Call): Html => html`${comingCallLine(call)} ${resultText(call)}`;

/** What a call is named in the drawing: its name, or the file of /proc that it writes. */
export function shortName({ call, args }: Call): string {
  const file = call === 'write' && typeof args.fd === 'string' ? args.fd.split('/').at(-1) : undefined;
  return file || call;
}
