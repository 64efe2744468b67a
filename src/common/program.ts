/** Finding a program the way execvp(3) and the container's root do it. */
import { accessSync, constants, lstatSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { exitStatus, Failure } from './failure.js';

/** path_resolution(7): more symbolic links than this in a row are an error (ELOOP). */
const mostLinks = 40;

/**
 * Where an absolute path inside a root leads, as a path outside: symbolic links start again at the root, and `..`
 * does not leave it. The last part need not exist.
 */
export function resolveBeneath(root: string, path: string): string {
  const base = root.replace(/\/+$/, '');
  let links = 0;
  let done = '';
  const rest = normalize(path).split('/').filter(Boolean);
  while (rest.length > 0) {
    const part = rest.shift() as string;
    const next = `${done}/${part}`;
    if (!isSymbolicLink(`${base}${next}`)) {
      done = next;
      continue;
    }
    links += 1;
    if (links > mostLinks) throw new Failure(`${path} in ${root} is a loop of symbolic links`);
    rest.unshift(
      ...resolve(dirname(next), readlinkSync(`${base}${next}`))
        .split('/')
        .filter(Boolean),
    );
    done = '';
  }
  return `${base}${done}` || '/';
}

/**
 * The path, inside `root`, of a command: itself when it holds a slash, else the first executable of that name in the
 * folders of `searchPath`.
 * @throws Failure with status 127 when there is none, 126 when it cannot be executed
 */
export function locateProgram(
  command: string,
  searchPath: string,
  root = '/',
  workingDirectory = '/',
): string {
  const candidates = command.includes('/')
    ? [resolve(workingDirectory, command)]
    : searchPath.split(':').map((folder) => join(resolve(workingDirectory, folder || '.'), command));
  const where = root === '/' ? '' : ` in ${root}`;
  let found: string | undefined;
  for (const candidate of candidates) {
    const outside = root === '/' ? candidate : resolveBeneath(root, candidate);
    const file = statOf(outside);
    if (file === undefined) continue;
    found ??= candidate;
    if (file.isFile() && executable(outside)) return candidate;
  }
  if (found !== undefined) {
    throw new Failure(`${found}${where} is not executable`, {
      status: exitStatus.notExecutable,
      next: `Check what it is: ls -ld ${join(root, found)}`,
    });
  }
  throw new Failure(
    `${command}: there is no such command${where || (command.includes('/') ? '' : ' in PATH')}`,
    {
      status: exitStatus.notFound,
      next:
        root === '/'
          ? 'Check the spelling, or give its full path.'
          : 'A root file system with a shell and tools is made by: gontainer rootfs create DIR',
    },
  );
}

function isSymbolicLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Undefined where there is no such file, or nobody lets us see it: execvp(3) goes on to the next folder then. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Executable by anybody counts: who may execute it inside depends on the maps. */
function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return ((statOf(path)?.mode ?? 0) & 0o111) !== 0;
  }
}
