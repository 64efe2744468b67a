/** What GNU tar and bsdtar write of a tree full of oddities is unpacked to the same tree, entry by entry. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setAttribute, setTimes } from '../../../src/common/kernel/file-attributes.js';
import { importBytes } from './importing.js';
import { treeOf } from './tree-of.js';
import { identities, workspace } from './workspace.js';

const [owner] = identities;
assert.ok(owner);

const installed = (program: string): false | string =>
  spawnSync(program, ['--version']).status === 0 ? false : `${program} is not installed`;

/** Only what every format can write; `more` what the newer ones can. */
function makeTree(directory: string, more: boolean): void {
  const raw = (name: string): Buffer =>
    Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]);
  mkdirSync(join(directory, 'etc'));
  writeFileSync(join(directory, 'etc/a'), 'hello\n');
  linkSync(join(directory, 'etc/a'), join(directory, 'etc/b'));
  symlinkSync('../etc/a', join(directory, 'etc/link'));
  writeFileSync(join(directory, 'empty'), '');
  writeFileSync(raw('caf\xe9'), 'latin1');
  writeFileSync(raw('Icon\r'), 'carriage return');
  writeFileSync(raw('\xc3\xa9 \xe6\x97\xa5'), 'utf-8');
  mkdirSync(join(directory, 'closed'));
  chmodSync(join(directory, 'closed'), 0o700);
  mkdirSync(join(directory, 'shared'));
  chmodSync(join(directory, 'shared'), 0o1777);
  // Longer than any reader takes at once, and not a multiple of a block.
  writeFileSync(join(directory, 'long'), Buffer.alloc(1_000_001, 'abcdefg'));
  if (more) {
    const deep = join(directory, 'd'.repeat(120), 'e'.repeat(120));
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, 'f'.repeat(200)), 'deep');
    symlinkSync('t'.repeat(300), join(directory, 'far'));
  }
  setTimes(Buffer.from(join(directory, 'etc/a')), { seconds: 1_000_000_000, nanoseconds: 0 });
  for (const folder of ['etc', 'closed', 'shared']) {
    setTimes(Buffer.from(join(directory, folder)), { seconds: 1_234_567_890, nanoseconds: 0 });
  }
}

/** 5 MB with something at the start, in the middle and at the end; the rest are holes. */
function makeSparse(path: string, pieces: number): void {
  const file = openSync(path, 'w');
  for (let index = 0; index < pieces; index++) writeSync(file, `piece ${index}`, index * 65_536);
  ftruncateSync(file, pieces * 65_536 + 12_345);
  closeSync(file);
}

interface Writer {
  readonly program: 'tar' | 'bsdtar';
  readonly words: readonly string[];
  readonly more: boolean;
  readonly nanoseconds: boolean;
}

const writers: readonly Writer[] = [
  { program: 'tar', words: ['--format=v7'], more: false, nanoseconds: false },
  { program: 'tar', words: ['--format=ustar'], more: false, nanoseconds: false },
  { program: 'tar', words: ['--format=oldgnu'], more: true, nanoseconds: false },
  { program: 'tar', words: ['--format=gnu'], more: true, nanoseconds: false },
  { program: 'tar', words: ['--format=posix'], more: true, nanoseconds: true },
  { program: 'tar', words: ['--format=gnu', '--sparse'], more: true, nanoseconds: false },
  ...['0.0', '0.1', '1.0'].map(
    (version): Writer => ({
      program: 'tar',
      words: ['--format=posix', '--sparse', `--sparse-version=${version}`],
      more: true,
      nanoseconds: true,
    }),
  ),
  { program: 'bsdtar', words: ['--format=ustar'], more: false, nanoseconds: false },
  { program: 'bsdtar', words: ['--format=gnutar'], more: true, nanoseconds: false },
  { program: 'bsdtar', words: ['--format=pax'], more: true, nanoseconds: true },
];

for (const { program, words, more, nanoseconds } of writers) {
  const skip = installed(program);
  test(`what ${program} ${words.join(' ')} writes becomes the same tree`, { skip }, async (t) => {
    const directory = workspace(t, owner);
    const original = join(directory, 'original');
    mkdirSync(original);
    makeTree(original, more);
    makeSparse(join(original, 'sparse'), 3);
    makeSparse(join(original, 'many-holes'), 60);
    // bsdtar writes no time before 1970 into GNU's format.
    if (more && (program === 'tar' || nanoseconds))
      setTimes(Buffer.from(join(original, 'empty')), { seconds: -240, nanoseconds: 0 });
    if (nanoseconds)
      setTimes(Buffer.from(join(original, 'etc/a')), {
        seconds: 1_700_000_000,
        nanoseconds: 123_456_789,
      });
    const archive = join(directory, 'archive.tar');
    const env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' };
    const made = spawnSync(program, [...words, '-cf', archive, '-C', original, '.'], {
      env,
      encoding: 'utf8',
    });
    assert.equal(made.status, 0, made.stderr);
    await importBytes(owner, directory, readFileSync(archive));
    assert.deepEqual(
      treeOf(join(directory, 'root'), { nanoseconds, except: ['.'] }),
      treeOf(original, { nanoseconds, except: ['.'] }),
    );
  });
}

test('extended attributes of the users are kept, whatever bytes they hold', {
  skip: installed('tar'),
}, async (t) => {
  const directory = workspace(t, owner);
  const original = join(directory, 'original');
  mkdirSync(original);
  writeFileSync(join(original, 'a'), 'a');
  try {
    setAttribute(Buffer.from(join(original, 'a')), 'user.bytes', Buffer.from([0, 1, 0xff, 0x0a, 0x3d]));
  } catch {
    t.skip('the file system keeps no extended attributes');
    return;
  }
  for (const [program, words] of [
    ['tar', ['--format=posix', '--xattrs']],
    ['bsdtar', ['--format=pax', '--xattrs']],
  ] as const) {
    if (installed(program)) continue;
    const { stdout } = spawnSync(program, [...words, '-cf', '-', '-C', original, '.']);
    const root = join(directory, program);
    await importBytes(owner, directory, stdout, { directory: root });
    const listed = spawnSync('tar', ['--format=posix', '--xattrs', '-cf', '-', '-C', root, 'a']).stdout;
    const record = Buffer.from('SCHILY.xattr.user.bytes=\x00\x01\xff\n=\n', 'latin1');
    assert.ok(listed.includes(record), `${program}: the attribute is not there, or another`);
  }
});
