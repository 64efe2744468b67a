/** Removes a folder that an archive filled, whatever modes the archive gave the folders in it. */
import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../../common/kernel/kernel-error.js';

/**
 * Removes `directory` and all it holds; symbolic links are removed, never followed.
 * @throws the error of rm(1) if something cannot be removed even after its folder was made writable
 */
export async function removeTree(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch (error) {
    if (errorCode(error) !== 'EACCES' && errorCode(error) !== 'EPERM') throw error;
    // unlink(2) needs write and search permission on the folder: give it to ourselves, then try once more.
    await allowRemoval(directory);
    await rm(directory, { recursive: true, force: true });
  }
}

async function allowRemoval(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await allowRemoval(join(directory, entry.name));
  }
}
