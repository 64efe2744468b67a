/** Writes the compiled code that common/compiled-code.ts uses, once for each version of Node. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { childFile, codeFolder, functionText, parentFiles } from '../../../common/compiled-code.js';
import { quickOptions, startedQuickly } from '../../../common/node-options.js';

/** Has each file compiled and written. A missing cache only slows the start, so failing to write it is not an error. */
export function writeCompiledCode(folder: string): void {
  try {
    for (const quick of [true, false]) mkdirSync(codeFolder(folder, quick), { recursive: true, mode: 0o755 });
    const took = inNodeOfItsOwn(quickOptions, folder, [childFile, ...parentFiles]);
    if (took) noteNode(codeFolder(folder, true));
    inNodeOfItsOwn([], folder, parentFiles);
  } catch {
    // A folder that may only be read.
  }
}

/**
 * V8 refuses code that was made with other options, and node ends at once where it does not know one of them. And in a
 * process that has loaded a file, V8 finds it compiled already: without the functions that this launch did not call.
 * @returns whether node took the options
 */
function inNodeOfItsOwn(options: readonly string[], folder: string, names: readonly string[]): boolean {
  const [module, place, list] = [import.meta.filename, folder, names].map((word) => JSON.stringify(word));
  const script = `const { keep } = require(${module}); for (const name of ${list}) keep(${place}, name);`;
  return spawnSync(process.execPath, [...options, '-e', script], { stdio: 'ignore' }).status === 0;
}

/**
 * Notes for the shell at the head of main.cjs which node takes the options: a link to its file, and an empty file of the
 * same time. A later node in the same place has another time or another inode(7), and a shell can compare both.
 */
function noteNode(kept: string): void {
  const [link, time] = [join(kept, 'node'), join(kept, 'node-time')];
  const draft = `${link}.${process.pid}`;
  writeFileSync(time, '', { mode: 0o644 });
  // touch(1) copies the nanoseconds too, which a number of JavaScript does not hold.
  spawnSync('touch', ['-r', process.execPath, time], { stdio: 'ignore' });
  symlinkSync(process.execPath, draft);
  renameSync(draft, link);
}

/** Compiles and writes one file, with the options of this process. */
export function keep(folder: string, name: string): void {
  write(join(codeFolder(folder, startedQuickly()), name), compiled(join(folder, name)));
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
