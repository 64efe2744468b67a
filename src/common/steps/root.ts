/** Changing the root: by pivot_root(2), or by chroot(2) alone as Gontainer did. */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { mountLine, mountsAt, mountTable } from '../evidence.js';
import { shellWord } from '../shell-word.js';
import type { LaunchSpec } from '../spec.js';
import type { Evidence, Step } from '../step.js';

const pivots = ({ root }: LaunchSpec): boolean => root?.method === 'pivot_root';

const newRoot = (root: LaunchSpec['root']): string => shellWord(root?.path ?? '/');

/** A folder's device and inode tell it from every other. */
function folder(path: string): string {
  const { dev, ino } = statSync(path);
  return `device ${dev} inode ${ino}`;
}

/** What stands at the root of this process, and where it works. Here the working directory is the new root. */
const rootEvidence = () => ({
  'root directory': folder('/'),
  'working directory': folder('.'),
  '/': readdirSync('/').sort(),
});

const atNewRoot = (before: Evidence, after: Evidence): string | undefined =>
  after['root directory'] === before['working directory'] ? undefined : 'the root directory is another one';

export const bindRootStep: Step = {
  id: 'bind-root',
  stage: 'child',
  title: ({ root }) => `make ${root?.path} a mount point`,
  why:
    'pivot_root(2) takes only a mount point, so the folder is mounted on itself. Recursively: what is mounted below it ' +
    'came from outside and is locked together with it in a user namespace.',
  man: 'mount(2)',
  shell: ({ root }) => `mount --rbind ${newRoot(root)} ${newRoot(root)} && cd ${newRoot(root)}`,
  applies: ({ root }) => root !== undefined,
  run: ({ spec: { root }, kernel }) => {
    if (root === undefined) return;
    kernel.call('mount', {
      source: root.path,
      target: root.path,
      filesystemtype: null,
      mountflags: ['MS_BIND', 'MS_REC'],
      data: null,
    });
    kernel.call('chdir', { path: root.path });
  },
  evidence: ({ spec }) => ({
    mounts: mountsAt(spec.root?.path ?? ''),
    // The kernel's word: Node remembers what it was told when it last asked.
    'working directory': readlinkSync('/proc/self/cwd'),
  }),
  outside: ({ root }) => ({ 'mounts outside': mountsAt(root?.path ?? '') }),
  shortfall: (before, after, { root }) => {
    if ((after.mounts as string[]).length <= (before.mounts as string[]).length)
      return 'it is no mount point';
    return after['working directory'] === root?.path
      ? undefined
      : `the working directory is ${after['working directory']}`;
  },
};

export const pivotRootStep: Step = {
  id: 'pivot-root',
  stage: 'child',
  title: ({ root }) => `make ${root?.path} the root of the mount namespace`,
  why:
    'The new root and the old one change places: from here on every absolute path starts at the new one. The old root ' +
    'is now mounted on top of it, where the next step removes it.',
  man: 'pivot_root(2)',
  shell: () => 'pivot_root . .',
  applies: pivots,
  run: ({ kernel }) => {
    kernel.call('pivot_root', { new_root: '.', put_old: '.' });
  },
  evidence: rootEvidence,
  shortfall: atNewRoot,
};

export const detachOldRootStep: Step = {
  id: 'detach-old-root',
  stage: 'child',
  title: () => 'detach the old root',
  why:
    'While the old root is mounted, the files outside can still be reached. Detached, nothing in this namespace leads ' +
    'to them; this is what chroot(2) alone does not do.',
  man: 'umount2(2), pivot_root(2)',
  shell: () => 'umount -l . && cd /',
  applies: pivots,
  run: ({ kernel }) => {
    kernel.call('umount2', { target: '.', flags: 'MNT_DETACH' });
    kernel.call('chroot', { path: '.' });
    kernel.call('chdir', { path: '/' });
  },
  evidence: () => ({
    mounts: mountTable().map(mountLine),
    'root directory': folder('/'),
    'working directory': folder('.'),
  }),
  shortfall: (before, after) => {
    const roots = mountTable().filter(({ mountPoint }) => mountPoint === '/').length;
    if (roots !== 1) return 'the old root is still mounted';
    if (after['root directory'] !== before['root directory']) return 'the root directory is another one';
    return after['working directory'] === after['root directory']
      ? undefined
      : 'the working directory is not the root directory';
  },
};

export const chrootStep: Step = {
  id: 'chroot',
  stage: 'child',
  title: ({ root }) => `make ${root?.path} the root directory of this process`,
  why:
    'chroot(2) changes where absolute paths start for this process and its children, and nothing else: the old root ' +
    'stays mounted, and root inside can get back to it. It is here for the lesson; without --chroot it is pivot_root(2).',
  man: 'chroot(2)',
  shell: ({ root }) => `chroot ${newRoot(root)}`,
  applies: ({ root }) => root?.method === 'chroot',
  run: ({ kernel }) => {
    kernel.call('chroot', { path: '.' });
    kernel.call('chdir', { path: '/' });
  },
  evidence: rootEvidence,
  shortfall: atNewRoot,
};
