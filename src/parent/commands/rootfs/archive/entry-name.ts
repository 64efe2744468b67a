/** Names as they stand in an archive, which may have been written to deceive. */
import { Failure } from '../../../../common/failure.js';

/** NAME_MAX and PATH_MAX of limits.h: bytes of one name, and of a path with its ending zero. */
const longestName = 255;
export const longestPath = 4095;

/** A name for an error's sentence: quoted, with control characters escaped, and not longer than a line. */
export function shown(name: string): string {
  const quoted = JSON.stringify(name).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
  return quoted.length > 120 ? `${quoted.slice(0, 80)}…"` : quoted;
}

/** The archive holds something that must not be unpacked; nothing of it is kept. */
export const refusal = (name: string, reason: string): Failure =>
  new Failure(`The archive's entry ${shown(name)} ${reason}.`, {
    next: 'Nothing was unpacked. Do not trust this archive, or ask whoever made it.',
  });

/**
 * Splits the path of an entry into names. A leading `/` means the root of the archive, as it does to tar(1).
 * @returns no names for the root itself
 * @throws Failure for `..`, control characters, what is not UTF-8, and what is too long
 */
export function splitName(name: string): string[] {
  requireText(name, name, 'a name');
  const names = name.split('/').filter((part) => part !== '' && part !== '.');
  if (names.includes('..')) throw refusal(name, 'climbs out of its folder with ".."');
  if (names.some((part) => Buffer.byteLength(part) > longestName)) {
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
  requireText(entry, target, 'a link target');
}

function requireText(entry: string, text: string, what: string): void {
  // Control characters would write to the terminal of whoever lists the folder.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(text)) throw refusal(entry, `has ${what} with control characters`);
  // Decoding puts U+FFFD where the bytes are no UTF-8: two names could become one.
  if (text.includes('\ufffd')) throw refusal(entry, `has ${what} that is not UTF-8`);
  if (Buffer.byteLength(text) > longestPath)
    throw refusal(entry, `has ${what} of more than ${longestPath} bytes`);
}
