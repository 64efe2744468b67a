/**
 * The options for the case that most programs want: a command that sees the host's own tree, and may change and read only
 * what it is to. They are options of launch() and nothing else, so `commandLine` says the same.
 */
import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { usageFailure } from '../common/failure.js';
import { namesOf } from '../common/path-walk.js';
import { shellWord } from '../common/shell-word.js';
import type { RunOptions } from './launch-options.js';
import { checkOptions, type KindName } from './option-kinds.js';
import { optionWords } from './option-words.js';

/** Relative paths start at the program's own directory. Of several that lie in each other the deepest counts. */
export interface SandboxOptions {
  /** What the command may change; everything else is read-only. */
  readonly write?: readonly string[];
  /** What stays read-only although it lies in a writable folder, or is shown although it lies in a hidden one. */
  readonly read?: readonly string[];
  /** What the command does not see: a folder is empty, and so is a file. */
  readonly hide?: readonly string[];
  /** Whether the command has the host's network; without it there is none but the loopback interface. */
  readonly network?: boolean;
}

type Access = 'write' | 'read' | 'hide';

/** What a program may show of a sandbox; it is not passed on with the options. */
interface SandboxReport {
  /** The command line that does the same, up to the command. */
  readonly commandLine: string;
  /** Those of `read` and `hide` that do not exist, so that there is nothing to protect. */
  readonly missing: readonly string[];
}

/** The options for launch(), which a program may add to: `launch({ ...sandbox(…), command })`. */
export type Sandbox = { readonly pid: true } & Pick<
  RunOptions,
  (typeof fixed)[number] | 'net' | 'bind' | 'tmpfs' | 'mount'
> &
  SandboxReport;

const kinds = {
  write: 'paths',
  read: 'paths',
  hide: 'paths',
  network: 'flag',
} as const satisfies Record<keyof SandboxOptions, KindName>;

const fixed = ['uid', 'pid', 'ipc', 'uts', 'mnt', 'readOnly', 'capDrop'] as const;

/** Sockets of the host's daemons lie here. Read-only does not keep anybody from connecting to them: unix(7). */
const hiddenAnyway = ['/tmp', '/run'];

/**
 * @throws Failure (status 2) for what cannot be promised: a writable path that does not exist, two rules for one path, a
 *   denied path that could be put aside by its name
 */
export function sandbox(options: SandboxOptions = {}): Sandbox {
  checkOptions('sandbox()', options, kinds);
  const { write = [], read = [], hide = [], network = false } = options;
  const places = new Map<string, Access>();
  for (const path of hiddenAnyway) if (statOf(path)?.isDirectory()) places.set(realpathSync(path), 'hide');
  const named = new Set<string>();
  const add = (place: string, access: Access): void => {
    if (place === '/') throw usageFailure(`${access} of sandbox() cannot be /`, 'Name the folders in it.');
    if (named.has(place))
      throw usageFailure(`sandbox() has two rules for ${place}`, 'Leave out one of the two.');
    named.add(place);
    places.set(place, access);
  };
  for (const path of write) add(existing(path), 'write');
  const missing: string[] = [];
  for (const [access, paths] of [
    ['read', read],
    ['hide', hide],
  ] as const)
    for (const path of paths) {
      const place = denied(resolve(path), places);
      if (place === undefined) missing.push(path);
      else add(place, access);
    }
  const resolver = network ? resolverFile() : undefined;
  if (resolver !== undefined && accessOf(resolver, places) === 'hide') places.set(resolver, 'read');
  const given = { ...optionsFor(guarded(places)), ...(network ? {} : { net: true }) };
  const commandLine = ['gontainer', 'run', ...optionWords(given)].map(shellWord).join(' ');
  // Not among what a program passes on: launch() has no such options.
  return Object.defineProperties(given as typeof given & SandboxReport, {
    commandLine: { value: commandLine },
    missing: { value: missing },
  });
}

function existing(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw usageFailure(`write of sandbox() names ${path}, which does not exist`, 'Make it first.');
  }
}

/**
 * Where a denied path is, without symbolic links; undefined where there is nothing.
 * @throws Failure where whoever may write to the folder of a link could put something else in its place
 */
function denied(path: string, places: ReadonlyMap<string, Access>): string | undefined {
  let place = '/';
  for (const name of namesOf(path)) {
    const next = join(place, name);
    const found = lstatOf(next);
    if (found === undefined) return undefined;
    if (found.isSymbolicLink() && accessOf(place, places) === 'write')
      throw usageFailure(
        `${next} is a symbolic link in a folder that the command may write to, so it could be replaced and ${path} with it`,
        'Deny what it leads to, and put that in its place.',
      );
    if (found.isSymbolicLink() && statOf(next) === undefined) return undefined;
    place = found.isSymbolicLink() ? realpathSync(next) : next;
  }
  const found = statSync(place);
  if (found.isFile() && found.nlink > 1)
    throw usageFailure(
      `${path} has ${found.nlink} names (hard links), and by another one the command might reach it`,
      'Make it a file of its own: copy it, and put the copy in its place.',
    );
  return place;
}

/** The rule for a path: that of the deepest place that it lies in. */
function accessOf(path: string, places: ReadonlyMap<string, Access>): Access {
  for (let at = path; at !== '/'; at = dirname(at)) {
    const access = places.get(at);
    if (access !== undefined) return access;
  }
  return 'read';
}

/**
 * A folder that something is mounted on cannot be renamed or removed (EBUSY: rename(2)), but the folders above it can, and
 * another be made in their place. So each folder between a writable one and what is denied in it is mounted, too.
 */
function guarded(places: ReadonlyMap<string, Access>): Map<string, Access> {
  const all = new Map(places);
  for (const [place, access] of places) {
    if (access === 'write') continue;
    for (let at = dirname(place); at !== '/' && !places.has(at); at = dirname(at))
      if (accessOf(at, places) === 'write') all.set(at, 'write');
  }
  return all;
}

function optionsFor(places: ReadonlyMap<string, Access>) {
  const bind: string[] = [];
  const tmpfs: string[] = [];
  const mount: string[] = [];
  for (const [place, access] of [...places].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const folder = statSync(place).isDirectory();
    const source = access === 'hide' ? '/dev/null' : place;
    const isHiddenFolder = access === 'hide' && folder;
    const own = hiddenAnyway.includes(place);
    if (place.includes(':')) {
      const fields = isHiddenFolder
        ? ['type=tmpfs', `target=${place}`, 'tmpfs-size=4k']
        : ['type=bind', `source=${source}`, `target=${place}`, ...(access === 'write' ? [] : ['readonly'])];
      mount.push(fields.map(csvField).join(','));
    } else if (isHiddenFolder) tmpfs.push(own ? place : `${place}:size=4k`);
    else bind.push(`${source}:${place}${access === 'write' ? '' : ':ro'}`);
  }
  return {
    uid: true,
    pid: true as const,
    ipc: true,
    uts: true,
    mnt: '/',
    readOnly: true,
    // Whoever could mount could take away what hides and protects.
    capDrop: ['all'],
    bind,
    tmpfs,
    mount,
  };
}

/** RFC 4180. */
const csvField = (field: string): string =>
  /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;

function resolverFile(): string | undefined {
  try {
    return realpathSync('/etc/resolv.conf');
  } catch {
    return undefined;
  }
}

const lstatOf = (path: string): Stats | undefined => lookedAt(() => lstatSync(path));
const statOf = (path: string): Stats | undefined => lookedAt(() => statSync(path));

/** Where this program may not look, nor may a command that it starts. */
function lookedAt(look: () => Stats): Stats | undefined {
  try {
    return look();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'].includes(code)) return undefined;
    throw error;
  }
}
