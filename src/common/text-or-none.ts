import { readFileSync } from 'node:fs';

/** The text of a file of /proc or /sys; empty where it is not there, or cannot be read. */
export function textOrNone(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
