/** A path that an option names, and that has to exist. */
import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { pathOf, realPath } from '../../common/byte-text.js';
import { usageFailure } from '../../common/failure.js';
import { errorCode } from '../../common/kernel/kernel-error.js';

const said: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist, or is a symbolic link that leads nowhere',
  ELOOP: 'is a loop of symbolic links',
  ENOTDIR: 'leads through something that is not a directory',
  EACCES: 'may not be read by you',
  ENAMETOOLONG: 'is longer than a path can be',
};

/**
 * As an absolute path without symbolic links.
 * @throws Failure (status 2) where it does not exist
 */
export function existing(option: string, given: string, next?: string): string {
  try {
    return realPath(given);
  } catch (error) {
    if (!isAbsolute(given) && directoryWasRemoved())
      throw usageFailure(
        `${option}=${given} cannot be found: the working directory was removed`,
        'Give an absolute path, or go to a directory that exists.',
      );
    const reason = said[errorCode(error) ?? ''];
    if (reason === undefined) throw error;
    throw usageFailure(`${option}=${given} ${reason}`, next);
  }
}

/** The same for a directory. @throws Failure (status 2) where it does not exist, or may not be read */
export function existingFolder(option: string, given: string, next?: string): string {
  const path = existing(option, given, next);
  if (!statSync(pathOf(path)).isDirectory()) throw usageFailure(`${option}=${given} is not a directory`);
  try {
    accessSync(pathOf(path), constants.R_OK | constants.X_OK);
  } catch {
    throw usageFailure(`${option}=${given} may not be read by you`);
  }
  return path;
}

function directoryWasRemoved(): boolean {
  try {
    process.cwd();
    return false;
  } catch {
    return true;
  }
}
