/**
 * Runs the tests against the built program: all of them, or those that are named.
 *
 *   npm test -- test/parent/log/log.test.ts --test-name-pattern='a walk logs'
 *   npm test -- test/parent
 *   npm test -- test/parent --patience=4     where the machine is emulated: all may take four times as long
 *
 * All that a run makes lies in one folder, which is removed at the end, however the run ends.
 */
import { spawnSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { cpSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism, constants } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { defined } from '../src/common/defined.js';
import { copyProgram } from './copy-program.js';
import { readWords } from './read-words.js';
import { makeRunFolder, nobody, removeRunFolder } from './run-folder.js';
import { report } from './test-report.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const isRoot = process.getuid?.() === 0;

/** A Node that every user can run: this one, or a copy of it where it lies in somebody's home folder. */
function runnableNode(folder: string): string {
  if (!isRoot || spawnSync(process.execPath, ['--version'], nobody).status === 0) return process.execPath;
  cpSync(process.execPath, join(folder, 'node'));
  return join(folder, 'node');
}

/** A copy of the program that every user can read, as a checkout in a home folder often cannot be. */
function copiedProgram(folder: string): string {
  const program = join(folder, 'program/dist/main.cjs');
  mkdirSync(join(folder, 'program'));
  copyProgram(join(folder, 'program'));
  // The first launch leaves compiled code (src/common/compiled-code.ts); tests that look at each call expect it there.
  const first = [program, 'run', '--uid', '--quiet', '--', '/bin/true'];
  spawnSync(String(process.env.GONTAINER_NODE), first, { stdio: 'ignore' });
  return program;
}

/** The test files of what was named, a file or a folder, or all; the names are relative to the project. */
function testFiles(named: readonly string[]): string[] {
  if (named.length === 0) return testsIn('test');
  return named.flatMap((name) => {
    const path = relative(root, resolve(process.env.INIT_CWD ?? '', name));
    const found = statSync(path, { throwIfNoEntry: false });
    const tests = found?.isDirectory() ? testsIn(path) : found ? [path] : [];
    if (tests.length === 0)
      throw new NothingToTest(`${name} is not a test file or a folder with test files.`);
    return tests;
  });
}

/** A name on the command line that has no tests: nothing is wrong with the tests themselves. */
class NothingToTest extends Error {}

function testsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.test\.[cm]?[jt]s$/.test(name))
    .map((name) => join(folder, name))
    .sort();
}

/** What the tests see of the caller's environment: nothing that would change how Node or a tool speaks. */
function environment(folder: string): NodeJS.ProcessEnv {
  const { NODE_OPTIONS, NODE_V8_COVERAGE, ...env } = process.env;
  const path = (env.PATH ?? '/usr/local/bin:/usr/bin:/bin').split(':');
  // Debian gives an ordinary user no sbin, where ip(8), pivot_root(8) and useradd(8) lie.
  const sbin = ['/usr/local/sbin', '/usr/sbin', '/sbin'].filter((name) => !path.includes(name));
  return {
    GONTAINER_NODE: runnableNode(folder),
    ...env,
    LC_ALL: 'C.UTF-8',
    PATH: [...path, ...sbin].join(':'),
    TMPDIR: folder,
  };
}

process.umask(0o022);
const { values, positionals } = readWords({
  options: {
    'test-name-pattern': { type: 'string', multiple: true },
    patience: { type: 'string', default: '1' },
  },
  allowPositionals: true,
});
const folder = makeRunFolder();
const ended = new AbortController();
// Each test file listens.
setMaxListeners(0, ended.signal);
/** Every fault of every call, and the long run: `npm run test:faults`, `npm run test:soak`. */
const takesHours = process.env.GONTAINER_FAULTS === 'all' || process.env.GONTAINER_SOAK === 'full';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    process.exitCode = 128 + constants.signals[signal];
    ended.abort();
  });
// A terminal that is closed, or a reader that has gone: nobody sees the rest, and what was made is still to be removed.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', () => {
    process.exitCode ??= 1;
    ended.abort();
  });
try {
  // The test files inherit it.
  process.env = { ...environment(folder), GONTAINER_PATIENCE: values.patience };
  process.env.GONTAINER_PROGRAM ??= copiedProgram(folder);
  process.chdir(root);
  const events = run({
    files: testFiles(positionals),
    // For half of its time a test waits: for a terminal, for an event.
    concurrency: Math.min(2 * availableParallelism(), 8),
    // Of a file, and the last resort: each wait has a bound of its own, and so a name.
    timeout: takesHours ? 24 * 3_600_000 : Number(values.patience) * 1_800_000,
    signal: ended.signal,
    ...defined({ testNamePatterns: values['test-name-pattern'] }),
  });
  const { failed, closing } = await report(events, positionals.length > 0);
  if (failed > 0) process.exitCode ??= 1;
  await clean();
  process.stdout.write(closing);
} catch (error) {
  if (!(error instanceof NothingToTest)) throw error;
  console.error(error.message);
  process.exitCode = 2;
} finally {
  await clean();
}

/** Leaves nothing; that something had to be killed for it is a failure. */
async function clean(): Promise<void> {
  const left = await removeRunFolder(folder);
  for (const line of left) console.log(`\nLeft running by the tests, and killed: ${line}`);
  if (left.length > 0) process.exitCode ??= 1;
}
