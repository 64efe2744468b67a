/**
 * Text that is not ours, made fit to be shown. An image, a registry, a log or a name may hold characters that a terminal
 * obeys (console_codes(4)) or that change the order in which a line reads (Unicode's bidirectional controls). Whatever
 * shows such text, in an error, a table, the log, a lesson or a page, passes it through here, and nowhere else.
 */

/**
 * Control characters (C0, DEL, C1), the bidirectional controls, the separators of lines and paragraphs, and halves of
 * surrogate pairs. Letters that are written from right to left and the joiners of emoji are none of these.
 */
const unfit = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** For one line: `\n`, `\x1b`, `\u202e` are written for what would not be seen as it is. */
export const shownText = (text: string): string =>
  text.replace(unfit, (character) => {
    const code = character.charCodeAt(0);
    const wide = code > 0xff;
    return short[character] ?? `\\${wide ? 'u' : 'x'}${code.toString(16).padStart(wide ? 4 : 2, '0')}`;
  });

/** For text of several lines: its line ends and tabs stay. */
export const shownLines = (text: string): string =>
  text
    .split(/(\n|\t)/)
    .map((part) => (part === '\n' || part === '\t' ? part : shownText(part)))
    .join('');

/** JSON as it may be shown: what JSON.stringify() leaves as it is in a text is written `\u009b`. It is the same data. */
export const shownJson = (json: string): string =>
  json.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** The same value with every text in it made fit for one line. */
export function shownValue(value: unknown): unknown {
  if (typeof value === 'string') return shownText(value);
  if (Array.isArray(value)) return value.map(shownValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [shownText(name), shownValue(inner)]),
  );
}
