import { type Failure, usageFailure } from '../common/failure.js';
import { isWindowSize, largestWindow, windowText } from '../common/window-size.js';
import type { Window } from './container.js';

/**
 * A size as --window takes it.
 * @throws Failure (status 2) for a size that no window has
 */
export function checkedWindow(size: Window): string {
  if (isWindowSize(size)) return windowText(size);
  throw usageFailure(
    `a window cannot have ${size.columns} columns and ${size.rows} rows`,
    `Both are 1 to ${largestWindow}.`,
  );
}

export const windowWithoutPty = (): Failure =>
  usageFailure('window is the size of a terminal, and there is none without pty', 'Pass pty: true as well.');

export const usualWindow: Window = { columns: 80, rows: 24 };
