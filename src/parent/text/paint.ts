/** Colour for people: only where somebody looks, and never the only carrier of a meaning. */
import { styleText } from 'node:util';

/** Colours a text, or leaves it as it is. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Whether a stream may be coloured: a terminal, and the reader has not asked for none (https://no-color.org). */
export const coloured = (stream: { readonly isTTY?: boolean }): boolean =>
  stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

/** A painter that paints only if `colour` is true. */
export const painter =
  (colour: boolean): Paint =>
  (format, text) =>
    colour ? styleText(format, text, { validateStream: false }) : text;
