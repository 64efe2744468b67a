/** A step in one line: a mark, its number, what is done, and the one change that shows it. */
import { columnsOf, cut, padded } from './columns.js';
import type { Paint } from './paint.js';

export type Mark = 'done' | 'next' | 'failed';

/** A shape and a colour for each: without colours the shape is left. */
const marks = {
  done: ['green', '✓'],
  next: ['cyan', '▸'],
  failed: ['red', '✗'],
} as const;

/** What belongs to a step stands below its title. */
export const stepIndent = ' '.repeat(6);

const widestTitle = 29;

/** Columns for the titles: all of a wide window's lines have them at the same place. */
const titleColumns = (columns: number): number =>
  Math.max(16, Math.min(widestTitle, Math.floor((columns - stepIndent.length) * 0.44)));

export interface StepLine {
  readonly mark: Mark;
  readonly number: number;
  readonly title: string;
  readonly summary: string;
}

/** @param columns those of the window; undefined where nothing is to be cut */
export function stepLine(
  { mark, number, title, summary }: StepLine,
  columns: number | undefined,
  paint: Paint,
): string {
  const [colour, shape] = marks[mark];
  const begin = `${paint(colour, shape)} ${paint('dim', String(number).padStart(2))}  `;
  const width = titleColumns(columns ?? 110);
  const bold = (text: string): string => paint(mark === 'failed' ? ['bold', 'red'] : 'bold', text);
  if (summary === '') {
    const whole = columns === undefined ? title : cut(title, columns - 1 - stepIndent.length);
    return `${begin}${bold(whole)}`;
  }
  const name = padded(columns === undefined ? title : cut(title, width), width);
  // The last column stays free: some terminals go to the next line as soon as it is written.
  const room = columns === undefined ? undefined : columns - 1 - stepIndent.length - columnsOf(name) - 2;
  return `${begin}${bold(name)}  ${room === undefined ? summary : cut(summary, room)}`;
}
