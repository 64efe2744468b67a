import { readFileSync } from 'node:fs';
import { usageFailure } from '../../common/failure.js';
import { errnoWords } from '../../common/kernel/kernel-error.js';

/**
 * The text of a log file.
 * @throws Failure with status 2 when it cannot be read
 */
export function logText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usageFailure(
      `the log ${path} cannot be read: ${errnoWords(error)}`,
      'To write a log: gontainer run --log-file FILE',
    );
  }
}
