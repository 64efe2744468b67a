/**
 * Builds a folder beside the place where it is to be, and moves it there whole: rename(2) is atomic, so whatever
 * goes wrong, the place holds either nothing new or everything.
 */
import { chmod, lstat, mkdtemp, readdir, rename, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { callerDirectory } from '../../common/caller-text.js';
import { Failure, statusOfSignal, usageFailure } from '../../common/failure.js';
import { errnoWords, errorCode } from '../../common/kernel/kernel-error.js';
import { removeTree } from './remove-tree.js';
import { removeUnfinished, unfinishedPrefix } from './unfinished.js';

/** What a build gets: where to build, and the signal that tells it to stop because the user pressed Ctrl-C. */
export interface Staging {
  /** An empty folder beside the target that only this user may enter. */
  readonly directory: string;
  /** Makes one more such folder, which is removed at the end whatever happens. */
  scratch(): Promise<string>;
  /** Aborted on SIGINT, SIGTERM and SIGHUP with the Failure to end with. */
  readonly signal: AbortSignal;
}

/** Signals that ask a program to end, with their numbers: signal(7). */
const endingSignals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Says whether a root file system may be made at `target`: it does not exist, or is an empty folder.
 * @returns the absolute path
 * @throws Failure (status 2) that says why not
 */
async function requireVacant(target: string): Promise<string> {
  const path = resolve(target);
  const found = await lstat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw usageFailure(`Cannot look at ${target}: ${errnoWords(error)}.`, 'Name a folder you may write to.');
  });
  if (found === undefined) {
    const parent = await stat(dirname(path)).catch(() => undefined);
    if (parent?.isDirectory()) return path;
    throw usageFailure(
      `The folder ${dirname(path)}, in which ${basename(path)} is to be made, does not exist.`,
      `Make it first: mkdir -p ${dirname(path)}`,
    );
  }
  if (!found.isDirectory()) {
    throw usageFailure(`${target} exists and is not a folder.`, 'Name a folder that does not exist yet.');
  }
  if (path === callerDirectory()) {
    throw usageFailure(
      `${target} is the folder you stand in, and it would be replaced under your feet.`,
      'Name a folder below it, for example ./root.',
    );
  }
  const names = await readdir(path).catch((error: unknown) => {
    throw usageFailure(
      `Cannot list ${target}: ${errnoWords(error)}.`,
      'Name a folder that does not exist yet.',
    );
  });
  if (names.length > 0) {
    throw usageFailure(
      `The folder ${target} is not empty (it holds ${names[0]}).`,
      'Name a folder that does not exist yet, or empty this one first.',
    );
  }
  return path;
}

/**
 * Runs `build` in a temporary folder beside `target`, then renames that folder to `target`. On any error, and on
 * SIGINT, SIGTERM and SIGHUP, the temporary folder is removed and `target` is as it was.
 * @param target where the folder is to be; it must not exist, or must be empty
 * @param build fills the folder; its result is handed back
 * @throws Failure when the target is taken, cannot be written, or the work was interrupted (status 128 + signal);
 * whatever `build` throws
 */
export async function buildBeside<Result>(
  target: string,
  build: (staging: Staging) => Promise<Result>,
): Promise<Result> {
  const path = await requireVacant(target);
  await removeUnfinished(dirname(path));
  const prefix = unfinishedPrefix(path);
  const made: string[] = [];
  const scratch = async (): Promise<string> => {
    const directory = await mkdtemp(prefix).catch((error: unknown) => {
      throw new Failure(`Cannot make a folder in ${dirname(path)}: ${errnoWords(error)}.`, {
        next: 'Name a place where you may make folders.',
        cause: error,
      });
    });
    made.push(directory);
    return directory;
  };

  const interruption = new AbortController();
  const interrupt = (name: NodeJS.Signals): void => {
    const number = endingSignals[name as keyof typeof endingSignals];
    interruption.abort(
      new Failure(`Interrupted by ${name}: nothing was left behind at ${target}.`, {
        status: statusOfSignal(number),
        next: 'Run the command again to start over.',
      }),
    );
  };
  for (const name of Object.keys(endingSignals)) process.on(name, interrupt);
  try {
    const directory = await scratch();
    const result = await build({ directory, scratch, signal: interruption.signal });
    interruption.signal.throwIfAborted();
    await moveIntoPlace(directory, path);
    made.shift();
    return result;
  } catch (error) {
    // What a stopped stream throws is only a consequence: tell the cause.
    interruption.signal.throwIfAborted();
    throw error;
  } finally {
    for (const directory of made) await removeTree(directory);
    for (const name of Object.keys(endingSignals)) process.off(name, interrupt);
  }
}

async function moveIntoPlace(directory: string, path: string): Promise<void> {
  // rename(2): "If newpath exists ... it must be an empty directory".
  await rename(directory, path).catch((error: unknown) => {
    throw new Failure(`Cannot move the finished folder to ${path}: ${errnoWords(error)}.`, {
      next: 'Name a folder that does not exist yet and is not a mount point.',
      cause: error,
    });
  });
}

/** Gives the top folder its final mode; until then mkdtemp(3)'s 0700 keeps everyone else out. */
export const openToAll = (directory: string, mode = 0o755): Promise<void> => chmod(directory, mode);
