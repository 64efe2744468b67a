/** A mount needs something to be mounted on, of the same kind: a directory or a file. */
import { lstatSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { linkText, pathOf } from '../byte-text.js';
import { Failure } from '../failure.js';
import type { Kernel } from '../kernel/kernel.js';
import { KernelError } from '../kernel/kernel-error.js';
import { namesOf, walkDown } from '../path-walk.js';
import type { LaunchSpec, RequestedMount } from '../spec.js';
import type { Step } from '../step.js';
import { namedFiles } from './names.js';
import { hostPath } from './new-root-shell.js';
import { seen } from './seen.js';

interface MountPoint {
  readonly path: string;
  readonly kind: 'directory' | 'file';
  /** Whether the launch can do without it. */
  readonly optional: boolean;
}

/** What every new root has. */
const ownPlaces = ['/proc', '/sys', '/dev'];

/** What a requested mount has to be mounted on. */
export const kindOf = (mount: RequestedMount): MountPoint['kind'] =>
  mount.kind === 'bind' && !mount.directory ? 'file' : 'directory';

/** Those in the root file system itself; what lies in another mount is made when that one is there. */
export function mountPointsOf(spec: LaunchSpec): MountPoint[] {
  const requested = spec.root?.mounts ?? [];
  const covered = [...ownPlaces, ...requested.map(({ target }) => target)];
  return [
    ...ownPlaces.map((path) => ({ path, kind: 'directory', optional: false }) as const),
    ...namedFiles(spec).map((path) => ({ path, kind: 'file', optional: true }) as const),
    ...requested
      .filter(({ target }) => !covered.some((other) => target.startsWith(`${other}/`)))
      .map((mount) => ({
        path: mount.target,
        kind: kindOf(mount),
        optional: false,
      })),
  ];
}

export const mountPointsStep: Step = {
  id: 'mount-points',
  stage: 'child',
  title: () => 'find a place for each mount',
  why:
    'A mount covers a directory or file, which has to exist. What the root file system lacks is made, empty, and removed ' +
    'again afterwards unless another container is using the same root file system.',
  man: 'mount(2), mkdir(2)',
  shell: (spec) => {
    const paths = (wanted: 'directory' | 'file') =>
      mountPointsOf(spec)
        .filter(({ kind, optional }) => kind === wanted && !optional)
        .map(({ path }) => hostPath(spec, path));
    const files = paths('file').map((path) => `mkdir -p $(dirname ${path}) && [ -e ${path} ] || : > ${path}`);
    const optional = mountPointsOf(spec)
      .filter((point) => point.optional)
      .map(({ path }) => hostPath(spec, path))
      .map((path) => `[ -e ${path} ] || : 2>/dev/null > ${path} || true`);
    return [`mkdir -p ${paths('directory').join(' ')}`, ...files, ...optional].join('; ');
  },
  gist: () => 'mkdir -p proc sys dev',
  prepares: true,
  applies: ({ root }) => root !== undefined,
  refusals: () =>
    (['mkdir', 'open'] as const).map((call) => ({
      call,
      instead:
        'a file for the names of hosts is missing in the new root and cannot be made, so nothing is put over it',
    })),
  run: ({ spec, kernel }) => {
    for (const path of ownPlaces) refuseLink(kernel, path);
    for (const { path, kind, optional } of mountPointsOf(spec)) {
      if (!optional) makeMountPoint(kernel, path, kind);
      // An /etc is not made for their sake.
      else if (statOf(seen(kernel, dirname(path)))?.isDirectory()) tryMountPoint(kernel, path, kind);
    }
  },
  evidence: ({ spec }) => ({
    missing: mountPointsOf(spec)
      .filter(({ path }) => statOf(path) === undefined)
      .map(({ path }) => path),
  }),
  summary: (before, after) => {
    const [lacked, lacks] = [before.missing, after.missing] as string[][];
    const made = lacked?.filter((path) => !lacks?.includes(path)) ?? [];
    return [
      made.length === 0 ? 'nothing had to be made' : `made ${made.join(' ')}`,
      ...(lacks?.length ? [`without ${lacks.join(' ')}`] : []),
    ].join('; ');
  },
  shortfall: (_, after, spec) => {
    const missing = mountPointsOf(spec).find(
      ({ path, optional }) => !optional && (after.missing as string[]).includes(path),
    );
    return missing && `${missing.path} is missing`;
  },
};

/**
 * Makes a mount point, and the directories above it, where they are missing. Paths are seen from the new root.
 * @param links whether a symbolic link that leads nowhere is refused, or what it leads to is made: an image of a system
 *   with systemd-resolved has its /etc/resolv.conf lead into /run, where there is nothing yet
 * @throws Failure when something of the other kind is in its place, KernelError when it cannot be made
 */
export function makeMountPoint(
  kernel: Kernel,
  path: string,
  kind: 'directory' | 'file',
  links: 'refused' | 'made' = 'refused',
): void {
  const end = walkDown(namesOf(path), (names, isLast) => {
    const place = `/${names.join('/')}`;
    const found = lstatSync(pathOf(join(kernel.root, place)), { throwIfNoEntry: false });
    const leadsOn = links === 'made' || statOf(seen(kernel, place)) !== undefined;
    if (found?.isSymbolicLink() && leadsOn) return { link: linkAt(kernel, place) };
    const wanted = isLast ? kind : 'directory';
    // Over a link that leads nowhere this fails, and the advice says so.
    if (found === undefined || found.isSymbolicLink()) make(kernel, place, wanted);
    else if (found.isDirectory() !== (wanted === 'directory')) throw wrongKind(place, wanted);
    return 'here';
  });
  if (end === 'loop') throw wrongKind(path, kind);
}

/** Where programs look for /proc, /sys and /dev there must be nothing else, whatever a link in their place says. */
function refuseLink(kernel: Kernel, path: string): void {
  if (!lstatSync(pathOf(join(kernel.root, path)), { throwIfNoEntry: false })?.isSymbolicLink()) return;
  throw new Failure(
    `step mount-points: ${path} in the new root is a symbolic link, and has to be a directory`,
    {
      next: 'Put an empty directory in its place.',
    },
  );
}

function linkAt(kernel: Kernel, path: string): string {
  try {
    return linkText(join(kernel.root, path));
  } catch (cause) {
    throw new Failure(`step mount-points: ${path} in the new root was changed by somebody at this moment`, {
      next: 'Find out who, or run it again.',
      cause,
    });
  }
}

function make(kernel: Kernel, pathname: string, kind: 'directory' | 'file'): void {
  const before = kernel.call('umask', { mask: 0 });
  try {
    if (kind === 'directory') kernel.call('mkdir', { pathname, mode: 0o755 });
    else {
      const flags = ['O_WRONLY', 'O_CREAT', 'O_EXCL', 'O_CLOEXEC'] as const;
      kernel.call('close', { fd: kernel.call('open', { pathname, flags, mode: 0o644 }) });
    }
  } finally {
    kernel.call('umask', { mask: before });
  }
}

/** The same for one that the launch can do without. */
function tryMountPoint(kernel: Kernel, path: string, kind: 'directory' | 'file'): void {
  try {
    makeMountPoint(kernel, path, kind, 'made');
  } catch (error) {
    if (!(error instanceof KernelError || error instanceof Failure)) throw error;
  }
}

const wrongKind = (path: string, wanted: 'directory' | 'file'): Failure =>
  new Failure(
    `step mount-points: a ${wanted} is needed at ${path} in the new root, and something else is there`,
    {
      next: 'Put one in its place, or choose another target.',
    },
  );

/** Undefined where nothing is, or a link leads nowhere. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(pathOf(path), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
