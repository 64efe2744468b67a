/** A step in one line: a mark, its number, what is done, and the one change that shows it. */
import { columnsOf, cut, padded } from './columns.js';
import type { Paint } from './paint.js';
import { stepIndent } from './step-indent.js';

export type Mark = 'done' | 'next' | 'failed';

/** A shape and a colour for each: without colours the shape is left. */
const marks = {
  done: ['green', '✓'],
  next: ['cyan', '▸'],
  failed: ['red', '✗'],
} as const;

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

/** What begins the line of a step, and how its title is written. */
function beginning({ mark, number }: Pick<StepLine, 'mark' | 'number'>, paint: Paint) {
  const [colour, shape] = marks[mark];
  return {
    sign: `${paint(colour, shape)} ${paint('dim', String(number).padStart(2))}  `,
    bold: (text: string): string => paint(mark === 'failed' ? ['bold', 'red'] : 'bold', text),
  };
}

/** @param columns those of the window; undefined where nothing is to be cut */
export function stepLine(step: StepLine, columns: number | undefined, paint: Paint): string {
  const { title, summary } = step;
  const { sign, bold } = beginning(step, paint);
  const width = titleColumns(columns ?? 110);
  if (summary === '') {
    const whole = columns === undefined ? title : cut(title, columns - 1 - stepIndent.length);
    return `${sign}${bold(whole)}`;
  }
  const name = padded(columns === undefined ? title : cut(title, width), width);
  // The last column stays free: some terminals go to the next line as soon as it is written.
  const room = columns === undefined ? undefined : columns - 1 - stepIndent.length - columnsOf(name) - 2;
  return `${sign}${bold(name)}  ${room === undefined ? summary : cut(summary, room)}`;
}

/** Two steps in one line: of the first only what was done, then the second where the changes of the others stand. */
export function sharedLine(
  first: Omit<StepLine, 'summary'>,
  second: StepLine,
  columns: number,
  paint: Paint,
): string {
  const left = beginning(first, paint);
  const right = beginning(second, paint);
  const width = titleColumns(columns);
  const room = columns - 1 - width - 2 - 2 * stepIndent.length;
  const title = cut(second.title, room);
  const rest = room - columnsOf(title) - 2;
  const summary = second.summary === '' || rest < 2 ? '' : `  ${cut(second.summary, rest)}`;
  return `${left.sign}${left.bold(padded(cut(first.title, width), width))}  ${right.sign}${right.bold(title)}${summary}`;
}
