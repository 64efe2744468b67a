/** Finding a program the way execvp(3) and the container's root do it. */
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { linkText, pathOf } from './byte-text.js';
import { exitStatus, Failure } from './failure.js';
import { KernelError } from './kernel/kernel-error.js';
import { namesOf, walkDown } from './path-walk.js';

/**
 * Where an absolute path of the container leads, as a path of the host: absolute links start again at the root, and `..`
 * does not leave it. The last part need not exist.
 * @param root the container's root, as a path of the host
 * @throws Failure where it leads through too many symbolic links
 */
export function resolveBeneath(root: string, path: string): string {
  const base = root.replace(/\/+$/, '');
  const place = walkDown(namesOf(path), (names) => linkAt(`${base}/${names.join('/')}`) ?? 'here');
  if (place === 'loop' || place === 'nothing')
    throw new Failure(`${path} in ${root} is a loop of symbolic links`);
  return [base, ...place].join('/') || '/';
}

/**
 * The path, inside `root`, of a command: itself when it holds a slash, else the first executable of that name in the
 * folders of `searchPath`.
 * @throws KernelError, as execve(2) would fail, with status 127 when there is none, 126 when it cannot be executed
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
  if (command === '') {
    const next = 'Name one, or leave out -- for a shell.';
    throw notFound(command, 'an empty word is not a command', next);
  }
  let found: string | undefined;
  for (const candidate of candidates) {
    const onHost = root === '/' ? candidate : resolveBeneath(root, candidate);
    const file = statOf(onHost);
    if (file === undefined) continue;
    found ??= candidate;
    if (file.isFile() && executable(onHost)) return candidate;
  }
  if (found !== undefined) {
    throw new KernelError(execution(found, 'EACCES'), {
      message: `${found}${where} is not executable`,
      status: exitStatus.notExecutable,
      next: `Check what it is: ls -ld ${join(root, found)}`,
    });
  }
  throw notFound(
    command,
    `${command}: there is no such command${where || (command.includes('/') ? '' : ' in PATH')}`,
    root === '/'
      ? 'Check the spelling, or give its full path.'
      : 'A root file system with a shell and tools is made by: gontainer rootfs create DIR',
  );
}

/** Nobody tries to execute what is known to fail, but that call is what did not succeed. */
const execution = (pathname: string, errno: string) => ({
  step: 'exec',
  call: 'execve',
  args: { pathname },
  errno,
});

const notFound = (command: string, message: string, next: string): KernelError =>
  new KernelError(execution(command, 'ENOENT'), { message, status: exitStatus.notFound, next });

/** Undefined where there is none, or nobody lets us see it. */
function linkAt(path: string): { link: string } | undefined {
  try {
    return { link: linkText(path) };
  } catch {
    return undefined;
  }
}

/** Undefined where there is no such file, or nobody lets us see it: execvp(3) goes on to the next folder then. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(pathOf(path), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Executable by anybody counts: who may execute it inside depends on the maps. */
function executable(path: string): boolean {
  try {
    accessSync(pathOf(path), constants.X_OK);
    return true;
  } catch {
    return ((statOf(path)?.mode ?? 0) & 0o111) !== 0;
  }
}
