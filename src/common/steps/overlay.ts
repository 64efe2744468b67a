import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathOf } from '../byte-text.js';
import type { Constant } from '../kernel/constants.js';
import type { Kernel } from '../kernel/kernel.js';
import { KernelError } from '../kernel/kernel-error.js';
import { keptFlags } from '../mount-flags.js';
import { type Mount, mountLine, mountTable } from '../mount-table.js';
import { shellWord } from '../shell-word.js';
import { type NewRoot, placeOf, unshares } from '../spec.js';
import type { Step } from '../step.js';
import { hostPath } from './new-root-shell.js';
import { tmpfsSizes } from './tmpfs-sizes.js';

/** Names in the tmpfs that holds the parts together: relative, so that no character of a path needs escaping. */
const parts = { lower: 'lower', changes: 'changes' };

export const overlayStep: Step = {
  id: 'overlay',
  stage: 'child',
  title: ({ root }) => (root?.overlay?.keptIn ? 'keep changes in a folder' : 'keep changes in memory'),
  why:
    'overlayfs shows two directories as one: reads come from the lower one, writes go to the upper one. So the root file ' +
    'system below stays as it is, and several containers can share it.',
  man: 'mount(8), tmpfs(5)',
  shell: (spec) => {
    const [path, kept] = [hostPath(spec, ''), spec.root?.overlay?.keptIn];
    const folder = kept ? 'changes' : '.';
    const changes = kept ? `mkdir ${path}/changes; mount --bind ${shellWord(kept)} ${path}/changes; ` : '';
    const options = `lowerdir=lower,upperdir=${folder}/upper,workdir=${folder}/work`;
    return (
      // The working directory is the lower directory, even when the tmpfs covers it.
      `cd ${shellWord(spec.root?.path ?? '/')}; mount -t tmpfs -o nosuid,nodev,${tmpfsOptions(spec.root?.overlay)} tmpfs ${path}; mkdir ${path}/lower; ` +
      `mount --no-canonicalize --bind . ${path}/lower; ${changes}cd ${path}; mkdir -p ${folder}/upper ${folder}/work; ` +
      `mount --no-canonicalize -t overlay -o nodev,${options}${unshares(spec, 'uid') ? ',userxattr' : ''} overlay ${path}`
    );
  },
  gist: () => 'mount -t overlay -o lowerdir=ROOT,upperdir=CHANGES,workdir=WORK overlay ROOT',
  applies: ({ root }) => root?.overlay !== undefined,
  // The folders in --overlay DIR, from an earlier launch.
  expects: ['EEXIST'],
  run: ({ spec, kernel }) => {
    const { root } = spec;
    if (root?.overlay === undefined) return;
    const lower = mountOf(root.path);
    const { mode } = statSync(pathOf(root.path));
    gatherParts(root, kernel);
    const folder = root.overlay.keptIn === null ? '.' : parts.changes;
    // The root inside has the mode of the upper directory.
    makeFolder(kernel, `${folder}/upper`, mode & 0o7777);
    makeFolder(kernel, `${folder}/work`, 0o700);
    const options = [`lowerdir=${parts.lower}`, `upperdir=${folder}/upper`, `workdir=${folder}/work`];
    // In a user namespace the marks of deleted files are kept in user.* attributes, as trusted.* are for real root.
    if (unshares(spec, 'uid')) options.push('userxattr');
    kernel.call('mount', {
      source: 'overlay',
      target: placeOf(root),
      filesystemtype: 'overlay',
      // The directory may be on a mount that forbids something, such as set-user-ID programs; devices are always.
      mountflags: [...new Set<Constant>([...keptFlags(lower?.options ?? ''), 'MS_NODEV'])],
      data: options.join(','),
    });
  },
  evidence: ({ spec }) => ({
    mounts: mountTable()
      .filter(({ mountPoint }) => placesOf(spec.root).includes(mountPoint))
      .map(mountLine),
  }),
  summary: (_before, _after, { root }) =>
    root?.overlay?.keptIn
      ? `kept: ${root.overlay.keptIn}`
      : 'a tmpfs over the new root, which stays as it is',
  shortfall: (_, after, { root }) => {
    const mounts = after.mounts as string[];
    const place = placeOf(root);
    if (!mounts.some((line) => line.startsWith(`${place} overlay overlay `)))
      return 'no overlay is mounted there';
    const absent = placesOf(root).find((part) => !mounts.some((line) => line.startsWith(`${part} `)));
    if (absent !== undefined) return `${absent} is not mounted`;
    return mounts.some((line) => line.startsWith(`${place} tmpfs tmpfs `))
      ? undefined
      : 'no tmpfs holds its parts together';
  },
};

const tmpfsOptions = (overlay: NewRoot['overlay']): string =>
  `mode=700,size=${overlay?.size ?? tmpfsSizes.ofMemory}`;

/** Where it mounts something: the directory itself, and the parts in the tmpfs over it. */
const placesOf = (root: NewRoot | undefined): string[] =>
  root === undefined
    ? []
    : [
        placeOf(root),
        `${placeOf(root)}/${parts.lower}`,
        ...(root.overlay?.keptIn ? [`${placeOf(root)}/${parts.changes}`] : []),
      ];

/**
 * A tmpfs over the directory, the directory itself bound in it as `lower`, and the working directory there. The tmpfs
 * covers the directory, but not for a process whose working directory it is.
 */
function gatherParts(root: NewRoot, kernel: Kernel): void {
  const { path, overlay } = root;
  const place = placeOf(root);
  const bind = (source: string, name: string): void => {
    kernel.call('mkdir', { pathname: `${place}/${name}`, mode: 0o700 });
    kernel.call('mount', {
      source,
      target: `${place}/${name}`,
      filesystemtype: null,
      mountflags: ['MS_BIND'], // Recursive, it would take along the tmpfs that now covers it.
      data: null,
    });
  };
  kernel.call('chdir', { path });
  kernel.call('mount', {
    source: 'tmpfs',
    target: place,
    filesystemtype: 'tmpfs',
    mountflags: ['MS_NOSUID', 'MS_NODEV'],
    data: tmpfsOptions(overlay),
  });
  bind('.', parts.lower);
  if (overlay?.keptIn) bind(overlay.keptIn, parts.changes);
  kernel.call('chdir', { path: place });
}

/** A folder that may be there from an earlier launch. */
function makeFolder(kernel: Kernel, pathname: string, mode: number): void {
  try {
    kernel.call('mkdir', { pathname, mode });
    // The umask took bits away.
    kernel.call('chmod', { pathname, mode });
  } catch (error) {
    if (!(error instanceof KernelError) || error.data.errno !== 'EEXIST') throw error;
  }
}

/** The mount that a directory is on: the one with the longest mount point above it. */
function mountOf(path: string): Mount | undefined {
  const table = mountTable();
  for (let at = path; ; at = dirname(at)) {
    const found = table.findLast(({ mountPoint }) => mountPoint === at);
    if (found !== undefined || at === '/') return found;
  }
}
