/** Changing the root: by pivot_root(2), or by chroot(2) alone as Gontainer did. */
import { readdirSync } from 'node:fs';
import { directoryId } from '../evidence.js';
import { mountsAt, mountsInside, mountTable } from '../mount-table.js';
import { shellWord } from '../shell-word.js';
import { isHostTree, type LaunchSpec, placeOf } from '../spec.js';
import type { Evidence, Step } from '../step.js';
import { remounted, restrictMounts } from './mount-attributes.js';
import { remountBelow } from './new-root-shell.js';

const pivots = ({ root }: LaunchSpec): boolean => root?.method === 'pivot_root';

const newRoot = ({ root }: LaunchSpec): string => shellWord(placeOf(root));

/** Where absolute and relative paths of this process start. */
const directories = (): Evidence => ({
  'root directory': directoryId('/'),
  'working directory': directoryId('.'),
});

/** The new root is the root directory already when it becomes the root of the mount namespace, and stays so. */
const leftTheRoot = (before: Evidence, after: Evidence): string | undefined => {
  if (after['root directory'] !== before['root directory']) return 'the root directory is another';
  return after['working directory'] === before['root directory']
    ? undefined
    : 'the working directory is not the new root';
};

export const bindRootStep: Step = {
  id: 'bind-root',
  stage: 'child',
  title: (spec) =>
    isHostTree(spec.root) ? 'mount the host’s tree a second time' : 'make the new root a mount',
  why:
    'pivot_root(2) takes only a mount point, so the folder is mounted on itself. The host’s own tree ' +
    'is mounted a second time, over a folder that nobody misses. The mount is recursive because in a user ' +
    'namespace the mounts below the folder came from the host, and are locked together with it. nodev: a device ' +
    'node that lies in the folder, or is made in it, opens no device of the machine.',
  man: 'mount(2), mount_setattr(2)',
  shell: (spec) =>
    `mount --rbind ${shellWord(spec.root?.path ?? '/')} ${newRoot(spec)}; ${remountBelow(newRoot(spec), 'nodev')}`,
  prepares: true,
  applies: ({ root }) => root !== undefined && root.overlay === undefined,
  run: ({ spec, kernel }) => {
    const { root } = spec;
    if (root === undefined) return;
    kernel.call('mount', {
      source: root.path,
      target: placeOf(spec.root),
      filesystemtype: null,
      mountflags: ['MS_BIND', 'MS_REC'],
      data: null,
    });
    restrictMounts(kernel, placeOf(spec.root), ['MOUNT_ATTR_NODEV'], mountTable);
  },
  evidence: ({ spec }) => ({
    mounts: mountsAt(placeOf(spec.root)),
  }),
  summary: (_before, _after, spec) =>
    isHostTree(spec.root) ? 'the host’s own tree is the new root' : `mounted on itself: ${spec.root?.path}`,
  refusals: () => remounted,
  onHost: (spec, mounts) => ({ 'mounts on the host': mountsAt(placeOf(spec.root), mounts()) }),
  shortfall: (before, after, spec) => {
    if ((after.mounts as string[]).length <= (before.mounts as string[]).length)
      return 'it is not a mount point';
    // Of several at one place the last one is seen.
    const below = mountTable().atOrBelow(placeOf(spec.root));
    const seen = new Map(below.map((mount) => [mount.mountPoint, mount]));
    const open = [...seen.values()].find(({ options }) => !options.split(',').includes('nodev'));
    return open && `devices can be opened in ${open.mountPoint}`;
  },
};

/**
 * From here to the last mount, absolute paths lead into the container, and relative ones to the host. An absolute path
 * cannot leave the new root, whatever links are in it and whoever changes them meanwhile: `..` stops at the root
 * directory of the process. After pivot_root(".", ".") it would not: then the old root is mounted on top of the new one,
 * and `/..` leads into it.
 */
export const chrootStep: Step = {
  id: 'chroot',
  stage: 'child',
  title: () => 'change to the new root',
  why:
    'chroot(2) changes where absolute paths start for this process and its children, and nothing else. The working ' +
    'directory stays in the old root: what is to be mounted is still within reach by relative paths, while no link ' +
    'in the new root leads out of it. As a boundary it is weak: root in the container can get back the same way.',
  man: 'chroot(2)',
  // No shell can be in a root and have its working directory on the host.
  shell: (spec) => `${spec.root?.method === 'chroot' ? 'chroot' : 'cd'} ${newRoot(spec)}`,
  applies: ({ root }) => root !== undefined,
  run: ({ spec, kernel }) => {
    kernel.call('chdir', { path: '/' });
    kernel.call('chroot', { path: placeOf(spec.root) });
  },
  // In the new root, the host's path leads nowhere, or somewhere else.
  evidence: ({ spec }) => ({
    'directory at its path': directoryId(placeOf(spec.root)),
    ...directories(),
    '/': readdirSync('/').sort(),
  }),
  summary: (_before, _after, spec) =>
    isHostTree(spec.root) ? '/ is now the second one' : `/ is now ${spec.root?.path}`,
  shortfall: (before, after) => {
    if (after['root directory'] !== before['directory at its path']) return 'the root directory is another';
    return after['working directory'] === before['root directory']
      ? undefined
      : 'the working directory is not the old root';
  },
};

export const pivotRootStep: Step = {
  id: 'pivot-root',
  stage: 'child',
  title: () => 'swap the old root and the new',
  why:
    'First the process leaves its chroot(2), as an intruder would. Then the new root and the old one change places for ' +
    'good: the old one is now mounted on top of the new one, where the next step removes it.',
  man: 'pivot_root(2)',
  shell: (spec) => `cd ${newRoot(spec)} && pivot_root . .`,
  prepares: true,
  applies: pivots,
  run: ({ kernel }) => {
    const newRoot = kernel.call('open', { pathname: '/', flags: ['O_PATH', 'O_CLOEXEC'], mode: 0 });
    kernel.call('chroot', { path: '.' });
    kernel.call('fchdir', { fd: newRoot });
    kernel.call('close', { fd: newRoot });
    kernel.call('pivot_root', { new_root: '.', put_old: '.' });
  },
  evidence: () => ({ 'mounts at /': rootMounts(), ...directories() }),
  summary: () => 'the old root lies on top of the new one',
  shortfall: (before, after) =>
    leftTheRoot(before, after) ??
    ((after['mounts at /'] as string[]).length === (before['mounts at /'] as string[]).length + 1
      ? undefined
      : 'the old root is not mounted on top of the new one'),
};

export const detachOldRootStep: Step = {
  id: 'detach-old-root',
  stage: 'child',
  title: () => 'detach the old root',
  why:
    'While the old root is mounted, the files of the host can still be reached. Once it is detached, nothing in this ' +
    'namespace leads to them. This is what chroot(2) alone does not do.',
  man: 'umount2(2), pivot_root(2)',
  shell: () => 'umount -l . && cd /',
  applies: pivots,
  run: ({ kernel }) => {
    kernel.call('umount2', { target: '.', flags: 'MNT_DETACH' });
    kernel.call('chroot', { path: '.' });
    kernel.call('chdir', { path: '/' });
  },
  evidence: () => ({ 'mounts at /': rootMounts(), mounts: mountsInside().size, ...directories() }),
  summary: (before, after) => `${before.mounts} mounts → ${after.mounts}; the host’s tree is gone`,
  shortfall: (before, after) =>
    (after['mounts at /'] as string[]).length === 1
      ? leftTheRoot(before, after)
      : 'the old root is still mounted',
};

const rootMounts = (): string[] => mountsAt('/', mountsInside());
