/** The options about the new root and what is mounted in it. Everything that is wrong with them is said here. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { pathOf } from '../../common/byte-text.js';
import { defined } from '../../common/defined.js';
import { usageFailure } from '../../common/failure.js';
import type { NewRoot } from '../../common/spec.js';
import type { Values } from '../command-line/subcommand.js';
import { existing } from './existing.js';
import { requestedMounts } from './mount-options.js';

/** The options that say something about the new root. */
const needRoot = ['chroot', 'bind', 'tmpfs', 'mount', 'read-only', 'ephemeral', 'overlay', 'user'];

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
  const mounts = requestedMounts(options, path);
  if (overlay !== undefined) {
    const covered = mounts.find((mount) => mount.kind === 'bind' && isWithin(mount.source, path));
    if (covered !== undefined)
      throw usageFailure(`the source of ${covered.target} lies in --mnt=${path}, which the overlay covers`);
  }
  const resolver = ownNetwork ? undefined : resolverFile();
  return {
    path,
    method: options.chroot ? 'chroot' : 'pivot_root',
    readOnly: options['read-only'] === true,
    mounts,
    ...defined({ overlay, resolver }),
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

/** The host's resolv.conf, which is often a link to a file that some program writes. */
function resolverFile(): string | undefined {
  try {
    return realpathSync('/etc/resolv.conf');
  } catch {
    return undefined; // This host has none.
  }
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
