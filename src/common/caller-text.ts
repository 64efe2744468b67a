/** What the caller passed, byte by byte: Node puts U+FFFD for each byte that is not UTF-8, and the kernel still has it. */
import { readFileSync } from 'node:fs';
import { bytesOf, linkText, textOf } from './byte-text.js';

const replaced = '\ufffd';

/** The words of the command line after the program's own name. */
export function callerWords(): string[] {
  const words = process.argv.slice(2);
  if (!words.some((word) => word.includes(replaced))) return words;
  try {
    return textsIn(textOf(readFileSync('/proc/self/cmdline'))).slice(-words.length);
  } catch {
    return words; // Another system, or /proc is not mounted.
  }
}

/** Words of a command line that Node passes on as they are, each as JSON. @param words may hold bytes that are not UTF-8 */
export const passedOn = (words: readonly string[]): string[] => words.map((word) => JSON.stringify(word));

/** The words that were passed on so. */
export const received = (words: readonly string[]): string[] => words.map((word) => JSON.parse(word));

/**
 * The variable with a whole environment: the process that it is for or started by, and environ(7) in Base64. src/stub.sh
 * writes it too: a shell leaves out variables whose names it could not use, such as the exported functions of bash
 * (BASH_FUNC_f%%), and sets PWD.
 */
const wholeEnvironment = 'GONTAINER_ENVIRON';
/** Of what is longer the kernel takes no variable (MAX_ARG_STRLEN, execve(2)). */
const longest = 128 * 1024 - 64;

/** What the environment of a launcher that this one starts has beside this one's, so that Node loses nothing of it. */
export function environmentPassedOn(): Record<string, string> {
  const entries = Object.entries(callerEnvironment()).map(([name, value]) => bytesOf(`${name}=${value}\0`));
  const text = `${process.pid} ${Buffer.concat(entries).toString('base64')}`;
  return text.length > longest ? {} : { [wholeEnvironment]: text };
}

/** The environment. */
export function callerEnvironment(): Record<string, string> {
  const { [wholeEnvironment]: text = '', ...others } = process.env;
  const [pid, base64 = ''] = text.split(' ');
  // A stale one is about another process.
  if (base64 !== '' && [process.pid, process.ppid].includes(Number(pid)))
    return variablesIn(textOf(Buffer.from(base64, 'base64')));
  const known = Object.entries(others).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const whole = known.filter((entry) => !entry.join('').includes(replaced));
  if (whole.length === known.length) return Object.fromEntries(known);
  const odd = Object.entries(variablesIn(textOf(readFileSync('/proc/self/environ'))));
  return Object.fromEntries([
    ...whole,
    ...odd.filter((entry) => Buffer.from(entry.join('')).includes(replaced)),
  ]);
}

/** environ(7): getenv(3) finds the first of a name. */
function variablesIn(environ: string): Record<string, string> {
  const entries = textsIn(environ).map((text) => /^([^=]*)=(.*)$/s.exec(text)?.slice(1) ?? []);
  return Object.fromEntries(entries.filter(([name]) => name !== undefined).reverse());
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

/** Texts that each end with a zero byte, as in proc_pid_cmdline(5). */
const textsIn = (texts: string): string[] => texts.split('\0').slice(0, -1);
