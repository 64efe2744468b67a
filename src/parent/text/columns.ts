/** Text as a terminal shows it: wide characters and emoji take two columns, combining characters none. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** How many columns a text takes; escape sequences take none. */
export const columnsOf = (text: string): number => stringWidth(text);

/** Breaks a text into lines at blanks; a word that is longer than a line is broken where the line ends. */
export const wrapped = (text: string, columns: number): string[] =>
  wrapAnsi(text, columns, { hard: true }).split('\n');
