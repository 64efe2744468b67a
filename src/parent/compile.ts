/** Writes the compiled code that common/compiled-code.ts uses, once for each version of Node. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { v8Options } from '../common/child-options.js';
import { codeFolder, functionText, loaded } from '../common/compiled-code.js';

/** Compiles and writes. A start without it is only slower, so that it cannot be written is no failure. */
export function writeCompiledCode(folder: string): void {
  const kept = codeFolder(folder);
  try {
    mkdirSync(kept, { recursive: true, mode: 0o755 });
    for (const name of loaded) {
      // V8 refuses what was made with other options. The child's file comes last, and after it this process ends.
      if (name === 'child-main.cjs') v8Options.forEach(setFlagsFromString);
      write(join(kept, name), compiled(join(folder, name)));
    }
  } catch {
    // A full disk, or a folder that may only be read.
  }
}

/**
 * Every function compiled, not only what runs at once. V8 compiles a function when it is first called unless it is told
 * otherwise; it is told so only meanwhile, as code made with other options than those of the reader is refused.
 */
function compiled(file: string): Buffer {
  setFlagsFromString('--no-lazy');
  const script = new Script(functionText(readFileSync(file, 'utf8')), { filename: file });
  setFlagsFromString('--lazy');
  return script.createCachedData();
}

/** Another launch may do the same at this moment: the file appears with all its content or not at all. */
function write(path: string, content: Buffer): void {
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, content, { mode: 0o644 });
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}
