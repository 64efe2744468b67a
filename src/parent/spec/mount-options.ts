/** --bind, --tmpfs and --mount: what is mounted in the new root. Everything that is wrong with them is said here. */
import { lstatSync, statSync } from 'node:fs';
import { normalize } from 'node:path';
import { pathOf } from '../../common/byte-text.js';
import { defined } from '../../common/defined.js';
import { usageFailure } from '../../common/failure.js';
import { isWithin } from '../../common/is-within.js';
import { keptFlags } from '../../common/mount-flags.js';
import { mountOf } from '../../common/mount-table.js';
import { resolveBeneath } from '../../common/program.js';
import type { BoundOverlay, Overlay, RequestedMount } from '../../common/spec.js';
import type { Values } from '../command-line/subcommand.js';
import { existing, existingFolder } from './existing.js';
import { mountFields } from './mount-fields.js';
import { tmpfsSize } from './tmpfs-size.js';

/**
 * All of them in one list, parents before what lies in them: what is mounted later covers what is there.
 * @param root the new root, as a path of the host
 * @throws Failure with status 2
 */
export function requestedMounts(options: Values['options'], root: string): RequestedMount[] {
  const mounts = [
    ...list(options.bind).map((text) => bindMount(text, root)),
    ...list(options.tmpfs).map((text) => tmpfsMount(text, root)),
    ...list(options.mount).map((text) => describedMount(text, root)),
  ].sort((a, b) => depth(a.target) - depth(b.target));
  const twice = mounts.find(
    ({ target }, index) => mounts.findIndex((other) => other.target === target) < index,
  );
  if (twice !== undefined) throw usageFailure(`two mounts have the same target, ${twice.target}`);
  return mounts;
}

function bindMount(text: string, root: string): RequestedMount {
  const [source, target, access = '', ...more] = text.split(':');
  const [, layered, keptIn] = /^(overlay)(?:=(.+))?$/s.exec(access) ?? [];
  if (!source || !target || more.length > 0 || !(layered || ['', 'ro'].includes(access))) {
    throw usageFailure(
      `--bind “${text}” is not of the form SRC:DST, SRC:DST:ro, SRC:DST:overlay or SRC:DST:overlay=CHANGES`,
      text.split(':').length > 2
        ? 'For a path with a colon: --mount type=bind,source=SRC,target=DST'
        : 'For example: --bind=/srv/data:/data:ro',
    );
  }
  return bind({
    option: '--bind',
    source,
    target: targetOf('--bind', text, target, root),
    readOnly: access === 'ro',
    overlay: layered === undefined ? undefined : { keptIn: keptIn ?? null },
  });
}

function tmpfsMount(text: string, root: string): RequestedMount {
  const [target = '', option, ...more] = text.split(':');
  const size = option === undefined ? undefined : /^size=(.*)$/is.exec(option)?.[1];
  if (more.length > 0 || (option !== undefined && !size)) {
    throw usageFailure(
      `--tmpfs “${text}” is not of the form DST or DST:size=SIZE`,
      'For example: --tmpfs=/tmp:size=64m',
    );
  }
  return {
    kind: 'tmpfs',
    target: targetOf('--tmpfs', text, target, root),
    ...defined({ size: size && tmpfsSize(`--tmpfs “${text}”`, size) }),
  };
}

/** --mount, as Docker has it. */
function describedMount(text: string, root: string): RequestedMount {
  const { type, source, target: given, readOnly, size, overlay } = mountFields(text);
  const target = targetOf('--mount', text, given, root);
  if (type === 'tmpfs')
    return { kind: 'tmpfs', target, ...defined({ size: size && tmpfsSize(`--mount “${text}”`, size) }) };
  return bind({ option: '--mount', source, target, readOnly, overlay });
}

function bind({
  option,
  source,
  target,
  readOnly,
  overlay,
}: {
  readonly option: string;
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly overlay: Overlay | undefined;
}): RequestedMount {
  const path = existing(option, source);
  const directory = statSync(pathOf(path)).isDirectory();
  const layer = overlay && boundOverlay(option, path, overlay.keptIn);
  return { kind: 'bind', source: path, target, directory, readOnly, ...defined({ overlay: layer }) };
}

/** @throws Failure (status 2) where there can be no overlay above this source, or none that keeps its changes there */
function boundOverlay(option: string, source: string, given: string | null): BoundOverlay {
  const found = statSync(pathOf(source));
  const { mode, uid, gid, dev } = found;
  if (!found.isDirectory())
    throw usageFailure(`${option}: ${source} is not a directory, and an overlay shows directories`);
  const keptIn = given && existingFolder(`${option} …:overlay`, given, `Make it: mkdir ${given}`);
  // Another file system that is mounted in the source is no part of the overlay.
  if (
    keptIn &&
    (isWithin(keptIn, source) || isWithin(source, keptIn)) &&
    statSync(pathOf(keptIn)).dev === dev
  )
    throw usageFailure(
      `${option}: of ${source} and ${keptIn}, where its changes would be kept, one lies in the other`,
      'Keep the changes elsewhere.',
    );
  const forbidden = keptFlags(mountOf(source)?.options ?? '');
  return { keptIn, mode: mode & 0o7777, uid, gid, forbidden };
}

/** Where in the new root something is mounted: an absolute path without `.` and `..`. */
function targetOf(option: string, text: string, given: string, root: string): string {
  if (!given.startsWith('/'))
    throw usageFailure(`${option} “${text}”: the target inside, “${given}”, must begin with /`);
  const target = normalize(given).replace(/\/+$/, '');
  if (target === '') throw usageFailure(`${option} “${text}”: the root itself is chosen by --mnt`);
  checkTarget(option, target);
  // A link of the root file system may lead to the same places; the container resolves it again.
  const led = resolveBeneath(root, target).slice(root.replace(/\/+$/, '').length);
  if (led !== target) checkTarget(option, led, target);
  return target;
}

/** What the kernel provides in every new root: a mount there would hide what the launch itself needs. */
const provided = ['/proc', '/sys', '/dev'];

/** Below those, what is no place for a mount. */
const excluded: readonly { readonly path: RegExp; readonly why: string }[] = [
  {
    path: /^\/proc\/(self|thread-self|net|mounts|\d+)(\/|$)/,
    why: 'it belongs to a process, and the launch checks its own work in it',
  },
  {
    path: /^\/dev\/(fd|stdin|stdout|stderr|ptmx)(\/|$)/,
    why: 'every new root gets a link of that name',
  },
];

/** @throws Failure (status 2) for a target where nothing can, or may, be mounted */
function checkTarget(option: string, target: string, typed = target): void {
  const said = typed === target ? `${option}: ${target}` : `${option}: ${typed}, which leads to ${target},`;
  if (provided.includes(target))
    throw usageFailure(
      `${said} cannot be a target: every new root gets a ${target} from the kernel`,
      'Choose another target.',
    );
  const found = excluded.find(({ path }) => path.test(target));
  if (found !== undefined)
    throw usageFailure(`${said} cannot be a target: ${found.why}`, 'Choose another target.');
  // Only the kernel adds to proc(5) and sysfs(5).
  const [, top] = target.split('/');
  if ((top === 'proc' || top === 'sys') && lstatSync(pathOf(target), { throwIfNoEntry: false }) === undefined)
    throw usageFailure(
      `${said} cannot be a target: /${top} has nothing of that name, and nobody can add to it`,
      'Choose another target.',
    );
}

const list = (given: unknown): string[] => (given as string[] | undefined) ?? [];
const depth = (path: string): number => path.split('/').length;
