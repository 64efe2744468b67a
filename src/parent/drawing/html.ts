/** Writing HTML and SVG: whatever is put into a template is escaped, unless it is HTML made by a template itself. */
import { shownLines } from '../../common/shown-text.js';

export class Html {
  constructor(readonly text: string) {}
}

export type Content = Html | string | number | false | undefined | readonly Content[];

/** `html\`<b>${name}</b>\``: the name is text, whatever it holds. Absent and false values leave nothing. */
export const html = (parts: TemplateStringsArray, ...values: Content[]): Html =>
  new Html(parts.map((part, index) => part + written(values[index])).join(''));

function written(value: Content): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(written).join('');
  return escaped(String(value));
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for an element or a quoted attribute. */
const escaped = (text: string): string =>
  shownLines(text).replace(/[&<>"']/g, (character) => escapes[character] as string);
