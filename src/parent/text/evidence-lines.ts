/** Evidence as lines for a reader: what a step changed, in names where the kernel has numbers. */
import { isDeepStrictEqual } from 'node:util';
import { capabilitiesIn, capabilityNames } from '../../common/kernel/capability-numbers.js';
import { columnsOf, indented, padded } from './columns.js';
import type { Paint } from './paint.js';
import { stepIndent } from './step-indent.js';

type Fields = Readonly<Record<string, unknown>>;

/** A name and what is said of it. */
type Row = readonly [name: string, text: string];

/** More of a kind than this are counted. */
const mostOfAKind = 4;

/** What differs between the evidence before and after. What is to stay as it was is said to have stayed. */
export function changeLines(before: Fields, after: Fields, columns: number, paint: Paint): string[] {
  const rows = changedRows(before, after, paint);
  return asLines(rows.length > 0 ? rows : stateRows(after), columns, paint);
}

/** The evidence as it stands. */
export const stateLines = (evidence: Fields, columns: number, paint: Paint): string[] =>
  asLines(stateRows(evidence), columns, paint);

function asLines(rows: readonly Row[], columns: number, paint: Paint): string[] {
  const width = Math.min(24, Math.max(0, ...rows.map(([name]) => columnsOf(name))));
  const indent = stepIndent + ' '.repeat(width + 2);
  return rows.flatMap(([name, text]) => {
    const [first = '', ...more] = indented(text, columns, indent);
    // A name that is longer than others may be stands above.
    if (columnsOf(name) > width)
      return [...indented(name, columns, stepIndent).map((line) => paint('dim', line)), first, ...more];
    return [`${stepIndent}${paint('dim', padded(name, width))}  ${first.slice(indent.length)}`, ...more];
  });
}

const stateRows = (evidence: Fields): Row[] =>
  together(Object.entries(evidence).flatMap(([name, value]): Row[] => stateRow(name, value)));

function stateRow(name: string, value: unknown): Row[] {
  if (name === 'namespaces' && isMap(value)) return [[name, Object.values(value).join(' ')]];
  if (isMap(value))
    return Object.entries(value).flatMap(([inner, one]) => stateRow(within(name, inner), one));
  return [[name, shown(name, value)]];
}

function changedRows(before: Fields, after: Fields, paint: Paint): Row[] {
  return together(
    Object.entries(after).flatMap(([name, value]): Row[] => {
      const old = before[name];
      if (isDeepStrictEqual(old, value)) return name.endsWith(' on the host') ? [[name, 'unchanged']] : [];
      if (isMap(value))
        return isMap(old)
          ? changedRows(old, value, paint).map(([inner, text]) => [within(name, inner), text])
          : stateRow(name, value).map(([inner, text]) => [inner, paint('green', text)]);
      if (Array.isArray(old) && Array.isArray(value)) return listRows(name, old, value, paint);
      const was = old === undefined ? '' : `${paint('red', shown(name, old))} → `;
      return [[name, `${was}${paint('green', shown(name, value))}`]];
    }),
  );
}

/** What was added to a list and what went; both ends of it where it is short. */
function listRows(name: string, old: readonly unknown[], fresh: readonly unknown[], paint: Paint): Row[] {
  const gone = old.filter((item) => !fresh.includes(item));
  const added = fresh.filter((item) => !old.includes(item));
  const short = !isMount(name) && old.length <= mostOfAKind;
  if (short || gone.length > mostOfAKind) {
    const was = short ? shown(name, old) : String(old.length);
    return [[name, `${paint('red', was)} → ${paint('green', shown(name, fresh))}`]];
  }
  const rows = (items: readonly unknown[], sign: string, colour: 'red' | 'green'): Row[] =>
    someOf(name, items).map((text) => [name, paint(colour, `${sign} ${text}`)]);
  return [...rows(gone, '-', 'red'), ...rows(added, '+', 'green')];
}

/** Each of a few; of many some, and where the others are. */
function someOf(name: string, items: readonly unknown[]): string[] {
  if (items.length <= mostOfAKind) return items.map((item) => shown(name, [item]));
  const [first, rest] = [items.slice(0, mostOfAKind - 1), items.slice(mostOfAKind - 1)];
  const places = rest.map((item) => String(item).split(' ')[0]);
  return [...first.map((item) => shown(name, [item])), `${rest.length} more: ${places.join(' ')}`];
}

/** Rows that say the same have one line; a name that was just said is not said again. */
function together(rows: readonly Row[]): Row[] {
  const joined: [name: string, text: string][] = [];
  for (const [name, text] of rows) {
    const same = joined.find(
      (row) => row[1] === text && isCapabilities(name) && row[1].includes('capabilit'),
    );
    if (same === undefined) joined.push([setName(name), text]);
    else same[0] = `${same[0]}, ${setName(name)}`;
  }
  return joined.map(([name, text], index) => [name === joined[index - 1]?.[0] ? '' : name, text]);
}

/** What is said of a process, or of a kind of namespace, needs no other name than its own. */
const within = (name: string, inner: string): string =>
  name === 'namespaces' || (name === 'process' && !['inside', 'outside'].includes(inner))
    ? inner
    : `${name} ${inner}`;

/** The sets of capabilities(7) by their short names. */
const setName = (name: string): string =>
  name === 'capabilities'
    ? 'effective'
    : isCapabilities(name)
      ? name.replace(/ (capabilities|set)$/, '')
      : name;

const isMap = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isMount = (name: string): boolean => /\bmounts\b/.test(name);
const isCapabilities = (name: string): boolean => /capabilities|bounding set/.test(name);

function shown(name: string, value: unknown): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return 'none';
    const most = typeof value[0] === 'number' || isMount(name) ? 8 : 24;
    if (value.length > most) return `${value.length} of them`;
    return value.map((item) => (isMount(name) ? mountText(String(item)) : shown(name, item))).join(', ');
  }
  const text = String(value);
  return isCapabilities(name) ? capabilityText(text) : text.replace(/^\w+:\[(\d+)\]$/, '$1');
}

/** `tmpfs on /dev, rw,nosuid` for a line of the mount table: place, type, source, options. */
function mountText(line: string): string {
  const words = line.split(' ');
  if (words.length < 4) return line;
  const [type, , options] = words.splice(-3);
  return `${type} on ${words.join(' ')}, ${options}`;
}

/** A set as proc_pid_status(5) writes it, or as the names in it: `all 41`, `2: CHOWN KILL`, `none`. */
function capabilityText(text: string): string {
  const names = /^[0-9a-f]{16}$/.test(text)
    ? capabilitiesIn(text).map(String)
    : text.split(' ').filter((word) => word.startsWith('CAP_') || /^\d+$/.test(word));
  if (names.length === 0) return text === 'empty' || /^0+$/.test(text) ? 'no capabilities' : text;
  if (names.length >= capabilityNames.length) return `all ${names.length} capabilities`;
  const missing = capabilityNames.filter((name) => !names.includes(name));
  const short = (all: readonly string[]): string => all.map((name) => name.replace(/^CAP_/, '')).join(' ');
  return missing.length < names.length / 2
    ? `${names.length} capabilities, all but ${short(missing)}`
    : `${names.length} capabilities: ${short(names)}`;
}
