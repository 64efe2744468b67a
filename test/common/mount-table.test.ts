/** Lines of the mount table are looked at before they are taken apart, and what is found so is the same. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { textOf, textOfFile } from '../../src/common/byte-text.js';
import { Mount } from '../../src/common/mount-table.js';
import { folder } from '../gontainer.js';

const at = (place: string, rest = '- ext4 /dev/vda rw'): Mount =>
  new Mount(`36 35 98:0 / ${place} rw,noatime ${rest}`);

test('a mount is at a place or below it by its path alone', () => {
  const places = ['/new\\040root', '/new\\040root/proc', '/new\\040rootless', '/', '/proc'];
  const mounts = places.map((place) => at(place));
  assert.deepEqual(
    mounts.map((mount) => mount.isAtOrBelow('/new root')),
    [true, true, false, false, false],
  );
  assert.deepEqual(
    mounts.map((mount) => mount.isAtOrBelow('/')),
    [true, true, true, true, true],
  );
  // The root of each within its file system is / too.
  assert.deepEqual(
    mounts.map((mount) => mount.isAt('/')),
    [false, false, false, true, false],
  );
});

test('what a file system is called makes no mount a shared one', () => {
  const shared = (rest: string): boolean => at('/', rest).has('shared:');
  assert.deepEqual(
    ['shared:1 - ext4 /dev/vda rw', 'master:1 shared:2 - ext4 none rw', '- ext4 shared:1 rw'].map(shared),
    [true, true, false],
  );
});

test('the text of a file keeps its bytes, UTF-8 or not', () => {
  const file = join(folder(), 'bytes');
  for (const bytes of [Buffer.from('a ü \ufffd\n'), Buffer.from([0x61, 0xff, 0x20, 0xc3])]) {
    writeFileSync(file, bytes);
    assert.equal(textOfFile(file), textOf(bytes));
  }
});
