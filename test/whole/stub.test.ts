/** The file that npm links as gontainer: a shell finds node with it, and what it cannot do it says in one sentence. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { quickOptions } from '../../src/common/node-options.js';
import { folder, lacking, node, program } from '../gontainer.js';

const place = folder();
const folders = `${dirname(node)}:/usr/bin:/bin`;

function started(file: string, words: readonly string[], env: NodeJS.ProcessEnv = { PATH: folders }) {
  return spawnSync(file, words, { encoding: 'utf8', input: '', env, cwd: '/' });
}

/** One sentence, nothing else, and the status of a launch that failed. */
function refused({ status, stdout, stderr }: ReturnType<typeof started>, sentence: RegExp): void {
  assert.match(stderr, sentence);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.equal(stdout, '');
  assert.equal(status, 125);
}

/** A folder with a program called node that is this shell script. */
function withNode(script: string): NodeJS.ProcessEnv {
  const path = folder();
  writeFileSync(join(path, 'node'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${path}:/usr/bin:/bin` };
}

test('a PATH without node, and an empty one, are said', () => {
  const nowhere = join(place, 'nowhere');
  const none = /^gontainer: there is no node in PATH \((.*)\)\. Install Node\.js 20\.19 or later/;
  refused(started(program, ['--version'], { PATH: nowhere }), none);
  refused(started(program, ['--version'], { PATH: '' }), none);
});

/** The header of a program for the other machine, as elf(5) has it; a shell would read it as a script. */
function elf(machine: number, abi: number): Buffer {
  const header = Buffer.alloc(4096);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt8(abi, 7);
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(machine, 18);
  return header;
}

const otherMachine = process.arch === 'x64' ? 183 : 62;
for (const [kind, content] of [
  ['built for another machine', elf(otherMachine, 0)],
  ['built for another machine and Linux', elf(otherMachine, 3)],
  ['built for a machine that is not known', elf(243, 0)],
  ['empty', ''],
  ['a text', 'echo ran\n'],
] as const) {
  test(`a node that is ${kind} is said, and nothing runs`, () => {
    const path = folder();
    writeFileSync(join(path, 'node'), content, { mode: 0o755 });
    refused(
      started(program, ['run', '--uid', '--', 'echo', 'ran'], { PATH: `${path}:/usr/bin:/bin` }),
      /^gontainer: \/.+\/node is not a program for this machine \((x86_64|aarch64)\)\. Install Node\.js 20\.19/,
    );
  });
}

test('a node that may not be executed, and a folder of that name, are passed over in PATH', () => {
  const [first, second] = [folder(), folder()];
  writeFileSync(join(first, 'node'), 'echo ran', { mode: 0o644 });
  mkdirSync(join(second, 'node'));
  const { stdout, stderr } = started(program, ['--version'], { PATH: `${first}:${second}:${folders}` });
  assert.match(stdout, /^gontainer \d/, stderr);
});

test('a Node that is too old says so, and runs nothing', () => {
  const old = join(place, 'old.cjs');
  writeFileSync(old, "Object.defineProperty(process.versions, 'node', { value: '20.18.3' });");
  const env = withNode(`exec '${node}' --require '${old}' "$@"`);
  refused(
    started(program, ['run', '--uid', '--', 'echo', 'ran'], env),
    /^gontainer: this is Node 20\.18\.3 \(.+\), and 20\.19 or later is needed/,
  );
});

test('a file that was copied without those beside it says so', () => {
  const alone = join(place, 'alone');
  copyFileSync(program, alone);
  refused(
    started(alone, ['run', '--uid', '--', 'true']),
    /parent-main\.cjs is missing: alone was copied without the files beside it\. Make a link/,
  );
});

for (const name of ['plain', 'with a blank', "with a ' and $(false)", 'with a\nnewline', '-dash']) {
  test(`it runs through a link in a folder ${JSON.stringify(name)}, with every argument as it was`, () => {
    const path = join(folder(), name);
    mkdirSync(path);
    symlinkSync(program, join(path, 'first'));
    symlinkSync('first', join(path, 'second'));
    const words = ['a b', '', "'", '$(false)', '*', '-x', 'two\nlines'];
    const run = ['run', '--uid', '--quiet', '--', 'printf', '%s|', ...words];
    const { stdout, stderr } = started(join(path, 'second'), run);
    assert.equal(stdout, `${words.join('|')}|`, stderr);
  });
}

test('it runs where there is no environment at all', { skip: lacking('env') }, () => {
  const { stdout, stderr } = started('/usr/bin/env', ['-i', `PATH=${folders}`, program, '--version'], {});
  assert.match(stdout, /^gontainer \d/, stderr);
});

test('the note is not the command’s, and one about another process is not believed', () => {
  const env = { PATH: folders, GONTAINER_CALLER: '1 0 0000000000000001 3 3' };
  const script = 'env | grep -c GONTAINER_CALLER; grep SigIgn /proc/self/status; ulimit -n';
  const words = [program, 'run', '--uid', '--quiet', '--', 'sh', '-c', script];
  const { stdout } = started(node, words, env);
  assert.match(stdout, /^0\nSigIgn:\s0{16}\n\d{2,}/);
});

test('a variable that is named like one of the stub’s is the command’s, as it was', () => {
  const names = ['field', 'value', 'user', 'blocked', 'soft', 'hard', 'rest', 'running', 'files', 'unit'];
  const env = { PATH: folders, ...Object.fromEntries(names.map((name) => [name, 'mine'])) };
  const { stdout, stderr } = started(program, ['run', '--uid', '--quiet', '--', 'env'], env);
  for (const name of names) assert.match(stdout, new RegExp(`^${name}=mine$`, 'm'), stderr);
  assert.doesNotMatch(stdout, /GONTAINER/);
});

test('the node that the code is kept for starts a launch with options of its own; no other does', () => {
  const copy = folder();
  cpSync(dirname(dirname(program)), copy, { recursive: true, verbatimSymlinks: true });
  rmSync(join(copy, 'dist/code'), { recursive: true, force: true });
  const installed = join(copy, 'dist/main.cjs');
  // The file of a node that is nobody else's.
  const own = join(folder(), 'node');
  copyFileSync(node, own);
  const env = { PATH: `${dirname(own)}:/usr/bin:/bin` };
  /** The options that node was started with, in front of what ends them. */
  const options = (file: string, words: readonly string[]): string[] => {
    const script = 'read pid name state parent rest < /proc/$PPID/stat; cat /proc/$parent/cmdline';
    const { stdout, stderr } = started(file, [...words, '--', '/bin/sh', '-c', script], env);
    assert.ok(stdout.includes('\0--\0'), stderr);
    return stdout.slice(0, stdout.indexOf('\0--\0')).split('\0').slice(1);
  };
  const launch = ['run', '--uid', '--quiet'];
  assert.deepEqual(options(installed, launch), [], 'before the first launch has ended nothing is kept');
  assert.deepEqual(options(installed, launch), quickOptions);
  assert.deepEqual(options(installed, ['-run', '-uid', '-quiet']), quickOptions);
  assert.deepEqual(options(installed, [...launch, '--pty']), [], 'where V8 has much to do');
  const prefix = folder();
  for (const path of ['bin', 'lib/node_modules']) mkdirSync(join(prefix, path), { recursive: true });
  symlinkSync(copy, join(prefix, 'lib/node_modules/gontainer'));
  symlinkSync('../lib/node_modules/gontainer/dist/main.cjs', join(prefix, 'bin/gontainer'));
  assert.deepEqual(options(join(prefix, 'bin/gontainer'), launch), quickOptions, 'by a link of npm');
  utimesSync(own, 1, 1);
  assert.deepEqual(options(installed, launch), [], 'the file has changed since');
});
