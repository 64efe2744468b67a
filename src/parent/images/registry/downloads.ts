/** Fetches the parts of an image into the cache, several at the same time, each once. */
import { setTimeout as pause } from 'node:timers/promises';
import { Failure, isFailure } from '../../../common/failure.js';
import { type Descriptor, mediaTypes } from '../image/image-documents.js';
import type { BlobCache, Sender } from './blob-cache.js';
import { networkReason, type Patience, usualPatience } from './http-client.js';
import type { Registry } from './registry.js';

/** Connections at the same time: what containers/image and docker allow themselves too, more or less. */
const mostAtOnce = 6;

/** Tries in a row that come no further than the one before; one that does, does not count. */
const fruitlessTries = 3;

export const acceptedManifests: readonly string[] = [...mediaTypes.manifests, ...mediaTypes.indexes];

export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly patience?: Patience | undefined;
  /** Is told how many bytes of a blob are here. */
  readonly arrived: (digest: string, bytes: number) => void;
}

export class Downloads {
  private readonly registry: Registry;
  private readonly cache: BlobCache;
  private readonly options: DownloadOptions;
  private readonly begun = new Map<string, Promise<void>>();
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(registry: Registry, cache: BlobCache, options: DownloadOptions) {
    this.registry = registry;
    this.cache = cache;
    this.options = options;
  }

  /**
   * Fetches a blob that is not here yet; whoever asks for the same one meanwhile waits for the same.
   * @throws Failure when it cannot be had, or is not what its digest says
   */
  fetch(descriptor: Descriptor, what: string): Promise<void> {
    if (this.cache.find(descriptor) !== undefined) return Promise.resolve();
    const begun = this.begun.get(descriptor.digest);
    if (begun !== undefined) return begun;
    const download = this.inTurn(() => this.complete(descriptor, what));
    this.begun.set(descriptor.digest, download);
    return download;
  }

  /** Waits until nothing is being fetched any more, however it ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.begun.values());
  }

  private async inTurn(work: () => Promise<void>): Promise<void> {
    if (this.running >= mostAtOnce) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running += 1;
    try {
      await work();
    } finally {
      this.running -= 1;
      this.waiting.shift()?.();
    }
  }

  /** A connection that breaks, or from which nothing comes, is made again, and goes on where it ended. */
  private async complete(descriptor: Descriptor, what: string): Promise<void> {
    const { signal, arrived, patience = usualPatience } = this.options;
    let fruitless = 0;
    let furthest = 0;
    for (;;) {
      let reached = 0;
      signal.throwIfAborted();
      try {
        await this.cache.fetch(
          descriptor,
          what,
          (offset) => this.send(descriptor, offset),
          (bytes) => {
            reached += bytes;
            arrived(descriptor.digest, reached);
          },
        );
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isFailure(error)) throw error;
        fruitless = reached > furthest ? 0 : fruitless + 1;
        furthest = Math.max(furthest, reached);
        if (fruitless >= fruitlessTries) {
          throw new Failure(`Fetching ${what} broke off: ${networkReason(error)}.`, {
            next: 'Run the command again: it goes on where it broke off.',
            cause: error,
          });
        }
        await pause(patience.firstWait * 2 ** fruitless, undefined, { signal }).catch(() => {});
      }
    }
  }

  private async send(descriptor: Descriptor, offset: number): ReturnType<Sender> {
    // A manifest that an index lists is not a blob: it has an address of its own.
    const response = acceptedManifests.includes(descriptor.mediaType)
      ? await this.registry.manifest(descriptor.digest, acceptedManifests)
      : await this.registry.blob(descriptor.digest, offset);
    const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
    const resumed = response.status === 206 && Number(start) === offset;
    if (response.status === 200 || resumed) {
      return { offset: resumed ? offset : 0, bytes: (response.body ?? []) as AsyncIterable<Uint8Array> };
    }
    await response.body?.cancel();
    // Some stores answer a range with another one, or with 416: then from the start.
    if (offset > 0) return this.send(descriptor, 0);
    throw new Failure(
      `The registry answers ${response.status} ${response.statusText} for ${descriptor.digest}.`,
      { next: 'Try again later.' },
    );
  }
}
