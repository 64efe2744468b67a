/** The options about the new root and what is mounted in it. Everything that is wrong with them is said here. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { normalize } from 'node:path';
import { pathOf, realPath } from '../../common/byte-text.js';
import { usageFailure } from '../../common/failure.js';
import type { NewRoot, RequestedMount } from '../../common/spec.js';
import type { Values } from '../command-line/subcommand.js';

/** The options that say something about the new root. */
const needRoot = ['chroot', 'bind', 'tmpfs', 'read-only', 'ephemeral', 'overlay', 'user'];

/**
 * The new root that the options ask for; undefined without --mnt.
 * @param ownNetwork whether the container has a network of its own
 * @throws Failure with status 2
 */
export function newRoot({ options }: Values, ownNetwork: boolean): NewRoot | undefined {
  if (options.mnt === undefined) {
    const given = needRoot.find((name) => options[name] !== undefined);
    if (given !== undefined) throw usageFailure(`--${given} needs --mnt=DIR, a new root`, 'Add --mnt=DIR.');
    return undefined;
  }
  const path = rootFolder(String(options.mnt));
  const overlay = overlayOf(options, path);
  const mounts = requestedMounts(options);
  if (overlay !== undefined) {
    const covered = mounts.find((mount) => mount.kind === 'bind' && isWithin(mount.source, path));
    if (covered !== undefined)
      throw usageFailure(
        `--bind ${covered.target}: its source lies in --mnt=${path}, which the overlay covers`,
      );
  }
  const resolver = ownNetwork ? undefined : resolverFile();
  return {
    path,
    method: options.chroot ? 'chroot' : 'pivot_root',
    ...(overlay === undefined ? {} : { overlay }),
    readOnly: options['read-only'] === true,
    mounts,
    ...(resolver === undefined ? {} : { resolver }),
  };
}

/** The new root as an absolute path without symbolic links. */
function rootFolder(given: string): string {
  const path = folder('--mnt', given, `Make a small root file system: gontainer rootfs create ${given}`);
  if (path === '/') throw usageFailure('/ is already the root', 'Leave out --mnt.');
  return path;
}

/** A directory that exists, as an absolute path without symbolic links. */
function folder(option: string, given: string, next?: string): string {
  const path = existing(option, given, next);
  if (!statSync(pathOf(path)).isDirectory()) throw usageFailure(`${option}=${given} is not a directory`);
  try {
    accessSync(pathOf(path), constants.R_OK | constants.X_OK);
  } catch {
    throw usageFailure(`${option}=${given} may not be read by you`);
  }
  return path;
}

function existing(option: string, given: string, next?: string): string {
  try {
    return realPath(given);
  } catch (error) {
    const said = {
      ENOENT: 'does not exist, or is a symbolic link that leads nowhere',
      ELOOP: 'is a loop of symbolic links',
      ENOTDIR: 'leads through something that is not a directory',
      EACCES: 'may not be read by you',
    }[(error as NodeJS.ErrnoException).code ?? ''];
    if (said === undefined) throw error;
    throw usageFailure(`${option}=${given} ${said}`, next);
  }
}

function overlayOf(options: Values['options'], root: string): NewRoot['overlay'] {
  if (options.ephemeral && options.overlay !== undefined)
    throw usageFailure('--ephemeral discards the changes, and --overlay keeps them', 'Choose one.');
  if (options.ephemeral) return { keptIn: null };
  if (options.overlay === undefined) return undefined;
  const given = String(options.overlay);
  const keptIn = folder('--overlay', given, `Make it: mkdir ${given}`);
  if (isWithin(keptIn, root) || isWithin(root, keptIn))
    throw usageFailure(
      `of --overlay=${given} and --mnt=${root} one lies in the other`,
      'Keep the changes elsewhere.',
    );
  return { keptIn };
}

/** --bind and --tmpfs in one list, parents before what lies in them: what is mounted later covers what is there. */
function requestedMounts(options: Values['options']): RequestedMount[] {
  const mounts = [...list(options.bind).map(bindMount), ...list(options.tmpfs).map(tmpfsMount)].sort(
    (a, b) => depth(a.target) - depth(b.target),
  );
  const twice = mounts.find(
    ({ target }, index) => mounts.findIndex((other) => other.target === target) < index,
  );
  if (twice !== undefined) throw usageFailure(`two mounts have the same target, ${twice.target}`);
  return mounts;
}

function bindMount(text: string): RequestedMount {
  const [source, target, access, ...more] = text.split(':');
  if (!source || !target || more.length > 0 || (access !== undefined && access !== 'ro')) {
    throw usageFailure(
      `--bind “${text}” is not of the form SRC:DST or SRC:DST:ro`,
      'For example: --bind=/srv/data:/data:ro',
    );
  }
  const path = existing('--bind', source);
  return {
    kind: 'bind',
    source: path,
    target: targetOf('--bind', text, target),
    directory: statSync(pathOf(path)).isDirectory(),
    readOnly: access === 'ro',
  };
}

function tmpfsMount(text: string): RequestedMount {
  const [target = '', option, ...more] = text.split(':');
  const size = option === undefined ? undefined : /^size=(\d+[kmg%]?)$/i.exec(option)?.[1];
  if (more.length > 0 || (option !== undefined && size === undefined)) {
    throw usageFailure(
      `--tmpfs “${text}” is not of the form DST or DST:size=SIZE`,
      'For example: --tmpfs=/tmp:size=64m',
    );
  }
  return {
    kind: 'tmpfs',
    target: targetOf('--tmpfs', text, target),
    ...(size === undefined ? {} : { size }),
  };
}

/** Where in the new root something is mounted. */
function targetOf(option: string, text: string, given: string): string {
  if (!given.startsWith('/'))
    throw usageFailure(`${option} “${text}”: the target inside, “${given}”, must begin with /`);
  const target = normalize(given).replace(/\/+$/, '');
  if (target === '') throw usageFailure(`${option} “${text}”: the root itself is chosen by --mnt`);
  return target;
}

/** The host's resolv.conf, which is often a link to a file that some program writes. */
function resolverFile(): string | undefined {
  try {
    return realpathSync('/etc/resolv.conf');
  } catch {
    return undefined; // This host has none.
  }
}

const list = (given: unknown): string[] => (given as string[] | undefined) ?? [];
const depth = (path: string): number => path.split('/').length;
const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
