/** Names as they stand in an archive, which may have been written to deceive. Each character is one byte. */
import { Failure } from '../../../common/failure.js';
import { shownText } from '../../../common/shown-text.js';

/** NAME_MAX and PATH_MAX of limits.h: bytes of one name, and of a path with its ending zero. */
export const longestName = 255;
export const longestPath = 4095;

/**
 * A name for an error's sentence: quoted, and not longer than a line. Control characters, and bytes that are not UTF-8,
 * are escaped.
 */
export function shown(name: string): string {
  const quoted = `"${printable(name)}"`;
  return quoted.length > 120 ? `${quoted.slice(0, 80)}…"` : quoted;
}

function printable(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes)) return shownText(text.replace(/[\\"]/g, '\\$&'));
  const escaped = (byte: string): string => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return name.replace(/[^ -~]/g, escaped);
}

/** The archive holds something that cannot be unpacked, or must not be; nothing of it is kept. */
export const refusal = (name: string, reason: string): Failure =>
  new Failure(`The archive's entry ${shown(name)} ${reason}.`, {
    next: 'Nothing was unpacked. Look at it with tar -tvf, or ask whoever made it.',
  });

/**
 * Splits the path of an entry into names. A leading `/` means the root of the archive, as it does to tar(1).
 * @returns no names for the root itself
 * @throws Failure for `..`, a zero byte, and what is too long
 */
export function splitName(name: string): string[] {
  requireBytes(name, name, 'a name');
  const names = name.split('/').filter((part) => part !== '' && part !== '.');
  if (names.includes('..')) throw refusal(name, 'climbs out of its folder with ".."');
  if (names.some((part) => part.length > longestName)) {
    throw refusal(name, `has a name of more than ${longestName} bytes`);
  }
  return names;
}

/**
 * Checks the target of a symbolic link. It may say anything, since it is never followed outside the root, but must
 * be something that symlink(2) takes.
 */
export function requireTarget(entry: string, target: string): void {
  if (target === '') throw refusal(entry, 'is a link to nowhere');
  requireBytes(entry, target, 'a link target');
}

function requireBytes(entry: string, bytes: string, what: string): void {
  if (bytes.includes('\0')) throw refusal(entry, `has ${what} with a zero byte in it`);
  if (bytes.length > longestPath) throw refusal(entry, `has ${what} of more than ${longestPath} bytes`);
}
