import { shownText } from '../../common/shown-text.js';
import { charactersOf, columnsOf } from './columns.js';
import type { Paint } from './paint.js';

/** A call in one line, with the names of the manual page: `unshare(flags: CLONE_NEWUSER|CLONE_NEWUTS)`. */
function callText(call: string, args: Readonly<Record<string, unknown>>): string {
  const written = Object.entries(args).map(([name, value]) => `${name}: ${argument(value)}`);
  return `${call}(${written.join(', ')})`;
}

function argument(value: unknown): string {
  // A map ends with a newline, which would break the line.
  const quoted = value instanceof Object || (typeof value === 'string' && value.includes('\n'));
  return shownText(quoted ? JSON.stringify(value) : String(value));
}

/** The longest name of an actor that every launch has. */
const actorColumns = 'command'.length;

export interface ShownCall {
  readonly actor: string;
  readonly call: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * A call as lines: who makes it, and the call, broken where it can be.
 * @param result what it returned, painted; nothing before it is made
 */
export function callLines(
  { actor, call, args }: ShownCall,
  columns: number,
  indent: string,
  paint: Paint,
  result = '',
): string[] {
  const begin = `${indent}${paint('dim', actor.padEnd(actorColumns))} `;
  const later = `${indent}${' '.repeat(actorColumns + 3)}`;
  const [first = '', ...more] = broken(callText(call, args), columns - later.length);
  const lines = [
    `${begin}${paint('cyan', call)}${first.slice(call.length)}`,
    ...more.map((line) => later + line),
  ];
  if (result === '') return lines;
  const last = lines.at(-1) as string;
  return columnsOf(`${last} ${result}`) <= columns
    ? [...lines.slice(0, -1), `${last} ${result}`]
    : [...lines, `${later}${result}`];
}

/** Breaks a call into lines where it can be: after a blank, a comma or a bar; a longer piece where the line ends. */
function broken(text: string, columns: number): string[] {
  const lines = [''];
  for (const piece of text.split(/(?<=[ ,|])/).flatMap((part) => pieces(part, columns))) {
    const last = lines.length - 1;
    if (columnsOf(lines[last] as string) + columnsOf(piece.trimEnd()) > columns) lines.push(piece);
    else lines[last] += piece;
  }
  return lines.map((line) => line.trimEnd());
}

function pieces(text: string, columns: number): string[] {
  if (columnsOf(text) <= columns) return [text];
  const parts = [''];
  for (const character of charactersOf(text)) {
    if (columnsOf(parts.at(-1) + character) > columns) parts.push(character);
    else parts[parts.length - 1] += character;
  }
  return parts;
}
