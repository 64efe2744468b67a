/** The report that `gontainer run --report FILE` leaves: drawn when the launch is over, from the records of its log. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { Failure } from '../../../common/failure.js';
import { errnoWords } from '../../../common/kernel/kernel-error.js';
import { inform } from '../../../common/print.js';
import { shownText } from '../../../common/shown-text.js';

export class RunReport {
  /** The records of the log, one line each. */
  readonly lines: string[] = [];
  private readonly file: number;

  /**
   * Opens the file, so that a launch is not begun whose report could not be written.
   * @param quiet whether only errors are said
   * @throws Failure (status 125)
   */
  constructor(
    private readonly path: string,
    private readonly quiet: boolean,
  ) {
    try {
      this.file = openSync(path, 'w');
    } catch (error) {
      throw new Failure(`the report cannot be written to ${path}: ${errnoWords(error)}`, {
        next: 'Nothing was started. Name a file in a directory that is yours: --report FILE',
        cause: error,
      });
    }
  }

  /**
   * Draws and writes it, and says where it is. When that fails now, it is said, and the exit status stays that of the
   * command.
   */
  async write(): Promise<void> {
    try {
      const { reportOn } = await import('../../drawing/write-report.js');
      writeFileSync(this.file, reportOn(this.lines.join(''), 'the log of this launch'));
      if (!this.quiet) inform(`gontainer: the report of this launch is ${shownText(this.path)}\n`);
    } catch (error) {
      inform(`gontainer: the report ${shownText(this.path)} is not complete: ${errnoWords(error)}.\n`);
    } finally {
      closeSync(this.file);
    }
  }
}
