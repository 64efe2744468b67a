/** Text as a terminal shows it: wide characters and emoji take two columns, combining characters none. */

/** Characters that take one column each wherever they are: those of English, and the signs that are used here. */
const plain = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff‘’“”…→•·✓▸✗]*$/;

const wide = (): typeof import('./wide-columns.js') => require('./wide-columns.js');

/** How many columns a text takes; escape sequences take none. */
export const columnsOf = (text: string): number =>
  plain.test(text) ? text.length : wide().wideColumns(text);

/** What a reader takes for one character each. */
export const charactersOf = (text: string): string[] =>
  plain.test(text) ? [...text] : wide().characters(text);

/** Breaks a text into lines at blanks; a word that is longer than a line is broken where the line ends. */
export const wrapped = (text: string, columns: number): string[] =>
  plain.test(text) ? plainWrapped(text, columns) : wide().wideWrapped(text, columns);

function plainWrapped(text: string, columns: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) as string;
    if (last !== '' && last.length + 1 + word.length > columns) lines.push('');
    const begun = lines.at(-1) as string;
    const whole = begun === '' ? word : `${begun} ${word}`;
    const parts = Array.from({ length: Math.max(1, Math.ceil(whole.length / columns)) }, (_, index) =>
      whole.slice(index * columns, (index + 1) * columns),
    );
    lines.splice(-1, 1, ...parts);
  }
  return lines;
}

/** The text, or as much of its beginning as there is room for, with a sign that there is more. No escape sequences. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let shown = '';
  let room = columns - 1;
  for (const character of charactersOf(text)) {
    room -= columnsOf(character);
    if (room < 0) break;
    shown += character;
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
export const broken = (text: string, columns: number): string[] => wide().wideBroken(text, columns);
