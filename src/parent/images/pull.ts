/** `gontainer rootfs pull`: a root file system from an image in a registry. */
import { counted } from '../../common/counted.js';
import { defined } from '../../common/defined.js';
import type { ImageDefaults } from '../spec/image-defaults.js';
import { Budget, type Limits } from './archive/limits.js';
import { Tally } from './archive/tally.js';
import { Tree } from './archive/tree.js';
import { digestOf, parseDigest } from './image/digest.js';
import { applyLayers, type ContentStore, findImage, type Image } from './image/image.js';
import { type Descriptor, largestDocument } from './image/image-documents.js';
import type { ImageReference } from './image/image-reference.js';
import type { Platform } from './image/platform.js';
import { finishRoot, keepsPrivileges } from './privileges.js';
import type { Progress } from './progress-line.js';
import { BlobCache, type Sender } from './registry/blob-cache.js';
import type { Credentials } from './registry/credentials.js';
import { acceptedManifests, Downloads } from './registry/downloads.js';
import type { Patience } from './registry/http-client.js';
import { PullProgress } from './registry/pull-progress.js';
import { Registry } from './registry/registry.js';
import { buildBeside } from './staging.js';

export interface PullRequest {
  readonly reference: ImageReference;
  /** Plain http instead of https. */
  readonly insecure: boolean;
  readonly directory: string;
  readonly platform: Platform;
  /** Whether to keep set-user-ID bits and file capabilities also where that closes the root to others. */
  readonly keepPrivileges?: boolean;
  readonly limits: Limits;
  readonly progress: Progress;
  readonly cache?: BlobCache;
  /** Is asked when the registry wants a login. */
  readonly credentials?: () => Credentials | undefined;
  readonly patience?: Patience;
}

export interface Pulled {
  readonly description: string;
  /** The digest that the tag leads to now: with it, the same image can be pulled again. */
  readonly digest: string;
  readonly tally: Tally;
  /** How it wants to be run. */
  readonly image: ImageDefaults;
  /** The digests of what was fetched, or was in the cache already. */
  readonly blobs: readonly string[];
}

/**
 * Pulls an image and unpacks it at `directory`. Blobs are kept in the cache under their digests and fetched once.
 * @throws Failure (status 2) when the folder cannot be used; (status 125) when the registry cannot be reached or has
 * no such image, and when something that came is not what the manifest says. The folder is then as it was.
 */
export function pullRootfs(request: PullRequest): Promise<Pulled> {
  return buildBeside(request.directory, async (staging) => {
    // One part that cannot be had ends the work on all others.
    const stop = new AbortController();
    const signal = AbortSignal.any([staging.signal, stop.signal]);
    const pull = new Pull(request, signal, (error) => stop.abort(error));
    try {
      return await pull.into(staging.directory);
    } catch (error) {
      staging.signal.throwIfAborted();
      stop.signal.throwIfAborted();
      throw error;
    } finally {
      stop.abort();
      await pull.settled();
    }
  });
}

/**
 * The digest that the name of an image leads to now: a digest that the name has leads to itself.
 * @throws Failure when the registry cannot be reached, or has no such image
 */
export async function currentDigest({
  reference,
  ...options
}: Pick<PullRequest, 'reference' | 'insecure' | 'credentials' | 'patience'>): Promise<string> {
  const { version } = reference;
  if (parseDigest(version) !== undefined) return version;
  const registry = new Registry(reference, { ...options, signal: new AbortController().signal });
  return digestOf(await registry.manifestBytes(version, acceptedManifests, largestDocument));
}

class Pull {
  private readonly request: PullRequest;
  private readonly signal: AbortSignal;
  private readonly fail: (error: unknown) => void;
  private readonly cache: BlobCache;
  private readonly registry: Registry;
  private readonly downloads: Downloads;
  private readonly progress: PullProgress;
  private readonly used = new Set<string>();

  constructor(request: PullRequest, signal: AbortSignal, fail: (error: unknown) => void) {
    const { reference, insecure, credentials, patience, progress, cache = new BlobCache() } = request;
    this.request = request;
    this.signal = signal;
    this.fail = fail;
    this.cache = cache;
    this.progress = new PullProgress(progress);
    this.registry = new Registry(reference, defined({ insecure, signal, credentials, patience }));
    this.downloads = new Downloads(this.registry, cache, {
      signal,
      patience,
      arrived: (digest, bytes) => this.progress.fetched(digest, bytes),
    });
  }

  async into(directory: string): Promise<Pulled> {
    const { reference, platform, limits, progress } = this.request;
    progress.begin(`${reference.repository} from ${reference.registry}`);
    const top = await this.resolveVersion();
    const image = await findImage(this.store, [top], platform);
    const layers = counted(image.layers.length, 'layer');
    this.fetchLayers(image, layers);
    const privileges = await keepsPrivileges(this.request);
    const tree = new Tree(directory, { privileges });
    const tally = new Tally({ privileges });
    const unpacking = { tree, budget: new Budget(limits), tally, whiteouts: true, signal: this.signal };
    await applyLayers(image, unpacking, () => {});
    await finishRoot(tree, this.request);
    return {
      description: `${reference.repository} (${layers})`,
      digest: top.digest,
      tally,
      image: image.configuration.defaults,
      blobs: [top.digest, ...this.used],
    };
  }

  settled(): Promise<void> {
    return this.downloads.settled();
  }

  private readonly store: ContentStore = {
    open: (descriptor, what) => this.content(descriptor, what),
  };

  private async *content(descriptor: Descriptor, what: string): AsyncGenerator<Uint8Array> {
    this.used.add(descriptor.digest);
    await this.downloads.fetch(descriptor, what);
    yield* this.progress.unpacking(this.cache.read(descriptor, what), what, descriptor.size);
  }

  /** Layers come while those before them are unpacked. */
  private fetchLayers({ layers }: Image, words: string): void {
    const missing = layers.filter(({ descriptor }) => this.cache.find(descriptor) === undefined);
    const sizes = new Map(missing.map(({ descriptor }) => [descriptor.digest, descriptor.size]));
    this.progress.expect(
      words,
      [...sizes.values()].reduce((sum, size) => sum + size, 0),
    );
    for (const { descriptor, what } of missing) this.downloads.fetch(descriptor, what).catch(this.fail);
  }

  /** Asks the registry what a tag leads to; the document is put into the cache. A digest that is there needs no asking. */
  private async resolveVersion(): Promise<Descriptor> {
    const { version } = this.request.reference;
    const byDigest = parseDigest(version) !== undefined;
    const known = byDigest ? this.cache.sizeOf(version) : undefined;
    if (known !== undefined) return { mediaType: '', digest: version, size: known };
    const bytes = await this.registry.manifestBytes(version, acceptedManifests, largestDocument);
    const descriptor = { mediaType: '', digest: byDigest ? version : digestOf(bytes), size: bytes.length };
    const send: Sender = async () => ({ offset: 0, bytes: once(bytes) });
    if (this.cache.find(descriptor) === undefined)
      await this.cache.fetch(descriptor, `manifest ${version}`, send, () => {});
    return descriptor;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
