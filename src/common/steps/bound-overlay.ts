/** `--bind SRC:DST:overlay`: a folder of the host whose changes are kept apart from it. */
import { defined } from '../defined.js';
import { shellWord } from '../shell-word.js';
import {
  type BoundOverlay,
  insideId,
  type LaunchSpec,
  placeOf,
  type RequestedMount,
  unshares,
} from '../spec.js';
import type { CommandContext } from './command-context.js';
import { type Layers, mountLayers, parts, shellOfLayers } from './overlay-layers.js';

type OverlayMount = RequestedMount & { readonly kind: 'bind'; readonly overlay: BoundOverlay };

export const isOverlay = (mount: RequestedMount): mount is OverlayMount =>
  mount.kind === 'bind' && mount.overlay !== undefined;

/**
 * Mounts it. An overlay keeps hold of its layers by itself, so the mounts that named them are removed at once: whoever
 * takes the overlay away, inside, must not find the directory of the host below it.
 * @throws KernelError
 */
export function mountOverlay(
  { spec, kernel, overlays }: CommandContext,
  { source, target, overlay }: OverlayMount,
): void {
  const owner = ownerOf(spec, overlay);
  // What lies on the host is within reach from the working directory, the old root.
  const oldRoot = kernel.call('open', { pathname: '.', flags: ['O_PATH', 'O_CLOEXEC'], mode: 0 });
  const layers = {
    place: target,
    target,
    lower: source.slice(1) || '.',
    changes: overlay.keptIn?.slice(1) ?? null,
    mode: overlay.mode,
    mountflags: [...new Set([...overlay.forbidden, 'MS_NODEV' as const])],
    inUserNamespace: unshares(spec, 'uid'),
    ...defined({ owner }),
  };
  mountLayers(kernel, layers, overlays.handOut);
  for (const part of partsOf(overlay)) kernel.call('umount2', { target: part, flags: 'MNT_DETACH' });
  kernel.call('fchdir', { fd: oldRoot });
  kernel.call('close', { fd: oldRoot });
}

const partsOf = ({ keptIn }: BoundOverlay): string[] =>
  keptIn === null ? [parts.lower] : [parts.lower, parts.changes];

/** Who owns the directory, as the container numbers users; nothing can be given to somebody whom the maps leave out. */
function ownerOf({ maps }: LaunchSpec, { uid, gid }: BoundOverlay): Layers['owner'] {
  if (maps === undefined) return { uid, gid };
  const [user, group] = [insideId(maps.uid, uid), insideId(maps.gid, gid)];
  return user === undefined || group === undefined ? undefined : { uid: user, gid: group };
}

/** The same in a shell. umount(8) finds nothing below an overlay, so it is moved to its place afterwards. */
export function overlayLine(spec: LaunchSpec, { source, target, overlay }: OverlayMount): string {
  const place = `${placeOf(spec.root)}${target}`;
  const at = `${place}/merged`;
  const forbidden = overlay.forbidden.map((flag) => flag.replace('MS_', '').toLowerCase());
  const layers = shellOfLayers({
    place,
    at,
    lower: source,
    changes: overlay.keptIn,
    inUserNamespace: unshares(spec, 'uid'),
    forbidden: [...new Set([...forbidden, 'nodev'])],
    like: parts.lower,
  });
  const removed = partsOf(overlay).map((part) => `umount -l ${shellWord(`${place}/${part}`)}`);
  const moved = `mount --no-mtab --move ${shellWord(at)} ${shellWord(place)}`;
  return `(${[layers, ...removed, moved].join('; ')})`;
}
