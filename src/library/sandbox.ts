/**
 * The options for the case that most programs want: a command that sees the host's own tree, and may change and read only
 * what it is to. They are options of launch() and nothing else, so `commandLine` says the same.
 */
import { accessSync, constants, lstatSync, type Stats, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { linkText, realPath } from '../common/byte-text.js';
import { defined } from '../common/defined.js';
import { usageFailure } from '../common/failure.js';
import { errnoWords, errorCode } from '../common/kernel/kernel-error.js';
import { namesOf, walkDown } from '../common/path-walk.js';
import { isPlaceholder } from '../common/placeholder.js';
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
  /** Those of `read` and `hide` that do not exist. In a writable folder nothing can be made in their place. */
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
  for (const path of hiddenAnyway) if (statOf(path)?.isDirectory()) places.set(realPath(path), 'hide');
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
  const guards = new Set<string>();
  for (const [access, paths] of [
    ['read', read],
    ['hide', hide],
  ] as const)
    for (const path of paths) {
      const found = denied(path, places);
      if (found.exists) add(found.place, access);
      else missing.push(path);
      if (!found.exists && found.guard !== undefined) guards.add(found.guard);
    }
  for (const guard of guards) if (!places.has(guard) && canBeMade(guard)) places.set(guard, guardOf(guard));
  const resolver = network ? resolverFile() : undefined;
  if (resolver !== undefined && accessOf(resolver, places) === 'hide') places.set(resolver, 'read');
  const given = { ...optionsFor(guarded(places, guards)), ...(network ? {} : { net: true }) };
  const commandLine = ['gontainer', 'run', ...optionWords(given)].map(shellWord).join(' ');
  // Not among what a program passes on: launch() has no such options.
  return Object.defineProperties(given as typeof given & SandboxReport, {
    commandLine: { value: commandLine },
    missing: { value: missing },
  });
}

function existing(path: string): string {
  try {
    return realPath(path);
  } catch {
    throw usageFailure(`write of sandbox() names ${path}, which does not exist`, 'Make it first.');
  }
}

/** Where a denied path is, without symbolic links. */
type Denied =
  | { readonly exists: true; readonly place: string }
  /** In a writable folder the first of its names that is not there, or is a file: what must not become a folder. */
  | { readonly exists: false; readonly guard?: string };

/**
 * @throws Failure where whoever may write to the folder of a link could put something else in its place, and where nobody can
 *   say what is there
 */
function denied(path: string, places: ReadonlyMap<string, Access>): Denied {
  const names = namesOf(isAbsolute(path) ? path : `${process.cwd()}/${path}`);
  let guard: string | undefined;
  const end = walkDown(names, (along, isLast) => {
    const next = `/${along.join('/')}`;
    const isWritable = accessOf(dirname(next), places) === 'write';
    const found = lookedAt(next, isWritable);
    if (found?.isSymbolicLink()) {
      if (!isWritable) return { link: linkText(next) };
      throw usageFailure(
        `${next} is a symbolic link in a folder that the command may write to, so it could be replaced and ${path} with it`,
        'Deny what it leads to, and put that in its place.',
      );
    }
    // What lies below a file does not exist, until somebody puts a folder in its place.
    if (found !== undefined && (isLast || found.isDirectory())) return 'here';
    if (isWritable) guard = next;
    return 'nothing';
  });
  if (typeof end === 'string') {
    if (names.includes('..'))
      throw usageFailure(`${path} leads over what does not exist`, 'Name it without “..”.');
    return { exists: false, ...defined({ guard }) };
  }
  const place = `/${end.join('/')}`;
  const found = lstatSync(place);
  // What a launch of somebody else has made for its mounts is gone when that is.
  if (isPlaceholder(found) && found.isFile()) return { exists: false, guard: place };
  if (found.isFile() && found.nlink > 1)
    throw usageFailure(
      `${path} has ${found.nlink} names (hard links), and by another one the command might reach it`,
      'Make it a file of its own: copy it, and put the copy in its place.',
    );
  return { exists: true, place };
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
function guarded(places: ReadonlyMap<string, Access>, guards: ReadonlySet<string>): Map<string, Access> {
  const all = new Map(places);
  for (const [place, access] of places) {
    if (access === 'write' && !guards.has(place)) continue;
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
    const folder = statOf(place)?.isDirectory() === true;
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
    return realPath('/etc/resolv.conf');
  } catch {
    return undefined;
  }
}

const statOf = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false });

/**
 * @param isWritable whether it lies in a folder that the command may write to
 * @returns undefined where nothing is, or where neither this program nor its commands may look
 * @throws Failure where the command could give itself the right to
 */
function lookedAt(path: string, isWritable: boolean): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (['ENOENT', 'ENOTDIR'].includes(code)) return undefined;
    const isNobodys = !isWritable || (code === 'EACCES' && !isOwn(dirname(path)));
    if (isNobodys && ['EACCES', 'ELOOP', 'ENAMETOOLONG'].includes(code)) return undefined;
    throw usageFailure(
      `${path} is denied, but nobody can say what is there: ${errnoWords(error)}`,
      'Deny the folder that it lies in.',
    );
  }
}

/** Where nothing is, nothing can be made; a file in whose place a folder could be put stays that file. */
function guardOf(path: string): Access {
  const found = statOf(path);
  return found === undefined || isPlaceholder(found) ? 'hide' : 'write';
}

/** Whether a command could make it. Where it could by changing a permission first, this program could as well. */
function canBeMade(path: string): boolean {
  const folder = dirname(path);
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch (error) {
    return errorCode(error) !== 'EROFS' && isOwn(folder);
  }
}

const isOwn = (path: string): boolean => statSync(path).uid === process.getuid?.();
