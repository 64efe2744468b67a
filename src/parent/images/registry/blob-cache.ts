/**
 * Keeps what was pulled, under its digest, so that it is fetched once. What is not whole yet has the suffix
 * `.partial.PID`; rename(2) gives it its name when it is whole and its digest was checked.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Failure } from '../../../common/failure.js';
import { errnoWords, errorCode } from '../../../common/kernel/kernel-error.js';
import { homeFolder } from '../../state/home-folder.js';
import { bytesOf } from '../archive/file-bytes.js';
import { mismatch, requireDigest } from '../image/digest.js';
import type { Descriptor } from '../image/image-documents.js';

/**
 * `$XDG_CACHE_HOME/gontainer`, or `~/.cache/gontainer`: XDG Base Directory Specification, which ignores relative paths.
 * For a user without a home folder it is one that is removed again at the end.
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_CACHE_HOME: named = '' } = environment;
  const home = homeFolder();
  if (isAbsolute(named)) return join(named, 'gontainer');
  if (home !== undefined) return join(home, '.cache', 'gontainer');
  passing ??= passingFolder();
  return passing;
}

let passing: string | undefined;

function passingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gontainer-cache-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Sends the bytes of a blob from an offset on, or from its start if the sender cannot do better. */
export type Sender = (offset: number) => Promise<{ offset: number; bytes: AsyncIterable<Uint8Array> }>;

export class BlobCache {
  private readonly folder: string;

  constructor(folder: string = cacheFolder()) {
    this.folder = join(folder, 'blobs');
  }

  /** The file of a blob that is here whole, or undefined. */
  find({ digest, size }: Descriptor): string | undefined {
    const path = this.path(digest);
    return statSync(path, { throwIfNoEntry: false })?.size === size ? path : undefined;
  }

  /** Bytes of a blob that is here whole, whatever its size should be, or undefined. */
  sizeOf(digest: string): number | undefined {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.size;
  }

  /** Reads a blob that is here; if the cache was damaged, it is dropped, so that the next pull fetches it again. */
  async *read(descriptor: Descriptor, what: string): AsyncGenerator<Uint8Array> {
    const path = this.path(descriptor.digest);
    const hash = createHash(requireDigest(descriptor.digest).algorithm);
    for await (const chunk of bytesOf(await open(path))) {
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest('hex') === requireDigest(descriptor.digest).hex) return;
    await rm(path, { force: true });
    throw new Failure(`The cached copy of ${what} was damaged, and was removed.`, {
      next: 'Run the command again: it will be fetched again.',
    });
  }

  /**
   * Fetches a blob into the cache, going on where an earlier try ended.
   * @param received is told the number of bytes as they come; first, if some are here already, theirs
   * @throws Failure when size or digest are wrong (what came is thrown away), or the sender's error (what came is kept)
   */
  async fetch(
    descriptor: Descriptor,
    what: string,
    send: Sender,
    received: (bytes: number) => void,
  ): Promise<void> {
    const partial = await this.claimPartial(descriptor.digest);
    const file = await open(partial, 'a+', 0o600).catch((error: unknown) => {
      throw this.cannotWrite(error);
    });
    try {
      await this.complete(file, partial, descriptor, what, send, received);
    } finally {
      await file.close();
    }
    await rename(partial, this.path(descriptor.digest));
  }

  private async complete(
    file: FileHandle,
    partial: string,
    descriptor: Descriptor,
    what: string,
    send: Sender,
    received: (bytes: number) => void,
  ): Promise<void> {
    const { algorithm, hex } = requireDigest(descriptor.digest);
    let hash = createHash(algorithm);
    let size = 0;
    const start = createReadStream(partial);
    for await (const chunk of start) {
      hash.update(chunk);
      size += chunk.length;
    }
    const discard = async (said: string): Promise<never> => {
      await rm(partial, { force: true });
      throw mismatch({ ...descriptor, what }, said);
    };
    if (size < descriptor.size || size === 0) {
      const { offset, bytes } = await send(size);
      if (offset !== size) {
        await file.truncate(0);
        hash = createHash(algorithm);
        size = 0;
      } else received(size);
      for await (const chunk of bytes) {
        size += chunk.length;
        if (size > descriptor.size) await discard(`more than its ${descriptor.size} bytes came`);
        hash.update(chunk);
        await file.write(chunk).catch((error: unknown) => {
          throw this.cannotWrite(error);
        });
        received(chunk.length);
      }
    }
    if (size < descriptor.size) throw new CutShort(`only ${size} of ${descriptor.size} bytes came`);
    const found = hash.digest('hex');
    if (found !== hex) await discard(`its digest is ${algorithm}:${found}, not ${descriptor.digest}`);
  }

  private path(digest: string): string {
    const { algorithm, hex } = requireDigest(digest);
    return join(this.folder, algorithm, hex);
  }

  /** Takes over what a process that is no more left of this blob; its name holds the process that writes it. */
  private async claimPartial(digest: string): Promise<string> {
    const path = this.path(digest);
    const own = `${path}.partial.${process.pid}`;
    const folder = join(path, '..');
    const names = await mkdir(folder, { recursive: true, mode: 0o700 })
      .then(() => readdir(folder))
      .catch((error: unknown) => {
        throw this.cannotWrite(error);
      });
    const prefix = `${requireDigest(digest).hex}.partial.`;
    const left = names.filter((name) => name.startsWith(prefix));
    const orphan = left.find((name) => !isAlive(Number(name.slice(prefix.length))));
    if (!left.includes(`${prefix}${process.pid}`) && orphan !== undefined) {
      // Another process may claim it in the same moment; then it is gone, and we start again.
      await rename(join(folder, orphan), own).catch(() => undefined);
    }
    return own;
  }

  private cannotWrite(error: unknown): Failure {
    return new Failure(`Cannot keep what is pulled in ${this.folder}: ${errnoWords(error)}.`, {
      next: 'Make room, or name another cache with XDG_CACHE_HOME.',
      cause: error,
    });
  }
}

/** The sender ended before the blob did: what came is kept, and asking for the rest may help. */
class CutShort extends Error {
  override readonly name = 'CutShort';
}

/** kill(2) with signal 0 only looks; EPERM means it is there but not ours. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
