/**
 * What V8 makes of the program's text is kept beside it, in dist/code/, so that the next start need not make it again.
 * The first launch by the owner of the program writes it (src/parent/commands/run/compile.ts), for the version of Node that it runs
 * with.
 *
 * It is believed as far as the program itself: whoever may write to dist/ may change the program anyway, so only the
 * folder's own permissions are looked at. V8 refuses what was made by another version, from another text or with other
 * options, and then reads the text as it would without.
 */
import { isAscii } from 'node:buffer';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Script } from 'node:vm';
import { startedQuickly } from './node-options.js';

/**
 * Where the code for this Node is kept.
 * @param quick whether for a process that was started with the options of node-options.ts, which V8 tells apart
 */
export const codeFolder = (folder: string, quick: boolean): string =>
  `${folder}/code/${process.version}-${process.arch}${quick ? '-quick' : ''}`;

/** What the parent loads for a launch; the last is there when all are. */
export const parentFiles = [
  'parent-main.cjs',
  'parent-log-writer.cjs',
  'parent-log-readable-log.cjs',
] as const;

export const childFile = 'child-main.cjs';

/** Whether the code is still to be written, and by this user: nobody else's files are to lie in the owner's folder. */
export const lacksCompiledCode = (folder: string): boolean =>
  !existsSync(`${codeFolder(folder, false)}/${parentFiles.at(-1)}`) &&
  statSync(folder).uid === process.geteuid?.();

/** Whether there is code of the child, and so this node can be started with the options that it was made with. */
export const keepsChild = (folder: string): boolean => existsSync(`${codeFolder(folder, true)}/${childFile}`);

const [before, after] = ['(function (exports, require, module, __filename, __dirname) {', '\n})'].map(
  (text) => Buffer.from(text),
) as [Buffer, Buffer];

/**
 * The text of a CommonJS file as a function of what such a file can name. Put together as bytes: strings of that size fill
 * V8's memory for young objects, which is then searched for garbage while the launch waits.
 */
export function functionText(file: Buffer): string {
  const bytes = Buffer.concat([before, file, after]);
  return bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
}

/**
 * Loads files of this folder, each once, with the kept code where there is some that can be believed. What they
 * require() of the folder is loaded the same way. Node's own search for a module takes longer than the reading.
 */
export function loader(folder: string): (name: string) => unknown {
  const kept = codeFolder(folder, startedQuickly());
  const believed = isAsSafe(folder, [dirname(kept), kept]);
  const modules = new Map<string, unknown>();
  // Each source file that a file was bundled from asks for node:fs again.
  const requireOnce = (id: string): unknown => {
    if (!modules.has(id)) modules.set(id, id.startsWith('./') ? load(id.slice(2)) : require(id));
    return modules.get(id);
  };
  const requireFrom = Object.assign(requireOnce, { resolve: require.resolve });
  const load = (name: string): unknown => {
    const filename = `${folder}/${name}`;
    const cachedData = believed ? contentOf(`${kept}/${name}`) : undefined;
    const script = new Script(functionText(readFileSync(filename)), { filename, cachedData });
    const module = { exports: {} };
    script.runInThisContext()(module.exports, requireFrom, module, filename, folder);
    return module.exports;
  };
  return (name) => requireOnce(`./${name}`);
}

/** Whether the folders exist, and nobody but their owner may write to them who may not write to the first. */
function isAsSafe(folder: string, kept: readonly string[]): boolean {
  const byOthers = (path: string): number | undefined => {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode;
    return mode === undefined ? undefined : mode & 0o022;
  };
  try {
    const allowed = byOthers(folder) ?? 0;
    return kept.every((path) => ((byOthers(path) ?? 0o777) & ~allowed) === 0);
  } catch {
    return false;
  }
}

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
