/** Archives and images that are odd, each with what is right about the tree that it becomes. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { archive, type Entry, file, folder, hardLink, member, symbolicLink } from './tar-builder.js';

type Check = (root: string, losses: string | undefined) => void;

const contents = (root: string, path: string): string => readFileSync(join(root, path), 'utf8');
export const hello = file('etc/a', 'hello\n');
const helloThere: Check = (root) => assert.equal(contents(root, 'etc/a'), 'hello\n');
const time = (root: string, path: string): bigint => lstatSync(join(root, path), { bigint: true }).mtimeNs;
const second = 1_000_000_000n;

const withBase256Time = (value: bigint): Entry => ({
  ...hello,
  change: (header) => {
    header.write(BigInt.asUintN(96, value).toString(16).padStart(24, '0'), 136, 'hex');
    if (value >= 0n) header[136] = 0x80;
  },
});

const innerTar = archive([
  { name: 'inner', type: 'S' },
  { name: 'other', type: 'Z' },
]);

export const oddArchives: readonly (readonly [name: string, bytes: Buffer, check: Check])[] = [
  ['no end mark', member(hello), helloThere],
  ['one zero block', Buffer.concat([member(hello), Buffer.alloc(512)]), helloThere],
  ['a zero block that is cut short', Buffer.concat([member(hello), Buffer.alloc(100)]), helloThere],
  ['a last block that is cut short', member(hello).subarray(0, 512 + 6), helloThere],
  ['data after the end', Buffer.concat([archive([hello]), Buffer.alloc(5000, 'junk')]), helloThere],
  ['another archive after the end', Buffer.concat([archive([hello]), archive([file('b')])]), helloThere],
  [
    'a file that is a tar with entries of types that nobody knows',
    archive([{ name: 'etc/fixture.tar', body: innerTar }, hello]),
    (root) => assert.ok(readFileSync(join(root, 'etc/fixture.tar')).equals(innerTar)),
  ],
  [
    'a hard link to a fifo, and one to that link',
    archive([{ name: 'f', type: '6' }, hardLink('l', 'f'), hardLink('m', 'l'), hello]),
    (root, losses) => {
      assert.deepEqual(readdirSync(root), ['etc']);
      assert.match(losses ?? '', /3 device nodes or fifos/);
    },
  ],
  [
    'a hard link to a device whose place a file took',
    archive([{ name: 'd', type: '3' }, file('d', 'now'), hardLink('l', 'd')]),
    (root) => assert.equal(statSync(join(root, 'l')).ino, statSync(join(root, 'd')).ino),
  ],
  [
    'an entry below a file',
    archive([file('etc/a', 'x'), file('etc/a/b/c', 'y')]),
    (root) => assert.equal(contents(root, 'etc/a/b/c'), 'y'),
  ],
  [
    'an entry below a symbolic link to a file',
    archive([file('t', 'x'), symbolicLink('l', 't'), file('l/b', 'y')]),
    (root) => assert.equal(contents(root, 't/b'), 'y'),
  ],
  [
    'a time before 1970',
    archive([withBase256Time(-240n)]),
    (root) => assert.equal(time(root, 'etc/a'), -240n * second),
  ],
  [
    'a time after 2106',
    archive([withBase256Time(5_000_000_000n)]),
    (root) => assert.equal(time(root, 'etc/a'), 5_000_000_000n * second),
  ],
  ['a time that no file system keeps', archive([withBase256Time(2n ** 88n)]), helloThere],
  ['a time that no file system keeps, long ago', archive([withBase256Time(-(2n ** 88n))]), helloThere],
  [
    'a time with nanoseconds, before 1970',
    archive([file('etc/a', 'hello\n', { pax: { mtime: '-1.000000001' } })]),
    (root) => assert.equal(time(root, 'etc/a'), -second - 1n),
  ],
  [
    'the time of a folder that is filled afterwards',
    archive([folder('etc', { modified: 86_400 }), hello]),
    (root) => assert.equal(time(root, 'etc'), 86_400n * second),
  ],
  [
    'a global pax header, taken away again by an empty record',
    archive([
      { name: 'g', type: 'g', body: '14 mtime=1234\n' },
      file('one'),
      file('two', 'x', { pax: { mtime: '' } }),
    ]),
    (root) => {
      assert.equal(time(root, 'one'), 1234n * second);
      assert.equal(time(root, 'two'), 1_000_000_000n * second);
    },
  ],
  [
    'pax records that a writer filled up with zeros',
    Buffer.concat([
      member({ name: 'x', type: 'x', body: `14 mtime=1234\n${'\0'.repeat(20)}` }),
      archive([hello]),
    ]),
    (root) => assert.equal(time(root, 'etc/a'), 1234n * second),
  ],
  [
    'a name of a GNU volume',
    archive([{ name: 'backup', type: 'V' }, hello]),
    (root) => assert.deepEqual(readdirSync(root), ['etc']),
  ],
  ['an entry of a type that nobody knows', archive([{ ...hello, type: 'Z' }, file('b')]), helloThere],
  [
    'access control lists of Solaris before a file, and after one',
    archive([
      { name: 'etc/a', type: 'A', body: '1000003user::rw-' },
      hello,
      { name: 'b', type: 'A', body: 'x' },
    ]),
    (root, losses) => {
      helloThere(root, losses);
      assert.deepEqual(readdirSync(root), ['etc']);
    },
  ],
  [
    'a hard link whose file follows once more, as pax has it',
    archive([hello, { ...hardLink('b', 'etc/a'), body: 'hello\n' }, file('c'), hardLink('d', 'c')]),
    (root) => {
      assert.equal(statSync(join(root, 'b')).ino, statSync(join(root, 'etc/a')).ino);
      assert.equal(statSync(join(root, 'd')).ino, statSync(join(root, 'c')).ino);
    },
  ],
  [
    'a hard link whose file, of zeros, follows once more',
    archive([
      { name: 'a', body: Buffer.alloc(1500) },
      { ...hardLink('b', 'a'), body: Buffer.alloc(1500) },
      file('c'),
    ]),
    (root) => assert.deepEqual(readdirSync(root), ['a', 'b', 'c']),
  ],
  [
    'hard links that give the size of a file, which does not follow',
    archive([
      hello,
      { ...hardLink('b', 'etc/a'), size: 6 },
      file('c'),
      { ...hardLink('d', 'c'), size: 70_000 },
    ]),
    (root) => assert.deepEqual(readdirSync(root), ['b', 'c', 'd', 'etc']),
  ],
  [
    'a time with something after the number',
    archive([file('etc/a', 'hello\n', { pax: { mtime: '1234.5x' } })]),
    (root) => assert.equal(time(root, 'etc/a'), 1234n * second + second / 2n),
  ],
  ['a contiguous file', archive([{ ...hello, type: '7' }]), helloThere],
  [
    'an owner that is no number of a user',
    archive([file('etc/a', 'hello\n', { pax: { uid: '99999999999', gid: '-1' } })]),
    helloThere,
  ],
  [
    'a checksum of signed bytes, as old tars computed it',
    (() => {
      const bytes = member({ name: Buffer.from('caf\xe9', 'latin1'), body: 'x' });
      const sum = [...bytes.subarray(0, 512)].reduce(
        (total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte < 128 ? byte : byte - 256),
        0,
      );
      bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      return bytes;
    })(),
    (root) => assert.deepEqual(readdirSync(root, { encoding: 'latin1' }), ['caf\xe9']),
  ],
];

export const oddLayers: readonly (readonly [
  name: string,
  layers: readonly (readonly Entry[])[],
  check: Check,
])[] = [
  [
    'a whiteout below a file is nothing',
    [
      [folder('etc'), hello],
      [file('etc/d', 'file'), file('etc/d/.wh.x', ''), file('none/at/.wh.all', '')],
    ],
    (root) => {
      assert.equal(contents(root, 'etc/d'), 'file');
      assert.ok(!existsSync(join(root, 'none')));
    },
  ],
  [
    'a device or fifo takes the place of a file and of a folder, although neither is made',
    [
      [file('one', 'stale'), folder('two'), file('two/stale')],
      [
        { name: 'one', type: '6' },
        { name: 'two', type: '3' },
      ],
    ],
    (root) => assert.deepEqual(readdirSync(root), []),
  ],
  [
    "a hard link to a fifo takes a file's place",
    [[file('one', 'stale')], [{ name: 'f', type: '6' }, hardLink('one', 'f')]],
    (root) => assert.deepEqual(readdirSync(root), []),
  ],
  [
    'files in the folder where AUFS kept hard links are no contents, and what links to them is',
    [
      [folder('.wh..wh.plnk'), file('.wh..wh.plnk/1.2', 'linked'), hardLink('etc/a', '.wh..wh.plnk/1.2')],
      [file('.wh..wh.aufs', ''), folder('.wh..wh.orph'), file('.wh..wh.orph/x'), file('b')],
    ],
    (root) => {
      assert.deepEqual(readdirSync(root).sort(), ['b', 'etc']);
      assert.equal(contents(root, 'etc/a'), 'linked');
    },
  ],
];
