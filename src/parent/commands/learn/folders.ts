/** Folds the paths that a command used into few folders. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathOf, realPath } from '../../../common/byte-text.js';

/** More binds than this nobody reads. */
const mostFolders = 8;

/** Folders of files that nobody keeps: in the container they are empty, and new. */
const scratchFolders = ['/tmp', '/var/tmp'] as const;

/** What the launch sets up itself. */
const ownFolders = ['/dev', '/proc', '/sys'];

export const isBelow = (path: string, folder: string): boolean =>
  folder === '/' || path === folder || path.startsWith(`${folder}/`);

const isScratch = (path: string, working: string): boolean =>
  scratchFolders.some((folder) => isBelow(path, folder) && !isBelow(working, folder));

/** Folders that hold what was written, and scratch folders that were written to. */
export interface Written {
  readonly folders: readonly string[];
  readonly scratch: readonly string[];
}

/**
 * @param working the working directory, which stands for all below it
 * @param home the home directory: what lies in it counts by its first name
 */
export function writtenFolders(paths: Iterable<string>, working: string, home: string): Written {
  const kept = [...paths].filter((path) => !ownFolders.some((folder) => isBelow(path, folder)));
  const scratch = scratchFolders.filter((folder) =>
    kept.some((path) => isBelow(path, folder) && isScratch(path, working)),
  );
  const folders = kept
    .filter((path) => !isScratch(path, working))
    .flatMap((path) => folderOf(path, working, home) ?? []);
  return { folders: outermost(folders), scratch };
}

/** The folder that a path was written in, as it is now; undefined where this user may not write there. */
function folderOf(path: string, working: string, home: string): string | undefined {
  if (isBelow(path, working)) return writable(working);
  const [name] = isBelow(path, home) && path !== home ? path.slice(home.length + 1).split('/') : [];
  if (name !== undefined && isFolder(`${home}/${name}`)) return writable(`${home}/${name}`);
  let folder = dirname(path);
  while (!isFolder(folder) && folder !== '/') folder = dirname(folder);
  return folder === '/' ? undefined : writable(folder);
}

function writable(folder: string): string | undefined {
  try {
    accessSync(pathOf(folder), constants.W_OK);
    return realPath(folder);
  } catch {
    return undefined; // It was refused then, too.
  }
}

export const isFile = (path: string): boolean => {
  try {
    return statSync(pathOf(path)).isFile();
  } catch {
    return false;
  }
};

export const isFolder = (path: string): boolean => {
  try {
    return statSync(pathOf(path)).isDirectory();
  } catch {
    return false;
  }
};

/** Without those that lie in others; where they are many, the deepest are replaced by what they lie in. */
function outermost(all: readonly string[]): string[] {
  const unique = [...new Set(all)];
  const found = unique.filter(
    (folder) => !unique.some((other) => other !== folder && isBelow(folder, other)),
  );
  if (found.length <= mostFolders) return found.sort();
  const depth = (path: string): number => path.split('/').length;
  const deepest = found.reduce((one, other) => (depth(other) > depth(one) ? other : one));
  if (depth(deepest) <= 2) return found.sort();
  return outermost(found.map((folder) => (folder === deepest ? dirname(folder) : folder)));
}

/** For people: `/usr/lib`, `/etc`; the first two names of each path. */
export function shortFolders(paths: Iterable<string>): string[] {
  const heads = [...paths]
    .map((path) => (isFolder(path) ? path : dirname(path)).split('/').slice(0, 3).join('/') || '/')
    .filter((path) => !ownFolders.some((folder) => isBelow(path, folder)));
  return outermost(heads);
}
