/** What the caller passed, byte by byte: Node puts U+FFFD for each byte that is not UTF-8, and the kernel still has it. */
import { readFileSync } from 'node:fs';
import { linkText, textOf } from './byte-text.js';

const replaced = '\ufffd';

/** The words of the command line after the program's own name. */
export function callerWords(): string[] {
  const words = process.argv.slice(2);
  if (!words.some((word) => word.includes(replaced))) return words;
  try {
    return textsOf('/proc/self/cmdline').slice(-words.length);
  } catch {
    return words; // Another system, or /proc is not mounted.
  }
}

/** The environment. */
export function callerEnvironment(): Record<string, string> {
  const known = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  if (!known.some((entry) => entry.join('').includes(replaced))) return Object.fromEntries(known);
  const bytes = textsOf('/proc/self/environ').map((text) => {
    const [, name = '', value = ''] = /^(.[^=]*)=(.*)$/s.exec(text) ?? [];
    return [name, value] as const;
  });
  return Object.fromEntries([
    ...known.filter((entry) => !entry.join('').includes(replaced)),
    ...bytes.filter((entry) => entry[0] !== '' && Buffer.from(entry.join('')).includes(replaced)),
  ]);
}

const directoryLink = '/proc/self/cwd';

/** The working directory; where that was removed it has no path, but still a link: proc_pid_cwd(5). */
export function callerDirectory(): string {
  try {
    const path = process.cwd();
    return path.includes(replaced) ? linkText(directoryLink) : path;
  } catch {
    return directoryLink;
  }
}

/** Texts that each end with a zero byte: proc_pid_cmdline(5), proc_pid_environ(5). */
function textsOf(file: string): string[] {
  const texts = textOf(readFileSync(file)).split('\0');
  texts.pop();
  return texts;
}
