/** Removes a folder that an archive filled, whatever modes and names the archive gave to what is in it. */
import { chmod, lstat, readdir, rmdir, unlink } from 'node:fs/promises';
import { errorCode } from '../../common/kernel/kernel-error.js';

/**
 * Removes `directory` and all it holds; symbolic links are removed, never followed. It is not an error if there is nothing.
 * @throws the error of what cannot be removed although its folder was made writable
 */
export async function removeTree(directory: string): Promise<void> {
  const path = Buffer.from(directory);
  const found = await lstat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  try {
    await remove(path, found.isDirectory());
  } catch (error) {
    if (process.geteuid?.() === 0 || !['EACCES', 'EPERM'].includes(errorCode(error) ?? '')) throw error;
    // It may belong to users of a container.
    const { removeMapped } = await import('./own-users.js');
    await removeMapped(directory).catch(() => {
      throw error;
    });
  }
}

async function remove(path: Buffer, isDirectory: boolean): Promise<void> {
  if (!isDirectory) return unlink(path);
  // unlink(2) needs write and search permission on the folder: give it to ourselves.
  if (process.geteuid?.() !== 0) await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true, encoding: 'buffer' })) {
    await remove(Buffer.concat([path, Buffer.from('/'), entry.name]), entry.isDirectory());
  }
  await rmdir(path);
}
