/** The options about the new root and what is mounted in it. Everything that is wrong with them is said here. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { pathOf } from '../../common/byte-text.js';
import { defined } from '../../common/defined.js';
import { usageFailure } from '../../common/failure.js';
import { isHostTree, type NewRoot } from '../../common/spec.js';
import type { Values } from '../command-line/subcommand.js';
import { existing } from './existing.js';
import { requestedMounts } from './mount-options.js';
import { tmpfsSize } from './tmpfs-size.js';

/** The options that need a directory that becomes the root. */
const needDirectory = ['chroot', 'user', 'shm-size'];

/** Those that change what is seen of a tree. Without --mnt that is the host's own. */
const ofTheTree = ['bind', 'tmpfs', 'mount', 'read-only', 'ephemeral', 'overlay'];

/** Whether the options change what is seen of the host's own tree, without a word about the root. */
export const changesHostTree = (options: Values['options']): boolean =>
  options.mnt === undefined && ofTheTree.some((name) => options[name] !== undefined);

/**
 * The new root that the options ask for; undefined where the root stays as it is.
 * @param ownNetwork whether the container has a network of its own
 * @throws Failure with status 2
 */
export function newRoot({ options }: Values, ownNetwork: boolean): NewRoot | undefined {
  const ofHost = changesHostTree(options);
  if (options['ephemeral-size'] !== undefined && !options.ephemeral)
    throw usageFailure('--ephemeral-size needs --ephemeral', 'Add --ephemeral.');
  if (options.mnt === undefined) {
    const given = needDirectory.find((name) => options[name] !== undefined);
    if (given !== undefined && !(ofHost && given !== 'chroot'))
      throw usageFailure(`--${given} needs --mnt=DIR, a new root`, 'Add --mnt=DIR.');
    if (!ofHost) return undefined;
  }
  const path = ofHost ? '/' : rootFolder(String(options.mnt));
  const overlay = overlayOf(options, path);
  const mounts = requestedMounts(options, path);
  // The host's own tree is mounted a second time, and the first is still there to be bound.
  if (overlay !== undefined && !isHostTree({ path })) {
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
    ...defined({ overlay, resolver, shmSize: sizeOf(options, 'shm-size') }),
  };
}

/** The new root as an absolute path without symbolic links. */
function rootFolder(given: string): string {
  return folder('--mnt', given, `Make a small root file system: gontainer rootfs create ${given}`);
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

function sizeOf(options: Values['options'], name: string): string | undefined {
  const given = options[name];
  return given === undefined ? undefined : tmpfsSize(`--${name}`, String(given));
}

function overlayOf(options: Values['options'], root: string): NewRoot['overlay'] {
  if (options.ephemeral && options.overlay !== undefined)
    throw usageFailure('--ephemeral discards the changes, and --overlay keeps them', 'Choose one.');
  if (!options.ephemeral && options.overlay === undefined) return undefined;
  const ofHost = isHostTree({ path: root });
  if (ofHost && (options.uid || options.all))
    throw usageFailure(
      'an overlay of / cannot be made in a user namespace: what other mounts cover would come to light (mount(2), locked mounts)',
      'Make / read-only, and what is to be changed not: --read-only --bind=DIR:DIR, or --tmpfs=DIR.',
    );
  if (options.ephemeral) return { keptIn: null, ...defined({ size: sizeOf(options, 'ephemeral-size') }) };
  const given = String(options.overlay);
  const keptIn = folder('--overlay', given, `Make it: mkdir ${given}`);
  if (ofHost) {
    if (statSync(pathOf(keptIn)).dev === statSync('/').dev)
      throw usageFailure(
        `--overlay=${given} lies on the file system of /, and an overlay cannot keep its changes in what it covers`,
        'Choose a folder on another file system, or --ephemeral.',
      );
  } else if (isWithin(keptIn, root) || isWithin(root, keptIn))
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

export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(`${folder}/`);
