import { shownText } from '../../common/shown-text.js';
import { columnsOf, cut, padded } from './columns.js';

const gap = '  ';
/** What is cut keeps as many columns as this. */
const least = 8;

/** A window, and which columns of a table are cut where it is too narrow: by their index. */
export interface Window {
  readonly columns: number;
  readonly cut: readonly number[];
}

/** Rows as a table for people: columns as wide as their widest cell, two blanks between them, no lines. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  window?: Window,
): string {
  const all = [headings, ...rows.map((row) => row.map(shownText))];
  const whole = headings.map((_, column) => Math.max(...all.map((row) => columnsOf(row[column] ?? ''))));
  const widths = window === undefined ? whole : fitted(whole, window);
  return all
    .map((row) =>
      row
        .map((cell, column) => padded(cut(cell, widths[column] as number), widths[column] as number))
        .join(gap)
        .trimEnd(),
    )
    .join('\n');
}

/** Takes from the widest of the columns that may be cut until all fit. */
function fitted(whole: readonly number[], window: Window): number[] {
  const widths = [...whole];
  const total = (): number => widths.reduce((sum, width) => sum + width + gap.length, -gap.length);
  while (total() > window.columns) {
    const [widest] = [...window.cut].sort((a, b) => (widths[b] as number) - (widths[a] as number));
    if (widest === undefined || (widths[widest] as number) <= least) break;
    widths[widest] = (widths[widest] as number) - 1;
  }
  return widths;
}
