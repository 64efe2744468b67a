/** Evidence as lines of text: what a step changed. */
import { isDeepStrictEqual } from 'node:util';
import type { Paint } from './paint.js';

type Fields = Record<string, unknown>;

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
