/** Widths of text of any kind. It takes 20 milliseconds to load the tables for that, so columns.ts does it only when it must. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** @public How many columns a text takes; escape sequences take none. */
export const wideColumns = (text: string): number => stringWidth(text);

/** @public Lines broken at blanks; a word that is longer than a line is broken where the line ends. */
export const wideWrapped = (text: string, columns: number): string[] =>
  wrapAnsi(text, columns, { hard: true }).split('\n');

/** @public The same, with the blanks at the places where it is broken. */
export const wideBroken = (text: string, columns: number): string[] =>
  wrapAnsi(text, columns, { hard: true, trim: false }).split('\n');

/** @public What a reader takes for one character each. */
export const characters = (text: string): string[] =>
  [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
