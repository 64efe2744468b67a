/** Lines of the mount table are looked at before they are taken apart, and what is found so is the same. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { textOf, textOfFile } from '../../src/common/byte-text.js';
import { MountTable } from '../../src/common/mount-table.js';
import { folder } from '../gontainer.js';

const table = (...lines: string[]): MountTable =>
  new MountTable(lines.map((line) => `36 35 98:0 / ${line}\n`).join(''));
const places = (mounts: readonly { readonly mountPoint: string }[]): string[] =>
  mounts.map(({ mountPoint }) => mountPoint);

test('a mount is at a place or below it by its path alone', () => {
  const all = ['/new\\040root', '/new\\040root/proc', '/new\\040rootless', '/', '/proc', '/', '/srv'];
  // The root of each within its file system is / too, and what is mounted may be called as a place is.
  const mounts = table(...all.map((place) => `${place} rw,noatime - ext4 /new\\040root rw /proc `));
  assert.deepEqual(places(mounts.atOrBelow('/new root')), ['/new root', '/new root/proc']);
  assert.deepEqual(places(mounts.at('/new root')), ['/new root']);
  assert.deepEqual(places(mounts.at('/proc')), ['/proc']);
  assert.deepEqual(places(mounts.at('/')), ['/', '/']);
  assert.deepEqual(mounts.at('/tmp'), []);
  assert.equal(mounts.atOrBelow('/').length, all.length);
  assert.equal(mounts.size, all.length);
  assert.deepEqual(places(mounts.all), places(mounts.atOrBelow('/')));
});

test('what a file system is called makes no mount a shared one, and none of its type', () => {
  const lines = ['/ rw shared:1 - ext4 /dev/vda rw', '/a rw master:1 shared:2 - ext4 none rw'];
  const mounts = table(
    ...lines,
    '/b rw - ext4 shared:1 rw',
    '/c rw - cgroup2 master:1 rw',
    '/d rw - fuse.cgroup x rw',
  );
  assert.equal(mounts.count('shared:'), 2);
  assert.equal(mounts.count('master:'), 1);
  assert.deepEqual(places(mounts.ofType('cgroup')), ['/c']);
  assert.equal(table().size, 0);
});

test('the text of a file keeps its bytes, UTF-8 or not', () => {
  const file = join(folder(), 'bytes');
  for (const bytes of [Buffer.from('a ü \ufffd\n'), Buffer.from([0x61, 0xff, 0x20, 0xc3])]) {
    writeFileSync(file, bytes);
    assert.equal(textOfFile(file), textOf(bytes));
  }
});
