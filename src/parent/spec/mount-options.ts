/** --bind, --tmpfs and --mount: what is mounted in the new root. Everything that is wrong with them is said here. */
import { lstatSync, statSync } from 'node:fs';
import { normalize } from 'node:path';
import { pathOf } from '../../common/byte-text.js';
import { defined } from '../../common/defined.js';
import { usageFailure } from '../../common/failure.js';
import { resolveBeneath } from '../../common/program.js';
import type { RequestedMount } from '../../common/spec.js';
import type { Values } from '../command-line/subcommand.js';
import { existing } from './existing.js';
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
  const [source, target, access, ...more] = text.split(':');
  if (!source || !target || more.length > 0 || (access !== undefined && access !== 'ro')) {
    throw usageFailure(
      `--bind “${text}” is not of the form SRC:DST or SRC:DST:ro`,
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
  const { type, source, target: given, readOnly, size } = mountFields(text);
  const target = targetOf('--mount', text, given, root);
  if (type === 'tmpfs')
    return { kind: 'tmpfs', target, ...defined({ size: size && tmpfsSize(`--mount “${text}”`, size) }) };
  return bind({ option: '--mount', source, target, readOnly });
}

function bind({
  option,
  source,
  target,
  readOnly,
}: {
  readonly option: string;
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}): RequestedMount {
  const path = existing(option, source);
  return { kind: 'bind', source: path, target, directory: statSync(pathOf(path)).isDirectory(), readOnly };
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
