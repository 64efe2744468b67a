/** From a log to the file with the page. */
import { writeFileSync } from 'node:fs';
import { Failure } from '../../common/failure.js';
import { errnoWords } from '../../common/kernel/kernel-error.js';
import { logText } from '../recorded/log-text.js';
import { readLog } from '../recorded/read-log.js';
import { page } from './report-page.js';

/**
 * Makes the report of a log file.
 * @throws Failure with status 2 when the log cannot be read or is not a log, 125 when the page cannot be written
 */
export function reportOnLog(log: string, output: string): void {
  const written = reportOn(logText(log), log);
  try {
    writeFileSync(output, written);
  } catch (error) {
    throw new Failure(`the report cannot be written to ${output}: ${errnoWords(error)}`, {
      next: 'Name a file that you can write: --output FILE',
      cause: error,
    });
  }
}

/**
 * The page for the text of a log.
 * @param name what the log is called in messages
 * @throws Failure with status 2 when it is not a log
 */
export const reportOn = (text: string, name: string): string => page(readLog(text, name));
