/** A log while it is written: its records as they come. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LineSplitter } from '../../../common/line-splitter.js';
import type { Fields } from '../../recorded/fields.js';
import { parsed } from '../../recorded/read-log.js';

/** A launch writes some hundred kilobytes. What is longer is not the log of one, and is not read further. */
const longest = 8 * 1024 * 1024;

export class LogTail {
  /** Those of the lines that are complete. */
  records: Fields[] = [];
  /** Lines that hold no JSON object. */
  damaged = 0;
  private offset = 0;
  private lines = new LineSplitter();

  constructor(readonly path: string) {}

  /** Whether there is more than is read. */
  get tooLong(): boolean {
    return this.offset >= longest;
  }

  /** Whether the file stops within a line. */
  get cut(): boolean {
    return this.lines.cut;
  }

  /**
   * Reads what was written since the last time. A file that has become shorter was emptied, and is read again.
   * @returns whether there was anything
   * @throws an error when it cannot be opened
   */
  read(): boolean {
    const file = openSync(this.path, 'r');
    try {
      const { size } = fstatSync(file);
      const emptied = size < this.offset;
      if (emptied) this.forget();
      const before = this.offset;
      const buffer = Buffer.alloc(Math.min(Math.max(size, this.offset), longest) - this.offset);
      this.take(buffer.subarray(0, readSync(file, buffer, 0, buffer.length, this.offset)));
      return emptied || this.offset > before;
    } finally {
      closeSync(file);
    }
  }

  /** Gives the memory back; the next read() begins at the beginning. */
  forget(): void {
    this.records = [];
    this.lines = new LineSplitter();
    this.offset = 0;
    this.damaged = 0;
  }

  private take(bytes: Buffer): void {
    this.offset += bytes.length;
    for (const line of this.lines.take(bytes)) {
      const record = parsed(line);
      if (record === undefined) this.damaged += 1;
      else this.records.push(record);
    }
  }
}
