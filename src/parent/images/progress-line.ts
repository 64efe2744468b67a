/** One line on a terminal that says how far the work is; nothing at all where stderr is no terminal. */

import { readableSize } from '../../common/readable-size.js';
import { shownText } from '../../common/shown-text.js';

/** Milliseconds between two updates: fast enough to look alive, slow enough to cost nothing. */
const interval = 100;

export class Progress {
  private readonly output: NodeJS.WriteStream;
  private what = '';
  private done = 0;
  private total: number | undefined;
  private shownAt = 0;

  constructor(output: NodeJS.WriteStream = process.stderr) {
    this.output = output;
  }

  /** Starts on the next thing. @param total bytes, if known */
  begin(what: string, total?: number): void {
    this.what = what;
    this.done = 0;
    this.total = total;
    this.shownAt = 0;
    this.show(() => what);
  }

  /** Passes bytes on and counts them. */
  async *count(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.done += chunk.length;
      this.show(() => {
        const of = this.total === undefined ? '' : ` of ${readableSize(this.total)}`;
        return `${this.what}: ${readableSize(this.done)}${of}`;
      });
      yield chunk;
    }
  }

  /** Puts a text in the place of the line, unless the last one has only just been. */
  show(text: () => string): void {
    const now = Date.now();
    if (!this.output.isTTY || now - this.shownAt < interval) return;
    this.shownAt = now;
    // A line that goes on in the next one could not be wiped: one column stays free, as the cursor stands there.
    const line = [...shownText(text())].slice(0, Math.max((this.output.columns || 80) - 1, 1)).join('');
    // ECMA-48: carriage return, then "erase in line".
    this.output.write(`\r\x1b[K${line}`);
  }

  /** Wipes the line, so that what follows stands alone. */
  end(): void {
    if (this.output.isTTY) this.output.write('\r\x1b[K');
  }
}
