/** How much a folder holds. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The bytes of all regular files below `directory`; a file with several names counts for each. */
export async function treeSize(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await lstat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((total, size) => total + size, 0);
}
