import { unlinkSync } from 'node:fs';
import { errorCode } from '../../common/kernel/kernel-error.js';

/** Removes a file that may be gone already. rmSync() does the same, for which Node first loads a module of its own. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
