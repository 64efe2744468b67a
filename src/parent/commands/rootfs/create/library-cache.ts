/**
 * Reads /etc/ld.so.cache, the list of shared libraries that ldconfig(8) keeps for the dynamic loader. Its format is
 * that of glibc's dl-cache.h, `struct cache_file_new`: a header of 48 bytes, then entries of 24 bytes, then strings.
 */
import { readFileSync } from 'node:fs';

export const libraryCacheFile = '/etc/ld.so.cache';

const magic = Buffer.from('glibc-ld.so.cache1.1');
const headerSize = 48;
const entrySize = 24;

/**
 * The paths of every library the cache knows, by name; a name may stand for one file per architecture.
 * @returns an empty map where there is no cache (musl) or its format is another
 */
export function readLibraryCache(file: string = libraryCacheFile): ReadonlyMap<string, readonly string[]> {
  const libraries = new Map<string, string[]>();
  const bytes = readCache(file);
  // Before glibc 2.32 the new format came after an old one in the same file: offsets count from its own start.
  const start = bytes.indexOf(magic);
  if (start === -1) return libraries;
  const cache = bytes.subarray(start);
  const text = (at: number): string => cache.toString('utf8', at, cache.indexOf(0, at));
  const count = cache.readUInt32LE(magic.length);
  for (let index = 0; index < count && headerSize + (index + 1) * entrySize <= cache.length; index++) {
    const entry = cache.subarray(headerSize + index * entrySize);
    // Libraries for one kind of processor only (glibc-hwcaps) always have a general one beside them.
    if (entry.readBigUInt64LE(16) !== 0n) continue;
    const name = text(entry.readUInt32LE(4));
    libraries.set(name, [...(libraries.get(name) ?? []), text(entry.readUInt32LE(8))]);
  }
  return libraries;
}

function readCache(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
