import { usageFailure } from '../common/failure.js';
import type { Window } from './container.js';

/** struct winsize has 16 bits for each: ioctl_tty(2). */
const largest = 65_535;

/**
 * A size as --window takes it: `80x24`.
 * @throws Failure (status 2) for a size that no window has
 */
export function windowText({ columns, rows }: Window): string {
  const fits = (count: number): boolean => Number.isInteger(count) && count > 0 && count <= largest;
  if (!fits(columns) || !fits(rows))
    throw usageFailure(
      `a window cannot have ${columns} columns and ${rows} rows`,
      `Both are 1 to ${largest}.`,
    );
  return `${columns}x${rows}`;
}
