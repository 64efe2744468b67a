/** Finds every file the dynamic loader will open to start a program, the way ld.so(8) does: without running it. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readElf } from './elf.js';
import { readLibraryCache } from './library-cache.js';

/** What ld.so(8) searches last, and musl only: "the default path /lib, and then /usr/lib", and their 64 bit twins. */
const defaultFolders = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib'];

/**
 * The loader and, recursively, the shared libraries of some programs.
 * @param programs absolute paths; files that are not ELF (scripts) need nothing
 * @returns the paths under which the loader looks for them, and the names nothing was found for
 */
export function sharedLibraries(programs: readonly string[]): { found: Set<string>; missing: Set<string> } {
  const cache = readLibraryCache();
  const found = new Set<string>();
  const missing = new Set<string>();
  const waiting = [...programs];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = readElf(path);
    if (file === undefined) continue;
    // $ORIGIN is the folder of the file itself, after symbolic links: ld.so(8), "Dynamic string tokens".
    const origin = dirname(realpathSync(path));
    const own = file.searchPath.map((folder) => folder.replace(/\$(ORIGIN|\{ORIGIN\})/g, origin));
    const locate = (name: string): string | undefined =>
      [
        ...own.map((folder) => join(folder, name)),
        ...(cache.get(name) ?? []),
        ...defaultFolders.map((folder) => join(folder, name)),
      ].find((candidate) => existsSync(candidate) && readElf(candidate)?.kind === file.kind);
    for (const name of file.needed) {
      const library = name.includes('/') ? name : locate(name);
      if (library === undefined) missing.add(name);
      else if (!found.has(library)) waiting.push(library);
      if (library !== undefined) found.add(library);
    }
    if (file.interpreter !== undefined) found.add(file.interpreter);
  }
  return { found, missing };
}
