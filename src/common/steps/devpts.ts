import { readdirSync } from 'node:fs';
import type { Constant } from '../kernel/constants.js';
import { mountsAt } from '../mount-table.js';
import { insideIds, type LaunchSpec } from '../spec.js';
import type { Step } from '../step.js';

/** The group tty of Debian, Fedora and others, to which terminals belong. */
const ttyGroup = 5;

const flags = ['MS_NOSUID', 'MS_NOEXEC'] as const satisfies readonly Constant[];
const options = (spec: LaunchSpec): string =>
  `newinstance,ptmxmode=0666,mode=0620${insideIds(spec).gid(ttyGroup) ? `,gid=${ttyGroup}` : ''}`;

/** What of the mount is the same in a /dev of its own (dev.ts). */
export const devpts = (spec: LaunchSpec) => ({ name: 'pts', type: 'devpts', flags, data: options(spec) });

/** The kernel makes none in a user namespace without an ID 0. */
export function mayHaveTerminals(spec: Pick<LaunchSpec, 'maps'>): boolean {
  const { uid, gid } = insideIds(spec);
  return uid(0) && gid(0);
}

/** The numbers of the terminals there, and ptmx. */
export function terminals(): string[] {
  try {
    return readdirSync('/dev/pts').sort();
  } catch {
    return [];
  }
}

export const devptsStep: Step = {
  id: 'devpts',
  stage: 'child',
  title: () => 'mount a new /dev/pts',
  why:
    'The host’s terminals are files in /dev/pts, and any process of the same user may open them. A new devpts has none, ' +
    'and terminals that are opened in it appear nowhere else.',
  man: 'pts(4), ptmx(4)',
  shell: (spec) => `mount -t devpts -o nosuid,noexec,${options(spec)} devpts /dev/pts`,
  // In a new root it comes with /dev.
  applies: (spec) =>
    spec.root === undefined &&
    // Each command that is asked for may get a terminal of its own.
    (spec.terminal === 'own' || (spec.controlDescriptor !== undefined && mayHaveTerminals(spec))),
  run: ({ spec, kernel }) => {
    kernel.call('mount', {
      source: 'devpts',
      target: '/dev/pts',
      filesystemtype: 'devpts',
      mountflags: flags,
      data: options(spec),
    });
  },
  evidence: () => ({
    '/dev/pts': terminals(),
    mounts: mountsAt('/dev/pts'),
  }),
  summary: () => 'empty: none of the host’s terminals',
  onHost: (_, mounts) => ({ 'mounts on the host': mountsAt('/dev/pts', mounts()) }),
  shortfall: (before, after) =>
    (after.mounts as string[]).length > (before.mounts as string[]).length
      ? undefined
      : 'no devpts is mounted at /dev/pts',
};
