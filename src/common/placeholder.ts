import type { Stats } from 'node:fs';

/**
 * The time of change of a placeholder (src/parent/state/placeholders.ts), in seconds since 1970, by which it is told from an
 * empty file that is somebody's: nothing else is of that moment. Extended attributes are not on every file system.
 */
export const placeholderTime = 471_137;

/** Whether this was made for a mount, and nothing has been written to it since. */
export const isPlaceholder = (found: Stats): boolean =>
  found.mtimeMs === placeholderTime * 1000 && (found.isDirectory() || (found.isFile() && found.size === 0));
