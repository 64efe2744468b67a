/** A root file system from the host's own shell and commands, with the shared libraries they need. */
import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, existsSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, usageFailure } from '../../../../common/failure.js';
import { copyWithLinks } from './copy-with-links.js';
import { libraryCacheFile } from './library-cache.js';
import { sharedLibraries } from './shared-libraries.js';

/** What is copied if the host has it. Without sh there is nothing to start. */
const commands = [
  ...['sh', 'bash', 'ls', 'cat', 'echo', 'printf', 'pwd', 'true', 'false', 'test', 'env', 'clear', 'date'],
  ...['grep', 'sed', 'awk', 'head', 'tail', 'wc', 'sort', 'uniq', 'cut', 'tr', 'tee', 'xargs', 'find', 'seq'],
  ...['ln', 'cp', 'mv', 'rm', 'mkdir', 'rmdir', 'mknod', 'chmod', 'chown', 'touch', 'stat', 'readlink', 'dd'],
  ...['id', 'whoami', 'su', 'hostname', 'uname', 'tty', 'stty', 'vi', 'less', 'more', 'which', 'nproc'],
  ...['ps', 'top', 'pgrep', 'pkill', 'kill', 'sleep', 'timeout', 'uptime', 'free', 'nice'],
  ...[
    'mount',
    'umount',
    'findmnt',
    'mountpoint',
    'df',
    'du',
    'chroot',
    'unshare',
    'nsenter',
    'lsns',
    'setpriv',
  ],
  ...['ip', 'ifconfig', 'ping', 'ss', 'capsh', 'getpcaps', 'ipcs', 'ipcmk', 'ipcrm', 'tar', 'gzip', 'md5sum'],
];

/** Where commands are, in the order of a login shell's PATH. */
const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Descriptions of terminals, for vi, less, top and clear: terminfo(5), section "Fetching compiled descriptions". */
const terminfoFolders = ['/lib/terminfo', '/usr/share/terminfo', '/etc/terminfo'];
const terminals = ['linux', 'vt100', 'xterm', 'xterm-256color', 'screen', 'screen-256color', 'tmux-256color'];

/**
 * Copies them into `directory`, each to the path it has on the host, so that the loader finds the same files there.
 * @returns how many commands there are
 * @throws Failure when the host has no sh or misses a library
 */
export async function installHostCommands(directory: string): Promise<number> {
  const programs = (await Promise.all(commands.map(findCommand))).filter((path) => path !== undefined);
  if (!programs.some((path) => path.endsWith('/sh'))) {
    throw new Failure('The host has no sh in any of the usual folders.', {
      next: 'Install a static busybox and try gontainer rootfs create --from busybox.',
    });
  }
  await installPrograms(programs, directory);
  for (const path of terminalFiles()) {
    if (await readable(path)) copyWithLinks(path, directory);
  }
  // The launcher starts /bin/sh: where sh lives elsewhere, lead there.
  copyWithLinks('/bin/sh', directory);
  return programs.length;
}

/**
 * Copies further programs of the host, with what they need.
 * @param names of commands, or absolute paths
 * @returns how many there are
 * @throws Failure (status 2) when the host does not have one; Failure when it misses a library
 */
export async function addPrograms(names: readonly string[], directory: string): Promise<number> {
  const paths = await Promise.all(names.map(async (name) => ({ name, path: await findCommand(name) })));
  const programs: string[] = [];
  for (const { name, path } of paths) {
    if (path === undefined) {
      throw usageFailure(
        `The host has no program ${name} that may be read.`,
        'Look at the spelling, or install it.',
      );
    }
    programs.push(path, ...interpreterOf(path));
  }
  await installPrograms(programs, directory);
  for (const folder of programs.flatMap((path) => modulesOf(realpathSync(path))))
    copyFolder(folder, directory);
  return names.length;
}

async function installPrograms(programs: readonly string[], directory: string): Promise<void> {
  const { found, missing } = sharedLibraries(programs);
  if (missing.size > 0) {
    throw new Failure(`The host's commands need ${[...missing].join(', ')}, found nowhere.`, {
      next: 'Run ldconfig as root, or install a static busybox and use --from busybox.',
    });
  }
  for (const path of [...programs, ...found]) copyWithLinks(path, directory);
  if (await readable(libraryCacheFile)) copyWithLinks(libraryCacheFile, directory);
}

/** The program of a script's first line: execve(2), "Interpreter scripts". */
function interpreterOf(path: string): string[] {
  const start = Buffer.alloc(256);
  const file = openSync(path, 'r');
  try {
    readSync(file, start, 0, start.length, 0);
  } finally {
    closeSync(file);
  }
  const [, interpreter] = /^#![ \t]*(\/[^\s\0]+)/.exec(start.toString('latin1')) ?? [];
  return interpreter === undefined ? [] : [interpreter];
}

/** What a language needs beside its program: its standard library, where distributions put it. */
function modulesOf(path: string): string[] {
  const [, python] = /\/python(3\.\d+)$/.exec(path) ?? [];
  if (python !== undefined) return [`/usr/lib/python${python}`];
  if (!/\/perl[\d.]*$/.test(path)) return [];
  // perl says itself where it looks.
  const listed =
    spawnSync(path, ['-e', 'print join "\\n", @INC'], { encoding: 'utf8', env: {} }).stdout ?? '';
  return listed.split('\n').filter((folder) => /^\/usr\/(lib|share)\//.test(folder));
}

/** A folder and all in it that may be read, with the libraries of its modules. */
function copyFolder(folder: string, directory: string): void {
  if (!existsSync(folder)) return;
  const files: string[] = [];
  const visit = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const below = join(path, entry.name);
      if (entry.isDirectory()) visit(below);
      else if (existsSync(below)) files.push(below);
    }
  };
  visit(folder);
  for (const file of files) {
    if (isReadable(file)) copyWithLinks(file, directory);
  }
  const modules = files.filter((file) => file.endsWith('.so') && isReadable(file));
  for (const library of sharedLibraries(modules).found) copyWithLinks(library, directory);
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

async function findCommand(name: string): Promise<string | undefined> {
  const paths = name.startsWith('/') ? [name] : folders.map((folder) => join(folder, name));
  for (const path of paths) {
    if (await readable(path, constants.R_OK | constants.X_OK)) return path;
  }
  return undefined;
}

const terminalFiles = (): string[] =>
  terminfoFolders.flatMap((folder) => terminals.map((name) => join(folder, name.charAt(0), name)));

const readable = (path: string, mode = constants.R_OK): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );
