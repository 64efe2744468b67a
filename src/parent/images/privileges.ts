/**
 * Whether set-user-ID and set-group-ID bits and file capabilities are kept. On the host they give the rights of whoever
 * unpacked the file to everybody who can reach it: so they are kept only where nobody else can.
 */
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Tree } from './archive/tree.js';

interface Request {
  /** The folder to make. */
  readonly directory: string;
  readonly keepPrivileges?: boolean;
}

/** Whether a folder above `directory` lets nobody but this user, and root, in. */
async function isSheltered(directory: string): Promise<boolean> {
  const own = process.geteuid?.() ?? 0;
  for (let folder = dirname(resolve(directory)); ; folder = dirname(folder)) {
    const { mode, uid } = await stat(folder);
    if ((mode & 0o011) === 0 && (uid === own || uid === 0)) return true;
    if (folder === '/') return false;
  }
}

export const keepsPrivileges = async ({ directory, keepPrivileges = false }: Request): Promise<boolean> =>
  keepPrivileges || isSheltered(directory);

/** Gives the new root the mode and owner that the archive says, or keeps everybody else outside. */
export async function finishRoot(tree: Tree, request: Request): Promise<void> {
  tree.finish(request.keepPrivileges === true && !(await isSheltered(request.directory)));
}
