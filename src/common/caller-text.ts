/** What the caller passed, byte by byte: Node puts U+FFFD for each byte that is not UTF-8, and the kernel still has it. */
import { readFileSync } from 'node:fs';
import { isByteText, linkText, textOf } from './byte-text.js';

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

/** Words of a command line that Node passes on as they are, each as JSON. @param words may hold bytes that are not UTF-8 */
export const passedOn = (words: readonly string[]): string[] => words.map((word) => JSON.stringify(word));

/** The words that were passed on so. */
export const received = (words: readonly string[]): string[] => words.map((word) => JSON.parse(word));

/** The variable for a launcher that this one starts, with those that Node would pass on with other bytes. */
const passedVariables = 'GONTAINER_BYTES';

/** What the environment of such a launcher has beside this one's. */
export function environmentPassedOn(): Record<string, string> {
  const odd = Object.entries(callerEnvironment()).filter((entry) => {
    const text = entry.join('');
    return isByteText(text) || text.includes(replaced);
  });
  return odd.length === 0
    ? {}
    : { [passedVariables]: JSON.stringify([process.pid, Object.fromEntries(odd)]) };
}

/** The environment. */
export function callerEnvironment(): Record<string, string> {
  const { [passedVariables]: passed, ...others } = process.env;
  const known = Object.entries(others).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const whole = known.filter((entry) => !entry.join('').includes(replaced));
  if (passed !== undefined) return { ...Object.fromEntries(whole), ...variablesOf(passed) };
  if (whole.length === known.length) return Object.fromEntries(known);
  const bytes = textsOf('/proc/self/environ').map((text) => {
    const [, name = '', value = ''] = /^(.[^=]*)=(.*)$/s.exec(text) ?? [];
    return [name, value] as const;
  });
  return Object.fromEntries([
    ...whole,
    ...bytes.filter((entry) => entry[0] !== '' && Buffer.from(entry.join('')).includes(replaced)),
  ]);
}

/** Only of the process that started this one: a stale one is not believed. */
function variablesOf(text: string): Record<string, string> {
  try {
    const [pid, variables] = JSON.parse(text) as [number, Record<string, string>];
    return pid === process.ppid ? variables : {};
  } catch {
    return {};
  }
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
