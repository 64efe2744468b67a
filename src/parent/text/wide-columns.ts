/** Widths of text of any kind. It takes 20 milliseconds to load the tables for that, so columns.ts does it only when it must. */
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/**
 * @public How many columns a text takes; escape sequences take none. Terminals differ about characters that are put together
 * of several, such as an emoji with a joiner in it: many show the parts side by side, and the wider counts.
 */
export function wideColumns(text: string): number {
  const parts = [...stripVTControlCharacters(text)].reduce((sum, part) => sum + stringWidth(part), 0);
  return Math.max(stringWidth(text), parts);
}

/** @public Lines broken at blanks; a word that is longer than a line is broken where the line ends. */
export const wideWrapped = (text: string, columns: number): string[] =>
  fitting(columns, (room) => wrapAnsi(text, room, { hard: true }));

/** @public The same, with the blanks at the places where it is broken. */
export const wideBroken = (text: string, columns: number): string[] =>
  fitting(columns, (room) => wrapAnsi(text, room, { hard: true, trim: false }));

/** wrapAnsi() counts what is put together as one: where that is too wide for a line, all lines are shorter. */
function fitting(columns: number, wrap: (room: number) => string): string[] {
  for (let room = columns; ; room -= 1) {
    const lines = wrap(room).split('\n');
    if (room <= columns / 2 || lines.every((line) => wideColumns(line) <= columns)) return lines;
  }
}

/** @public What a reader takes for one character each. */
export const characters = (text: string): string[] =>
  [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
