/** The size of a terminal's window as --window and --window-fd have it: `80x24`. */
import type { WindowSize } from './kernel/terminal-modes.js';

/** struct winsize has 16 bits for each: ioctl_tty(2). */
export const largestWindow = 65_535;

const fits = (count: number | undefined): count is number =>
  Number.isInteger(count) && Number(count) > 0 && Number(count) <= largestWindow;

/** Whether a window can have this size. */
export const isWindowSize = ({ columns, rows }: WindowSize): boolean => fits(columns) && fits(rows);

export const windowText = ({ columns, rows }: WindowSize): string => `${columns}x${rows}`;

/** Undefined for a text that is no size. */
export function windowSizeIn(text: string): WindowSize | undefined {
  const [, columns, rows] = (/^(\d{1,5})x(\d{1,5})$/.exec(text.trim()) ?? []).map(Number);
  return fits(columns) && fits(rows) ? { columns, rows } : undefined;
}
