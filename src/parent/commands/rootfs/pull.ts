/** `gontainer rootfs pull`: a root file system from an image in a registry. */
import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from '../../../common/failure.js';
import { Budget, type Limits } from './archive/limits.js';
import { Tally } from './archive/tally.js';
import { Tree } from './archive/tree.js';
import { digestOf, parseDigest } from './image/digest.js';
import { applyLayers, type ContentStore, findImage } from './image/image.js';
import { type Descriptor, largestDocument, mediaTypes } from './image/image-documents.js';
import type { ImageReference } from './image/image-reference.js';
import type { Platform } from './image/platform.js';
import { finishRoot, keepsPrivileges } from './privileges.js';
import type { Progress } from './progress-line.js';
import { BlobCache, type Sender } from './registry/blob-cache.js';
import { networkReason, Registry } from './registry/registry.js';
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
}

export interface Pulled {
  readonly description: string;
  /** The digest that the tag leads to now: with it, the same image can be pulled again. */
  readonly digest: string;
  readonly tally: Tally;
}

/** Tries in a row that come no further than the one before; one that does, does not count. */
const fruitlessTries = 3;
/** Milliseconds before such a try is repeated, times its number. */
const pauseBetweenTries = 500;

const accepted = [...mediaTypes.manifests, ...mediaTypes.indexes];

/**
 * Pulls an image and unpacks it at `directory`. Blobs are kept in the cache under their digests and fetched once.
 * @throws Failure (status 2) when the folder cannot be used; (status 125) when the registry cannot be reached or has
 * no such image, and when something that came is not what the manifest says. The folder is then as it was.
 */
export function pullRootfs(request: PullRequest): Promise<Pulled> {
  const { reference, insecure, directory, platform, limits, progress, cache = new BlobCache() } = request;
  return buildBeside(directory, async ({ directory: staging, signal }) => {
    const registry = new Registry(reference, { insecure, signal });
    progress.begin(`${reference.repository} from ${reference.registry}`);
    const top = await resolveVersion(registry, reference, cache);
    const store: ContentStore = {
      async *open(descriptor, what) {
        if (cache.find(descriptor) === undefined) {
          progress.begin(what, descriptor.size);
          await fetchBlob(registry, cache, descriptor, what, progress, signal);
        }
        yield* cache.read(descriptor, what);
      },
    };
    const image = await findImage(store, [top], platform);
    const privileges = await keepsPrivileges(request);
    const tree = new Tree(staging, { privileges });
    const tally = new Tally({ privileges });
    const unpacking = { tree, budget: new Budget(limits), tally, whiteouts: true, signal };
    await applyLayers(image, unpacking, () => {});
    await finishRoot(staging, tree, request);
    const layers = `${image.layers.length} ${image.layers.length === 1 ? 'layer' : 'layers'}`;
    return { description: `${reference.repository} (${layers})`, digest: top.digest, tally };
  });
}

/** Asks the registry what a tag leads to; the document is put into the cache. A digest that is there needs no asking. */
async function resolveVersion(
  registry: Registry,
  { version }: ImageReference,
  cache: BlobCache,
): Promise<Descriptor> {
  const response = await registry.manifest(version, accepted);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > largestDocument) throw new Failure('The manifest is larger than any honest one.');
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const digest = parseDigest(version) === undefined ? digestOf(bytes) : version;
  const descriptor = { mediaType: '', digest, size };
  const send: Sender = async () => ({ offset: 0, bytes: [bytes] as unknown as AsyncIterable<Uint8Array> });
  if (cache.find(descriptor) === undefined)
    await cache.fetch(descriptor, `manifest ${version}`, send, () => {});
  return descriptor;
}

/** Fetches a blob or manifest; a connection that breaks is made again, and goes on where it broke. */
async function fetchBlob(
  registry: Registry,
  cache: BlobCache,
  descriptor: Descriptor,
  what: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  let fruitless = 0;
  let furthest = 0;
  for (;;) {
    let reached = 0;
    const send: Sender = async (offset) => sendFrom(registry, descriptor, offset);
    try {
      await cache.fetch(descriptor, what, send, (bytes) => {
        reached += bytes;
        progress.add(bytes);
      });
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Error && error.name === 'Failure') throw error;
      fruitless = reached > furthest ? 0 : fruitless + 1;
      furthest = Math.max(furthest, reached);
      if (fruitless >= fruitlessTries) {
        throw new Failure(`Fetching ${what} broke off: ${networkReason(error)}.`, {
          next: 'Run the command again: it goes on where it broke off.',
          cause: error,
        });
      }
      if (fruitless > 0) await pause(pauseBetweenTries * fruitless, undefined, { signal });
    }
  }
}

async function sendFrom(registry: Registry, descriptor: Descriptor, offset: number): ReturnType<Sender> {
  // A manifest that an index lists is not a blob: it has an address of its own.
  const isManifest = accepted.some((type) => type === descriptor.mediaType);
  const response = isManifest
    ? await registry.manifest(descriptor.digest, accepted)
    : await registry.blob(descriptor.digest, offset);
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  const resumed = response.status === 206 && Number(start) === offset;
  if (response.status === 200 || resumed) {
    return { offset: resumed ? offset : 0, bytes: (response.body ?? []) as AsyncIterable<Uint8Array> };
  }
  await response.body?.cancel();
  // Some stores answer a range with another one, or with 416: then from the start.
  if (offset > 0) return sendFrom(registry, descriptor, 0);
  throw new Failure(
    `The registry answers ${response.status} ${response.statusText} for ${descriptor.digest}.`,
    {
      next: 'Try again later.',
    },
  );
}
