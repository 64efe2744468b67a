/** Text as a terminal shows it: wide characters and emoji take two columns, combining characters none. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** How many columns a text takes; escape sequences take none. */
export const columnsOf = (text: string): number => stringWidth(text);

/** Breaks a text into lines at blanks; a word that is longer than a line is broken where the line ends. */
export const wrapped = (text: string, columns: number): string[] =>
  wrapAnsi(text, columns, { hard: true }).split('\n');

/** The text, or as much of its beginning as there is room for, with a sign that there is more. No escape sequences. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let shown = '';
  let room = columns - 1;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    room -= columnsOf(segment);
    if (room < 0) break;
    shown += segment;
  }
  return `${shown.trimEnd()}…`;
}

/** The text with blanks up to a column. */
export const padded = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - columnsOf(text)));

/** Lines that all begin with the same blanks; those that go on with what did not fit into one get more of them. */
export const indented = (text: string, columns: number, indent: string, more = ''): string[] =>
  wrapped(text, columns - indent.length - more.length).map(
    (line, index) => `${indent}${index === 0 ? '' : more}${line}`,
  );

/** The same for a text whose blanks matter, as those of code and of tables do. */
export const broken = (text: string, columns: number): string[] =>
  wrapAnsi(text, columns, { hard: true, trim: false }).split('\n');
