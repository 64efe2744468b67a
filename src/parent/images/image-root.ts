/**
 * The root of `gontainer run --image`: a copy of the image that all its containers share, in
 * `$XDG_DATA_HOME/gontainer/images/KEY/root`. It is made when it is not there yet.
 */
import { createHash } from 'node:crypto';
import { type BigIntStats, existsSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { defined } from '../../common/defined.js';
import { exitStatus, Failure, isFailure, usageFailure } from '../../common/failure.js';
import { errnoWords } from '../../common/kernel/kernel-error.js';
import type { ChosenImage, ImageDefaults } from '../spec/image-defaults.js';
import { defaultLimits } from './archive/limits.js';
import type { Tally } from './archive/tally.js';
import { imageName, parseReference } from './image/image-reference.js';
import { type Platform, platformName } from './image/platform.js';
import { noteImage } from './kept/cached-images.js';
import { copiesFolder } from './kept/image-copies.js';
import { namesIn } from './kept/names-in.js';
import { noteRoot, readRecord, writeRecord } from './kept/root-record.js';
import type { Progress } from './progress-line.js';
import { buildBeside } from './staging.js';
import { isUnfinished } from './unfinished.js';

/** When a registry is asked for an image: where there is no copy, for each launch, or not at all. */
export type PullPolicy = 'missing' | 'always' | 'never';

export interface ImageRootRequest {
  /** A name, an archive or a folder. */
  readonly image: string;
  readonly platform: Platform;
  /** Whether its users are to be those of --map-auto. */
  readonly mapped: boolean;
  /** Whether to pull or import what is not there. */
  readonly makes: boolean;
  readonly pull: PullPolicy;
  readonly progress: Progress;
}

export interface ImageRoot extends ChosenImage {
  /** An absolute path. */
  readonly path: string;
  /** Whether the copy was made just now. */
  readonly isNew: boolean;
  /** Of a new copy, unless another process counted. */
  readonly tally?: Tally;
}

/** Where the image comes from, and what its copy is called. */
interface Source {
  readonly key: string;
  /** What makes a root of it, but for its folder: `rootfs import FILE`. */
  readonly words: readonly string[];
  /** Fills a folder that does not exist yet. */
  make(directory: string): Promise<Made>;
  /** The digest of what the name means to its registry now; absent where there is no registry. */
  readonly newest?: (() => Promise<string>) | undefined;
}

interface Made {
  readonly description: string;
  /** Absent where another process counted. */
  readonly tally?: Tally;
  readonly image?: ImageDefaults;
}

/** Milliseconds between two looks whether another process has made the copy. */
const pause = 200;

/**
 * Finds the copy of an image, or makes it.
 * @throws Failure (status 2) when there is no such file, or the name is none; (status 125) when it cannot be pulled or
 * unpacked. Then nothing is left of it.
 */
export async function imageRoot(request: ImageRootRequest): Promise<ImageRoot> {
  const plain = isHere(request.image) ? fileSource(request) : await registrySource(request);
  const source = request.mapped ? await withItsUsers(plain, request) : plain;
  const copies = copiesFolder();
  if (copies === undefined) {
    throw new Failure('There is no home folder to keep the image in', {
      next: 'Name a folder for it: XDG_DATA_HOME=/some/folder',
    });
  }
  const there = latestCopy(copies, source.key);
  return toldOfCopies(request, source, there, async () => {
    if (there !== undefined && !(await isOutdated(there, source, request))) return there;
    requireMaking(request, source);
    mkdirSync(copies, { recursive: true, mode: 0o700 });
    const name = there === undefined ? source.key : nextName(there.path);
    const copy = join(copies, name);
    await othersAreDone(copies, name, request.progress);
    const made = found(copy) ?? (await make(copy, source));
    // A container that runs in an older one keeps it.
    if (there !== undefined) await (await import('./kept/remove-root.js')).removeCopies([there.path]);
    return made;
  });
}

/** Each copy that takes another's place has the next number: `KEY`, `KEY.2`, `KEY.3`. */
function latestCopy(copies: string, key: string): ImageRoot | undefined {
  return namesIn(copies)
    .filter((name) => name === key || name.startsWith(`${key}.`))
    .sort((one, other) => numberOf(other) - numberOf(one))
    .map((name) => found(join(copies, name)))
    .find((copy) => copy !== undefined);
}

const numberOf = (name: string): number => Number(/\.(\d+)$/.exec(name)?.[1] ?? 1);

function nextName(root: string): string {
  const name = basename(dirname(root));
  return `${name.replace(/\.\d+$/, '')}.${numberOf(name) + 1}`;
}

async function isOutdated(
  { from }: ImageRoot,
  { newest }: Source,
  { pull, makes }: ImageRootRequest,
): Promise<boolean> {
  return pull === 'always' && makes && newest !== undefined && !from.endsWith(await newest());
}

/** @throws Failure where nothing may be fetched or unpacked */
function requireMaking({ image, pull, makes }: ImageRootRequest, { newest }: Source): void {
  if (pull === 'never' && newest !== undefined)
    throw new Failure(`The image ${image} is not here yet, and --pull=never fetches nothing`, {
      next: 'Leave --pull out once.',
    });
  if (!makes)
    throw usageFailure(
      `The image ${image} is not here yet, and a rehearsal makes nothing`,
      `Fetch it first: gontainer run --uid --image ${image} -- true`,
    );
}

/** Where a registry does not give the image, it matters whether there is another way to have it. */
async function toldOfCopies<Result>(
  { image, pull }: ImageRootRequest,
  { newest }: Source,
  there: ImageRoot | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (newest === undefined || pull === 'never' || !isFailure(error)) throw error;
    const { message, status, next = '', cause } = error;
    if (status !== exitStatus.launcher) throw error;
    const made = there && readRecord(there.path)?.made.slice(0, 10);
    const said =
      there === undefined
        ? `No copy of ${image} is here.`
        : `A copy of ${made} is here: --pull=missing takes that.`;
    throw new Failure(message, { status, next: `${next} ${said}`.trim(), cause });
  }
}

/** The same, unpacked where the image's users are those that the container will have. */
async function withItsUsers(
  { key, words, newest }: Source,
  { image, platform }: ImageRootRequest,
): Promise<Source> {
  const { mapsOfUser, runSubcommandMapped } = await import('./own-users.js');
  const more = ['--quiet', '--platform', platformName(platform)];
  return {
    key: keyOf(key, mapsOfUser()),
    words,
    newest,
    make: async (directory) => {
      const status = await runSubcommandMapped([...words, directory, ...more]);
      if (status !== 0)
        throw new Failure(`The image ${image} was not unpacked`, {
          status,
          next: 'The reason stands above.',
        });
      const { from: description = 'a tar archive', image: defaults } = readRecord(directory) ?? {};
      return defined({ description, image: defaults });
    },
  };
}

/** In a folder of its own that becomes the copy: so what is beside the root is there when the root is. */
async function make(copy: string, source: Source): Promise<ImageRoot> {
  try {
    const made = await buildBeside(copy, async ({ directory }) => {
      const root = join(directory, 'root');
      const { description, tally, image = {} } = await source.make(root);
      writeRecord(root, { made: new Date().toISOString(), from: description, image });
      return defined({ from: description, defaults: image, tally });
    });
    const path = join(copy, 'root');
    noteRoot(path, { made: new Date().toISOString(), from: made.from });
    return { path, isNew: true, ...made };
  } catch (error) {
    // Another process was faster in the same moment.
    const there = found(copy);
    if (there === undefined) throw error;
    return there;
  }
}

function found(copy: string): ImageRoot | undefined {
  const path = join(copy, 'root');
  const { from, image } = readRecord(path) ?? {};
  return from === undefined || !existsSync(path)
    ? undefined
    : { path, isNew: false, from, defaults: image ?? {} };
}

/** Waits for processes that make the same copy. What they cannot make, this one tries itself. */
async function othersAreDone(copies: string, key: string, progress: Progress): Promise<void> {
  const prefix = `.${key}.unfinished-`;
  while (readdirSync(copies).some((name) => name.startsWith(prefix) && isUnfinished(name))) {
    progress.show(() => 'another process unpacks this image');
    await later(pause);
  }
}

/** A name could be that of a file too; what begins like a path is none of a registry's. */
const isHere = (image: string): boolean => /^\.{0,2}\//.test(image) || existsSync(image);

function fileSource({ image, platform, progress }: ImageRootRequest): Source {
  const state = (path: string): BigIntStats => {
    try {
      return statSync(path, { bigint: true });
    } catch (error) {
      throw usageFailure(
        `Cannot read the image ${image}: ${errnoWords(error)}`,
        'Name an archive, a folder, or an image in a registry, for example alpine.',
      );
    }
  };
  const top = state(image);
  if (!top.isFile() && !top.isDirectory())
    throw usageFailure(
      `${image} is neither a file nor a folder`,
      'Import it: gontainer rootfs import SOURCE DIR',
    );
  const index = ['index.json', 'manifest.json']
    .map((name) => join(image, name))
    .find((name) => existsSync(name));
  const { dev, ino, size, mtimeNs, ctimeNs } = top.isDirectory() && index !== undefined ? state(index) : top;
  const identity = [dev, ino, size, mtimeNs, ctimeNs, platformName(platform)].join(' ');
  return {
    key: keyOf(basename(image), `${realpathSync(image)} ${identity}`),
    words: ['rootfs', 'import', image],
    make: async (directory) => {
      const { importRootfs } = await import('./import.js');
      return importRootfs({ source: image, directory, platform, limits: defaultLimits, progress });
    },
  };
}

async function registrySource({ image, platform, progress }: ImageRootRequest): Promise<Source> {
  const reference = parseReference(image);
  const name = imageName(reference);
  return {
    key: keyOf(`${reference.repository}-${reference.version}`, `${name} ${platformName(platform)}`),
    words: ['rootfs', 'pull', image],
    newest: async () => {
      const { currentDigest } = await import('./pull.js');
      const { loginFor } = await import('./registry/login.js');
      return currentDigest({ reference, insecure: false, credentials: await loginFor(reference, {}) });
    },
    make: async (directory) => {
      const { pullRootfs } = await import('./pull.js');
      const { loginFor } = await import('./registry/login.js');
      const credentials = await loginFor(reference, {});
      const request = {
        reference,
        insecure: false,
        directory,
        platform,
        limits: defaultLimits,
        progress,
        credentials,
      };
      const { description, digest, blobs, ...made } = await pullRootfs(request);
      noteImage({ name, digest, pulled: new Date().toISOString(), blobs });
      return { ...made, description: `${description}, ${digest}` };
    },
  };
}

/** The end of a name, so that a person knows the copy, and what tells it from others. */
function keyOf(name: string, identity: string): string {
  const readable = name
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .slice(-40)
    .replace(/^[-.]+/, '');
  const digest = createHash('sha256').update(`${name}\0${identity}`).digest('hex').slice(0, 12);
  return `${readable}-${digest}`;
}
