/**
 * How an overlay is put together, for the new root and for a folder that is bound: a tmpfs over the place holds its parts.
 * So its options name them from the working directory, and no character of a path needs escaping.
 */
import type { Constant } from '../kernel/constants.js';
import type { Kernel } from '../kernel/kernel.js';
import { failedWith } from '../kernel/kernel-error.js';
import { drop } from '../kernel/pipe.js';
import { shellWord } from '../shell-word.js';
import { tmpfsSizes } from './tmpfs-sizes.js';

/** Names in the tmpfs. */
export const parts = { lower: 'lower', changes: 'changes' };

/** The layers of an overlay, while whoever mounts it has them open. */
export interface OpenLayers {
  /** Where it is mounted, as the container has it. */
  readonly target: string;
  readonly upper: number;
  readonly lower: number;
}

export interface Layers {
  readonly place: string;
  readonly target: string;
  /** The directory below, as it is reached from the working directory. */
  readonly lower: string;
  /** The same for the folder that keeps the changes; null for those in memory. */
  readonly changes: string | null;
  /** How much of the changes may be in memory. */
  readonly size?: string;
  /** What the root of the overlay is like: it is the upper directory. */
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly mountflags: readonly Constant[];
  readonly inUserNamespace: boolean;
}

/**
 * The working directory is the tmpfs afterwards, which the overlay covers.
 * @param handOut has the launcher take hold of the layers, before they are covered
 * @throws KernelError
 */
export function mountLayers(kernel: Kernel, layers: Layers, handOut: (layers: OpenLayers) => void): void {
  const { place, target, lower, changes, mode, owner, mountflags } = layers;
  kernel.call('mount', {
    source: 'tmpfs',
    target: place,
    filesystemtype: 'tmpfs',
    mountflags: ['MS_NOSUID', 'MS_NODEV'],
    data: tmpfsOptions(layers),
  });
  bind(kernel, lower, `${place}/${parts.lower}`);
  if (changes !== null) bind(kernel, changes, `${place}/${parts.changes}`);
  kernel.call('chdir', { path: place });
  const { upper, work, options } = optionsOf(layers);
  makeFolder(kernel, upper, mode, owner);
  makeFolder(kernel, work, 0o700);
  const [above, below] = [opened(kernel, upper), opened(kernel, parts.lower)];
  handOut({ target, upper: above, lower: below });
  drop(kernel, above, below);
  kernel.call('mount', {
    source: 'overlay',
    target: place,
    filesystemtype: 'overlay',
    mountflags,
    data: options,
  });
}

const opened = (kernel: Kernel, pathname: string): number =>
  kernel.call('open', { pathname, flags: ['O_PATH', 'O_CLOEXEC'], mode: 0 });

/** The tmpfs holds the changes, or no more than the names of the parts. */
const tmpfsOptions = ({ size = tmpfsSizes.ofMemory }: Pick<Layers, 'size'>): string =>
  `mode=700,size=${size}`;

function optionsOf({ changes, inUserNamespace }: Pick<Layers, 'changes' | 'inUserNamespace'>) {
  const folder = changes === null ? '.' : parts.changes;
  const [upper, work] = [`${folder}/upper`, `${folder}/work`];
  // In a user namespace the marks of deleted files are kept in user.* attributes, as trusted.* are for real root.
  // What real root's may have beside, references to what was moved or copied in part, is left out: so the upper directory
  // says by itself what was changed, and can be copied.
  const marks = inUserNamespace ? ',userxattr' : ',redirect_dir=off,metacopy=off';
  const options = `lowerdir=${parts.lower},upperdir=${upper},workdir=${work}${marks}`;
  return { upper, work, options };
}

function bind(kernel: Kernel, source: string, target: string): void {
  kernel.call('mkdir', { pathname: target, mode: 0o700 });
  kernel.call('mount', {
    source,
    target,
    filesystemtype: null,
    mountflags: ['MS_BIND'], // Recursive, it would take along the tmpfs that may cover it.
    data: null,
  });
}

/** A folder that may be there from an earlier launch. */
function makeFolder(kernel: Kernel, pathname: string, mode: number, owner?: Layers['owner']): void {
  try {
    kernel.call('mkdir', { pathname, mode });
    if (owner !== undefined) kernel.call('chown', { pathname, owner: owner.uid, group: owner.gid });
    // The umask took bits away.
    kernel.call('chmod', { pathname, mode });
  } catch (error) {
    if (!failedWith(error, 'EEXIST')) throw error;
  }
}

/** The same as commands of a shell, which ends up in the tmpfs. */
export function shellOfLayers(layers: ShellLayers): string {
  const { lower, changes, like, forbidden } = layers;
  const place = shellWord(layers.place);
  const { upper, work, options } = optionsOf(layers);
  const upperLike = `mkdir ${upper}; chown --reference=${like} ${upper}; chmod --reference=${like} ${upper}`;
  const kept =
    changes === null ? [] : [`mkdir ${place}/changes`, `mount --bind ${shellWord(changes)} ${place}/changes`];
  const folders =
    like === undefined
      ? [`mkdir -p ${upper} ${work}`]
      : [`[ -e ${upper} ] || { ${upperLike}; }`, `mkdir -p ${work}`];
  return [
    `mount -t tmpfs -o nosuid,nodev,${tmpfsOptions(layers)} tmpfs ${place}`,
    `mkdir ${place}/lower`,
    ...(layers.at === layers.place ? [] : [`mkdir ${shellWord(layers.at)}`]),
    `mount --no-canonicalize --bind ${shellWord(lower)} ${place}/lower`,
    ...kept,
    `cd ${place}`,
    ...folders,
    `mount --no-canonicalize -t overlay -o ${[...forbidden, options].join(',')} overlay ${shellWord(layers.at)}`,
  ].join('; ');
}

interface ShellLayers extends Pick<Layers, 'place' | 'lower' | 'changes' | 'size' | 'inUserNamespace'> {
  /** Where the overlay itself is mounted. */
  readonly at: string;
  /** `nodev` and so on. */
  readonly forbidden: readonly string[];
  /** What the upper directory is to be like, where that is not how mkdir(1) makes it. */
  readonly like?: string;
}
