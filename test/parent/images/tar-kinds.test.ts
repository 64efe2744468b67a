/** Archives that are odd, and that umoci, GNU tar, bsdtar or Go read: they are read here too, and not one byte is lost. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildImage, describe, layoutEntries, sha256 } from './image-builder.js';
import { importBytes } from './importing.js';
import { hello, oddArchives, oddLayers } from './odd-archives.js';
import { archive, file } from './tar-builder.js';
import { identities, workspace } from './workspace.js';

const [owner] = identities;
assert.ok(owner);

for (const [name, bytes, check] of oddArchives) {
  test(`an archive with ${name} is read`, async (t) => {
    const directory = workspace(t, owner);
    const made = await importBytes(owner, directory, bytes);
    check(join(directory, 'root'), made.tally.losses);
  });
}

for (const [name, contents, check] of oddLayers) {
  test(`in the layers of an image, ${name}`, async (t) => {
    const directory = workspace(t, owner);
    const made = await importBytes(owner, directory, archive(layoutEntries([buildImage(contents)])));
    check(join(directory, 'root'), made.tally.losses);
  });
}

for (const [name, stored] of [
  ['zero bytes', Buffer.alloc(0)],
  ['zero bytes, compressed', gzipSync(Buffer.alloc(0))],
  ['no entry but an end mark', Buffer.alloc(1024)],
] as const) {
  test(`a layer of ${name} changes nothing`, async (t) => {
    const directory = workspace(t, owner);
    const image = buildImage([[hello], [file('b')]], undefined, ({ config, manifest }) => {
      const diff = sha256(name === 'zero bytes, compressed' ? Buffer.alloc(0) : stored);
      const { rootfs } = config as { rootfs: { diff_ids: string[] } };
      if (!rootfs.diff_ids.includes(diff)) rootfs.diff_ids.push(diff);
      (manifest as { layers?: object[] }).layers?.push(
        describe('application/vnd.oci.image.layer.v1.tar+gzip', stored),
      );
    });
    const blobs = new Map([...image.blobs, [sha256(stored), stored]]);
    await importBytes(owner, directory, archive(layoutEntries([{ ...image, blobs }])));
    assert.deepEqual(readdirSync(join(directory, 'root')).sort(), ['b', 'etc']);
  });
}
