/** What the cache of blobs holds: which images were pulled, and how much there is of each. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../../common/kernel/kernel-error.js';
import { parseDigest } from '../image/digest.js';
import { cacheFolder } from '../registry/blob-cache.js';
import { namesIn } from './names-in.js';

export interface CachedImage {
  readonly name: string;
  readonly digest: string;
  /** When it was pulled last, as in ISO 8601. */
  readonly pulled: string;
  /** Digests of all that it consists of. */
  readonly blobs: readonly string[];
}

const imagesFolder = (): string => join(cacheFolder(), 'images');
const blobsFolder = (): string => join(cacheFolder(), 'blobs');

/** Notes an image that was pulled. That it cannot be noted is not an error: the cache works without. */
export function noteImage(image: CachedImage): void {
  const key = createHash('sha256').update(`${image.name} ${image.digest}`).digest('hex').slice(0, 32);
  const file = join(imagesFolder(), `${key}.json`);
  try {
    mkdirSync(imagesFolder(), { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(image)}\n`, { mode: 0o600 });
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    rmSync(`${file}.${process.pid}`, { force: true });
  }
}

/** The images of which everything is there. */
export function cachedImages(): CachedImage[] {
  const images = namesIn(imagesFolder()).map((name) => readImage(join(imagesFolder(), name)));
  return images.filter((image) =>
    image?.blobs.every((digest) => existsSync(blobFile(digest))),
  ) as CachedImage[];
}

export const sizeOfImage = ({ blobs }: CachedImage): number =>
  [...new Set(blobs)].reduce(
    (sum, digest) => sum + (statSync(blobFile(digest), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );

/**
 * Empties the cache, but for what is being fetched at this moment.
 * @returns how many blobs, whole and in part, were removed, and their bytes
 */
export function emptyCache(): { count: number; size: number } {
  let [count, size] = [0, 0];
  for (const algorithm of namesIn(blobsFolder())) {
    for (const name of namesIn(join(blobsFolder(), algorithm))) {
      const [, pid] = /\.partial\.(\d+)$/.exec(name) ?? [];
      if (pid !== undefined && isRunning(Number(pid))) continue;
      const file = join(blobsFolder(), algorithm, name);
      size += statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      count += 1;
      rmSync(file, { force: true });
    }
  }
  rmSync(imagesFolder(), { recursive: true, force: true });
  return { count, size };
}

/** kill(2) with signal 0 only looks; EPERM means it is there but not ours. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

function blobFile(digest: string): string {
  const { algorithm = 'none', hex = '' } = parseDigest(digest) ?? {};
  return join(blobsFolder(), algorithm, hex);
}

function readImage(file: string): CachedImage | undefined {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<CachedImage> | null;
    const texts = [value?.name, value?.digest, value?.pulled].every((text) => typeof text === 'string');
    const known =
      Array.isArray(value?.blobs) && value.blobs.every((one) => parseDigest(String(one)) !== undefined);
    return texts && known ? (value as CachedImage) : undefined;
  } catch {
    return undefined;
  }
}
