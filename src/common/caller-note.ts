/**
 * The note about what Node changes at its start, for the launcher that is started next: the process that it is about, the
 * masks of blocked and ignored signals, and the soft and hard limit of open files. src/stub.sh writes the same.
 */
import { readFileSync } from 'node:fs';

/** Where the note is; the command does not get it. */
export const noteVariable = 'GONTAINER_CALLER';

/** The note for a launcher that this program starts by node:child_process, which lets it inherit no signal that it ignores or blocks. */
export function noteOfThisProgram(): Record<string, string> {
  const [, soft, hard] = /^Max open files +(\S+) +(\S+)/m.exec(limitsText()) ?? [];
  return soft === undefined ? {} : { [noteVariable]: [process.pid, 0, 0, soft, hard].join(' ') };
}

function limitsText(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return ''; // No /proc: the launcher says so.
  }
}
