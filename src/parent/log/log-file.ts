/** A file that gets every record, and has them once they are flushed, even if this process is killed in the next moment. */
import { closeSync, writeSync } from 'node:fs';
import { Failure } from '../../common/failure.js';
import { errnoWords } from '../../common/kernel/kernel-error.js';

export class LogFile {
  private works = true;
  private gathered = '';

  /** @param use whether a launch goes on without this file when it cannot be written any more */
  constructor(
    private readonly descriptor: number,
    private readonly use: 'needed' | 'expendable' = 'needed',
  ) {}

  write(line: string): void {
    if (this.works) this.gathered += line;
  }

  /** @throws Failure where a file that is needed cannot be written any more */
  flush(): void {
    if (this.gathered === '') return;
    const bytes = Buffer.from(this.gathered);
    this.gathered = '';
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.descriptor, bytes, done);
    } catch (error) {
      // It is not tried again: the failure itself goes to standard error, and who follows sees a log that was cut off.
      this.works = false;
      if (this.use === 'needed') {
        throw new Failure(`the log file cannot be written: ${errnoWords(error)}`, {
          next: 'A launch without the log that was asked for is given up: choose another --log-file.',
        });
      }
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
