/**
 * Start-up does not grow unnoticed. Compared is processor time, which a busy machine disturbs less than the clock does,
 * with that of bare Node in turns, and with room: docs/performance.md has the exact figures, by npm run bench.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { run } from '../../scripts/bench/process.js';
import { median } from '../../scripts/bench/statistics.js';
import { childFile, functionText, parentFiles } from '../../src/common/compiled-code.js';
import { quickOptions } from '../../src/common/node-options.js';
import { folder, lacking, node, program, removeFolder, rootfs } from '../gontainer.js';

const rounds = 15;

/**
 * The processor time of our program, started as a user starts it, as a multiple of that of bare Node started just before:
 * the median. What slows a processor down, its clock, its caches and its other half, slows both of a pair; the least time of
 * each is that of two different moments.
 */
function timesBare(words: readonly string[]): number {
  const ratios = Array.from({ length: rounds }, () => {
    const bare = run({ words: [node, '-e', '0'] }).cpu;
    return run({ words: [program, ...words], node }).cpu / bare;
  });
  return median(ratios);
}

for (const { words, most } of [
  { words: ['--version'], most: 1.4 },
  { words: ['--help'], most: 1.5 },
]) {
  test(`${words} takes at most ${most} times bare Node's processor time`, () => {
    const ratio = timesBare(words);
    assert.ok(ratio <= most, `it took ${ratio.toFixed(2)} times as much`);
  });
}

test("a launch takes at most 2.6 times two bare Nodes' processor time", async () => {
  const ratio = timesBare(['run', '--all', '--mnt', await rootfs(), '--quiet', '--', '/bin/true']) / 2;
  assert.ok(ratio <= 2.6, `it took ${ratio.toFixed(2)} times as much`);
});

/** Those that take a fraction of a millisecond to load; node:crypto, for example, takes five. */
const quickModules: readonly string[] =
  'async_hooks buffer diagnostics_channel events fs module os path url util'.split(' ');

test('what every launch loads asks at once for none of those modules of Node that take long', () => {
  for (const file of [...parentFiles, childFile]) {
    const asked = new Set<string>();
    const ask = (id: string): unknown => {
      asked.add(id.replace(/^node:/, ''));
      return createRequire(program)(id);
    };
    const filename = join(dirname(program), file);
    const evaluate = new Script(functionText(readFileSync(filename)), { filename }).runInThisContext();
    evaluate({}, Object.assign(ask, { resolve: createRequire(program).resolve }), { exports: {} }, filename);
    const slow = [...asked].filter((name) => !quickModules.includes(name));
    assert.deepEqual(slow, [], `${file}: load it where it is needed, by process.getBuiltinModule()`);
  }
});

test('at a terminal too a launch loads only files whose code is kept', {
  skip: lacking('script', 'strace'),
}, async () => {
  const trace = join(folder(), 'trace');
  const place = await rootfs();
  // That others can reach it would be a warning, and lines to break.
  chmodSync(dirname(place), 0o700);
  const words = [node, program, 'run', '--all', '--mnt', place, '--', '/bin/true'];
  const command = `stty rows 50 cols 120; exec strace -f -s 4096 -e trace=openat -o ${trace} ${words.join(' ')}`;
  execFileSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], { input: '' });
  const opened = readFileSync(trace, 'utf8').matchAll(/"[^"]*\/dist\/([\w-]+\.cjs)"/g);
  const names = new Set([...opened].map(([, name]) => name as string));
  assert.deepEqual([...names].sort(), ['main.cjs', childFile, ...parentFiles].sort());
});

/** Whether V8, with the options that the code in a folder is for, refuses the code that is kept for one of its files. */
function refused(file: string): string {
  const name = basename(file);
  const text = functionText(readFileSync(join(dirname(file), '../..', name)));
  const script = `
    const cachedData = fs.readFileSync(${JSON.stringify(file)});
    fs.writeSync(1, String(new vm.Script(fs.readFileSync(0, 'utf8'), { cachedData }).cachedDataRejected));
  `;
  const options = dirname(file).endsWith('-quick') ? quickOptions : [];
  return String(execFileSync(node, [...options, '-e', script], { input: text }));
}

test('a launch leaves compiled code, and works without it, or with what is no code', () => {
  const copy = mkdtempSync(join(tmpdir(), 'gontainer-code-'));
  try {
    cpSync(dirname(dirname(program)), copy, { recursive: true, verbatimSymlinks: true });
    const code = join(copy, 'dist/code');
    const launch = () =>
      run({ words: [node, join(copy, 'dist/main.cjs'), 'run', '--uid', '--quiet', '--', '/bin/true'] });
    rmSync(code, { recursive: true, force: true });
    launch();
    const folders = readdirSync(code);
    assert.deepEqual(folders.map((name) => name.endsWith('-quick')).sort(), [false, true]);
    const files = folders
      .flatMap((name) => readdirSync(join(code, name)).map((file) => join(code, name, file)))
      .filter((file) => file.endsWith('.cjs'));
    const names = files.map((file) => basename(file)).sort();
    assert.deepEqual(names, [...parentFiles, ...parentFiles, childFile].sort());
    for (const file of files) assert.equal(refused(file), 'false', `V8 refuses ${file}`);
    // Of all functions, not only of those that this launch called, which is less than twice the text.
    const [main] = parentFiles;
    const text = statSync(join(copy, 'dist', main)).size;
    for (const file of files.filter((path) => basename(path) === main))
      assert.ok(statSync(file).size > 2 * text, `${file} is less than twice the text`);
    launch();
    for (const file of files) truncateSync(file, 1000);
    launch();
    for (const file of files) truncateSync(file, 0);
    launch();
    // What others may write is not believed, and read all the same.
    for (const name of folders) chmodSync(join(code, name), 0o777);
    launch();
  } finally {
    removeFolder(copy);
  }
});
