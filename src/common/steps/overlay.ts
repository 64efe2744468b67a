import { statSync } from 'node:fs';
import { pathOf } from '../byte-text.js';
import { defined } from '../defined.js';
import type { Constant } from '../kernel/constants.js';
import { keptFlags } from '../mount-flags.js';
import { mountLine, mountOf, mountTable } from '../mount-table.js';
import { shellWord } from '../shell-word.js';
import { type NewRoot, placeOf, unshares } from '../spec.js';
import type { Step } from '../step.js';
import type { CommandContext } from './command-context.js';
import { mountLayers, parts, shellOfLayers } from './overlay-layers.js';

export const overlayStep: Step<CommandContext> = {
  id: 'overlay',
  stage: 'child',
  title: ({ root }) => (root?.overlay?.keptIn ? 'keep changes in a folder' : 'keep changes in memory'),
  why:
    'overlayfs shows two directories as one: reads come from the lower one, writes go to the upper one. So the root file ' +
    'system below stays as it is, and several containers can share it.',
  man: 'mount(8), tmpfs(5)',
  shell: (spec) =>
    // The working directory is the lower directory, even when the tmpfs covers it.
    `cd ${shellWord(spec.root?.path ?? '/')}; ` +
    shellOfLayers({
      place: placeOf(spec.root),
      at: placeOf(spec.root),
      lower: '.',
      changes: spec.root?.overlay?.keptIn ?? null,
      ...defined({ size: spec.root?.overlay?.size }),
      inUserNamespace: unshares(spec, 'uid'),
      forbidden: ['nodev'],
    }),
  gist: () => 'mount -t overlay -o lowerdir=ROOT,upperdir=CHANGES,workdir=WORK overlay ROOT',
  applies: ({ root }) => root?.overlay !== undefined,
  // The folders in --overlay DIR, from an earlier launch.
  expects: ['EEXIST'],
  run: ({ spec, kernel, overlays }) => {
    const { root } = spec;
    if (root?.overlay === undefined) return;
    const below = mountOf(root.path);
    const { mode } = statSync(pathOf(root.path));
    // The tmpfs covers the directory, but not for a process whose working directory it is.
    kernel.call('chdir', { path: root.path });
    const layers = {
      place: placeOf(root),
      target: '/',
      lower: '.',
      changes: root.overlay.keptIn,
      ...defined({ size: root.overlay.size }),
      mode: mode & 0o7777,
      // The directory may be on a mount that forbids something, such as set-user-ID programs; devices are always.
      mountflags: [...new Set<Constant>([...keptFlags(below?.options ?? ''), 'MS_NODEV'])],
      inUserNamespace: unshares(spec, 'uid'),
    };
    mountLayers(kernel, layers, overlays.handOut);
  },
  evidence: ({ spec }) => ({
    mounts: mountTable()
      .all.filter(({ mountPoint }) => placesOf(spec.root).includes(mountPoint))
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

/** Where it mounts something: the directory itself, and the parts in the tmpfs over it. */
const placesOf = (root: NewRoot | undefined): string[] =>
  root === undefined
    ? []
    : [
        placeOf(root),
        `${placeOf(root)}/${parts.lower}`,
        ...(root.overlay?.keptIn ? [`${placeOf(root)}/${parts.changes}`] : []),
      ];
