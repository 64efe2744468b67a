import { realPath } from '../byte-text.js';
import { mountLine, mountsInside } from '../mount-table.js';
import { shellWord } from '../shell-word.js';
import type { LaunchSpec, RequestedMount } from '../spec.js';
import type { Step } from '../step.js';
import { isOverlay, mountOverlay, overlayLine } from './bound-overlay.js';
import type { CommandContext } from './command-context.js';
import { remounted, restrictMounts } from './mount-attributes.js';
import { kindOf, makeMountPoint, mountPointsOf } from './mount-points.js';
import { hostPath, remountBelow } from './new-root-shell.js';
import { tmpfsSizes } from './tmpfs-sizes.js';

type BindMount = RequestedMount & { readonly kind: 'bind' };

const requested = ({ root }: LaunchSpec): readonly RequestedMount[] => root?.mounts ?? [];

export const requestedMountsStep: Step<CommandContext> = {
  id: 'requested-mounts',
  stage: 'child',
  title: () => 'mount what you asked for',
  why:
    'A bind mount makes a directory or file of the host visible in a second place. A tmpfs is empty and lives in memory. ' +
    'A bind includes what is mounted below its source, and read-only covers that too. In a directory of the host no ' +
    'device can be opened: only one that is bound by its own name was asked for. An overlay shows the directory, and ' +
    'keeps what is changed apart from it.',
  man: 'mount(2), tmpfs(5), mount(8)',
  shell: (spec) =>
    requested(spec)
      .flatMap((mount) => {
        const target = hostPath(spec, mount.target);
        const made = kindOf(mount) === 'file' ? `: >> ${target}` : `mkdir -p ${target}`;
        return [...(liesInAnother(spec, mount) ? [made] : []), shellLine(spec, mount, target)];
      })
      .join('; '),
  applies: (spec) => requested(spec).length > 0,
  // The folders in CHANGES of an overlay, from an earlier launch.
  expects: ['EEXIST'],
  run: (context) => {
    const { spec, kernel } = context;
    for (const mount of requested(spec)) {
      if (liesInAnother(spec, mount)) makeMountPoint(kernel, mount.target, kindOf(mount));
      if (mount.kind === 'tmpfs') {
        kernel.call('mount', {
          source: 'tmpfs',
          target: mount.target,
          filesystemtype: 'tmpfs',
          mountflags: ['MS_NOSUID', 'MS_NODEV'],
          data: tmpfsOptions(mount.size),
        });
      } else if (isOverlay(mount)) mountOverlay(context, mount);
      else {
        kernel.call('mount', {
          // From the working directory, which is the old root.
          source: mount.source.slice(1) || '.',
          target: mount.target,
          filesystemtype: null,
          mountflags: ['MS_BIND', 'MS_REC'],
          data: null,
        });
        const attributes = attributesOf(mount);
        if (attributes.length > 0) restrictMounts(kernel, mount.target, attributes);
      }
    }
  },
  evidence: () => ({ mounts: mountsInside().all.map(mountLine) }),
  refusals: () => remounted,
  summary: (_before, _after, spec) =>
    requested(spec)
      .map((mount) => `${mount.target}${remark(mount)}`)
      .join(' '),
  shortfall: (before, after, spec) => {
    const [old, mounts] = [before.mounts, after.mounts] as [string[], string[]];
    if (mounts.length < old.length + requested(spec).length)
      return 'there are fewer mounts than were asked for';
    const optionsAt = (target: string) => {
      const place = realPath(target);
      return mounts
        .findLast((line) => line.startsWith(`${place} `))
        ?.split(' ')
        .at(-1)
        ?.split(',');
    };
    const binds = requested(spec).filter((mount) => mount.kind === 'bind');
    const writable = binds.find(
      ({ readOnly, target }) => readOnly && optionsAt(target)?.includes('ro') === false,
    );
    if (writable !== undefined) return `${writable.target} is writable`;
    const flat = binds
      .filter(isOverlay)
      .find(({ target }) => !mounts.some((line) => line.startsWith(`${realPath(target)} overlay overlay `)));
    if (flat !== undefined) return `no overlay is mounted at ${flat.target}`;
    const open = binds.find(
      ({ directory, target }) => directory && optionsAt(target)?.includes('nodev') === false,
    );
    return open && `devices can be opened in ${open.target}`;
  },
};

const remark = (mount: RequestedMount): string => {
  if (mount.kind !== 'bind') return '';
  if (mount.readOnly) return ' (read-only)';
  if (mount.overlay === undefined) return '';
  return mount.overlay.keptIn === null
    ? ' (changes in memory)'
    : ` (changes kept in ${mount.overlay.keptIn})`;
};

/** Its mount point is not in the root file system, and so could not be made before. */
const liesInAnother = (spec: LaunchSpec, { target }: RequestedMount): boolean =>
  !mountPointsOf(spec).some(({ path }) => path === target);

/** Anybody may write in it, as in /tmp. */
const tmpfsOptions = (size: string = tmpfsSizes.ofMemory): string => `mode=1777,size=${size}`;

const shellLine = (spec: LaunchSpec, mount: RequestedMount, target: string): string =>
  isOverlay(mount)
    ? overlayLine(spec, mount)
    : mount.kind === 'tmpfs'
      ? `mount -t tmpfs -o nosuid,nodev,${tmpfsOptions(mount.size)} tmpfs ${target}`
      : [
          `mount --rbind ${shellWord(mount.source)} ${target}`,
          ...(flagsOf(mount) === '' ? [] : [remountBelow(target, flagsOf(mount))]),
        ].join('; ');

/** A device that is bound by its own name was asked for; what lies in a folder was not. */
const attributesOf = ({ readOnly, directory }: BindMount) => [
  ...(readOnly ? (['MOUNT_ATTR_RDONLY'] as const) : []),
  ...(directory ? (['MOUNT_ATTR_NODEV'] as const) : []),
];

/** The same as mount(8) has it. */
const flagsOf = ({ readOnly, directory }: BindMount): string =>
  [readOnly && 'ro', directory && 'nodev'].filter(Boolean).join(',');
