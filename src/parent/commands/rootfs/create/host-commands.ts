/** A root file system from the host's own shell and commands, with the shared libraries they need. */
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../../common/failure.js';
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
  const { found, missing } = sharedLibraries(programs);
  if (missing.size > 0) {
    throw new Failure(`The host's commands need ${[...missing].join(', ')}, found nowhere.`, {
      next: 'Run ldconfig as root, or install a static busybox and use --from busybox.',
    });
  }
  for (const path of [...programs, ...found]) copyWithLinks(path, directory);
  for (const path of [libraryCacheFile, ...terminalFiles()]) {
    if (await readable(path)) copyWithLinks(path, directory);
  }
  // The launcher starts /bin/sh: where sh lives elsewhere, lead there.
  copyWithLinks('/bin/sh', directory);
  return programs.length;
}

async function findCommand(name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
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
