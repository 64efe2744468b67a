/** --env and --env-file: what reaches the command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, program, rootfs, run } from '../../gontainer.js';

const place = folder();

function file(name: string, content: string | Uint8Array): string {
  const path = join(place, name);
  writeFileSync(path, content);
  return path;
}

/** The command's environment as it is printed by env(1). */
async function environment(options: readonly string[], env: Record<string, string> = {}): Promise<string[]> {
  const root = await rootfs();
  const words = ['run', '--uid', '--quiet', '--mnt', root, ...options, '--', 'env'];
  const { status, stdout, stderr } = await run(words, { env });
  assert.equal(status, 0, stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .filter((line) => !/^(PS1|SHLVL|PWD)=/.test(line));
}

const base = [
  'HOME=/root',
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'TERM=xterm',
];
const sorted = (...lines: string[]): string[] => [...base, ...lines].sort();

test('a variable given by its name alone keeps the caller’s value, and is absent where the caller has none', async () => {
  const found = await environment(['--env', 'KEPT', '--env', 'ABSENT', '--env', 'EMPTY='], { KEPT: 'a=b' });
  assert.deepEqual(found.sort(), sorted('KEPT=a=b', 'EMPTY='));
});

test('a file is read as Docker reads it, and --env goes before it', async () => {
  const first = file(
    'first',
    '\uFEFFA=1\n# B=comment\n\n  C=  two words  \nQUOTED="x" \'y\'\r\nKEPT\nABSENT\nE=\nURL=http://h/?a=b#c\nG=file',
  );
  const second = file('second', 'A=2\n');
  const options = ['--env', 'G=option', '--env-file', first, '--env-file', second];
  assert.deepEqual(
    (await environment(options, { KEPT: 'mine' })).sort(),
    sorted('A=2', 'C=  two words  ', `QUOTED="x" 'y'`, 'KEPT=mine', 'E=', 'URL=http://h/?a=b#c', 'G=option'),
  );
});

test('Node does not take the file for one of its own', () => {
  const path = file('node', 'NODE_OPTIONS=--no-such-option\n');
  for (const form of [[], ['--detach', '--output', join(place, 'output')]]) {
    const words = ['run', '--uid', '--quiet', ...form, `--env-file=${path}`, '--', 'true'];
    const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  }
});

test('a file that is wrong is said with its line, and status 2', async () => {
  for (const [path, expected] of [
    [join(place, 'none'), /--env-file=.*none cannot be read: no such file or directory \(ENOENT\)/],
    [place, /cannot be read: illegal operation on a directory \(EISDIR\)/],
    [file('blank', 'A=1\nB C=2\n'), /blank, line 2: the name “B C” has a blank in it/],
    [file('nameless', '\n=2\n'), /nameless, line 2: “=2” is not of the form NAME=VALUE/],
    [file('bytes', new Uint8Array([65, 61, 255])), /bytes is not UTF-8/],
  ] as const) {
    const { status, stderr } = await run(['run', '--uid', '-env-file', path, '--', 'true']);
    assert.match(stderr, /^gontainer: [^\n]*\n$/);
    assert.match(stderr, expected);
    assert.equal(status, 2);
  }
});

test('--env-fd sets what a descriptor has, and --clear-env leaves nothing else', async () => {
  const entries = 'SECRET=a b\nc=d\0EMPTY=\0LATIN=caf\u00e9\0';
  const words = [
    'run',
    '--uid',
    '--quiet',
    '--clear-env',
    '--env-fd=0',
    '--env',
    'ADDED=1',
    '--',
    '/usr/bin/env',
    '-0',
  ];
  const { status, stdout, stderr } = await run(words, { input: entries });
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.split('\0').sort(), ['', 'ADDED=1', 'EMPTY=', 'LATIN=café', 'SECRET=a b\nc=d']);
});

test('an --env-fd that cannot be read, or has what is no variable, is said without its contents', async () => {
  const refused = async (words: string[], input = '') => {
    const { status, stderr } = await run(['run', '--uid', '--quiet', ...words, '--', 'true'], { input });
    assert.equal(status, 2, stderr);
    assert.doesNotMatch(stderr, /s3cret/);
    return stderr;
  };
  assert.match(await refused(['--env-fd=77']), /--env-fd=77 is not an open file descriptor/);
  for (const input of ['s3cret\0', '=s3cret\0'])
    assert.match(await refused(['--env-fd=0'], input), /has an entry that is not of the form NAME=VALUE/);
});
