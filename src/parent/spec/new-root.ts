/** The options about the new root and what is mounted in it. Everything that is wrong with them is said here. */
import { realpathSync, statSync } from 'node:fs';
import { pathOf } from '../../common/byte-text.js';
import { defined } from '../../common/defined.js';
import { usageFailure } from '../../common/failure.js';
import { isWithin } from '../../common/is-within.js';
import { isHostTree, type NewRoot, type Overlay, type RequestedMount } from '../../common/spec.js';
import type { Values } from '../command-line/subcommand.js';
import { existingFolder } from './existing.js';
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
    const covered = mounts.find((mount) => sourcesOf(mount).some((source) => isWithin(source, path)));
    if (covered !== undefined)
      throw usageFailure(`the source of ${covered.target} lies in --mnt=${path}, which the overlay covers`);
  }
  checkKeptApart(overlay, mounts);
  const resolver = ownNetwork ? undefined : resolverFile();
  return {
    path,
    method: options.chroot ? 'chroot' : 'pivot_root',
    readOnly: options['read-only'] === true,
    mounts,
    ...defined({ overlay, resolver, shmSize: sizeOf(options, 'shm-size') }),
  };
}

/** The folders of the host that a mount shows, or writes to. */
const sourcesOf = (mount: RequestedMount): string[] =>
  mount.kind === 'bind' ? [mount.source, ...(mount.overlay?.keptIn ? [mount.overlay.keptIn] : [])] : [];

/** Two overlays cannot keep their changes in one folder. */
function checkKeptApart(overlay: Overlay | undefined, mounts: readonly RequestedMount[]): void {
  const kept = [
    overlay,
    ...mounts.map((mount) => (mount.kind === 'bind' ? mount.overlay : undefined)),
  ].flatMap((one) => one?.keptIn ?? []);
  const twice = kept.find((folder, index) => kept.indexOf(folder) < index);
  if (twice !== undefined)
    throw usageFailure(`two overlays would keep their changes in ${twice}`, 'Choose a folder for each.');
}

/** The new root as an absolute path without symbolic links. */
function rootFolder(given: string): string {
  return existingFolder('--mnt', given, `Make a small root file system: gontainer rootfs create ${given}`);
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
  const keptIn = existingFolder('--overlay', given, `Make it: mkdir ${given}`);
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
