/** How much a folder holds. */
import { lstatSync, readdirSync } from 'node:fs';

/** Bytes of all regular files at and below a path, each file once whatever its names; what may not be seen is left out. */
export function diskUse(directory: string): number {
  const seen = new Set<string>();
  const visit = (path: Buffer): number => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return 0;
    if (found.isDirectory()) return namesIn(path).reduce((sum, name) => sum + visit(below(path, name)), 0);
    const key = `${found.dev}:${found.ino}`;
    if (!found.isFile() || seen.has(key)) return 0;
    seen.add(key);
    return found.size;
  };
  return visit(Buffer.from(directory));
}

const below = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, Buffer.from('/'), name]);

function namesIn(folder: Buffer): Buffer[] {
  try {
    return readdirSync(folder, { encoding: 'buffer' });
  } catch {
    return [];
  }
}
