/** Writes the compiled code that common/compiled-code.ts uses, once for each version of Node. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { childOptions } from '../../../common/child-options.js';
import { childFile, codeFolder, functionText, parentFiles } from '../../../common/compiled-code.js';

/** Has each file compiled and written. A missing cache only slows the start, so failing to write it is not an error. */
export function writeCompiledCode(folder: string): void {
  try {
    mkdirSync(codeFolder(folder), { recursive: true, mode: 0o755 });
    inNodeOfItsOwn(childOptions(true), folder, [childFile]);
    inNodeOfItsOwn([], folder, parentFiles);
  } catch {
    // A folder that may only be read.
  }
}

/**
 * V8 refuses code that was made with other options, and node ends at once where it does not know one of them. And in a
 * process that has loaded a file, V8 finds it compiled already: without the functions that this launch did not call.
 */
function inNodeOfItsOwn(options: readonly string[], folder: string, names: readonly string[]): void {
  const [module, place, list] = [import.meta.filename, folder, names].map((word) => JSON.stringify(word));
  const script = `const { keep } = require(${module}); for (const name of ${list}) keep(${place}, name);`;
  spawnSync(process.execPath, [...options, '-e', script], { stdio: 'ignore' });
}

/** Compiles and writes one file, with the options of this process. */
export function keep(folder: string, name: string): void {
  write(join(codeFolder(folder), name), compiled(join(folder, name)));
}

/**
 * Every function compiled, not only what runs at once. V8 compiles a function when it is first called unless it is told
 * otherwise; it is told so only meanwhile, as code made with other options than those of the reader is refused.
 */
function compiled(file: string): Buffer {
  setFlagsFromString('--no-lazy');
  const script = new Script(functionText(readFileSync(file)), { filename: file });
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
