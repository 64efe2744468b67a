/** Where the running containers of a user are written down: one folder, of that user alone. */
import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Failure } from '../../common/failure.js';
import { errnoWords, errorCode } from '../../common/kernel/kernel-error.js';

const uid = (): number => process.geteuid?.() ?? 0;

/**
 * XDG_RUNTIME_DIR/gontainer, where that is ours (after su(1) or sudo(8) it may be somebody else's); else the usual place
 * of that folder; else a folder in TMPDIR. Every command comes to the same answer.
 */
export function stateFolder(): string {
  const given = process.env.XDG_RUNTIME_DIR;
  const runtime = [...(given && isAbsolute(given) ? [given] : []), `/run/user/${uid()}`];
  const ours = runtime.find((path) => stateOf(path)?.isDirectory() && stateOf(path)?.uid === uid());
  return ours === undefined ? `${tmpdir()}/gontainer-${uid()}` : join(ours, 'gontainer');
}

/**
 * The folder, made if it is missing, and safe to believe.
 * @throws Failure when it cannot be made, or somebody else could write to it
 */
export function madeStateFolder(): string {
  const path = stateFolder();
  if (checkStateFolder(path)) return path;
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') {
      throw new Failure(`the folder for running containers, ${path}, cannot be made: ${errnoWords(error)}`, {
        next: 'Set XDG_RUNTIME_DIR to a folder of your own.',
      });
    }
  }
  checkStateFolder(path);
  return path;
}

/**
 * @returns whether it exists
 * @throws Failure when what stands there must not be believed
 */
export function checkStateFolder(path: string): boolean {
  const found = stateOf(path);
  if (found === undefined) return false;
  const wrong = !found.isDirectory()
    ? 'is not a directory'
    : found.uid !== uid()
      ? `belongs to user ${found.uid}, not to you`
      : (found.mode & 0o022) !== 0
        ? 'may be written by others'
        : undefined;
  if (wrong === undefined) return true;
  throw new Failure(`the folder for running containers, ${path}, ${wrong}`, {
    next: `Look at it (ls -ld ${path}), and remove it or set XDG_RUNTIME_DIR to a folder of your own.`,
  });
}

function stateOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
