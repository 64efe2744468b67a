/**
 * Text that keeps bytes. Linux takes any bytes but NUL in arguments, variables and paths, and most of them are UTF-8. A
 * byte that is not is kept as the lone surrogate U+DC00 + byte, as PEP 383 does it: such text goes through JSON, is
 * compared and searched as any other, and leaves as the bytes that it came from.
 */
import { isUtf8 } from 'node:buffer';
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';

const base = 0xdc00;
const lone = /[\udc80-\udcff]/u;

/** Bytes as text. */
export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find(
      (count) => at + count <= bytes.length && isUtf8(bytes.subarray(at, at + count)),
    );
    text +=
      length === undefined
        ? String.fromCharCode(base + (bytes[at] ?? 0))
        : bytes.toString('utf8', at, at + length);
    at += length ?? 1;
  }
  return text;
}

/** The text of a file that can be read again. Node decodes UTF-8 while it reads; only of other files are the bytes looked at. */
export function textOfFile(path: string): string {
  const text = readFileSync(path, 'utf8');
  return text.includes('\ufffd') ? textOf(readFileSync(path)) : text;
}

/** The bytes that a text came from. */
export function bytesOf(text: string): Buffer {
  if (!lone.test(text)) return Buffer.from(text);
  return Buffer.concat(
    [...text].map((character) => {
      const byte = character.charCodeAt(0) - base;
      return character.length === 1 && byte >= 0x80 && byte <= 0xff
        ? Buffer.of(byte)
        : Buffer.from(character);
    }),
  );
}

/** A path as node:fs takes it: it would write another byte sequence for what is not UTF-8. */
export const pathOf = (text: string): string | Buffer => (lone.test(text) ? bytesOf(text) : text);

/** realpath(3), byte by byte. */
export const realPath = (path: string): string =>
  textOf(realpathSync.native(pathOf(path), { encoding: 'buffer' }));

/** readlink(2), byte by byte. */
export const linkText = (path: string): string => textOf(readlinkSync(pathOf(path), { encoding: 'buffer' }));
