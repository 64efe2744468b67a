/** Which image is taken from a layout that holds more than one thing, and in which forms an image may be kept. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultLimits } from '../../../src/parent/images/archive/limits.js';
import {
  fits,
  highestVariant,
  hostPlatform,
  type Platform,
  parsePlatform,
} from '../../../src/parent/images/image/platform.js';
import {
  type BuiltImage,
  buildImage,
  describe,
  indexOf,
  layoutEntries,
  savedEntries,
} from './image-builder.js';
import { importBytes, importRootfs, silent } from './importing.js';
import { archive, file } from './tar-builder.js';
import { identities, workspace } from './workspace.js';

const [owner] = identities;
assert.ok(owner);

const host = hostPlatform();
const plain = { os: host.os, architecture: host.architecture };

test('of the variants of this machine, the highest that its processor can run is taken, whatever their order', async (t) => {
  const able = Number(host.variant?.slice(1) ?? 0);
  if (able === 0) return t.skip('this kind of processor has no variants');
  const variants = [able + 1, able - 1, able, able - 2].filter((number) => number > 0);
  const images = variants.map((number) =>
    buildImage([[file(`v${number}`)]], { ...plain, variant: `v${number}` }),
  );
  for (const order of [images, images.toReversed()]) {
    const directory = workspace(t, owner);
    await importBytes(owner, directory, archive(layoutEntries(order)));
    assert.deepEqual(readdirSync(join(directory, 'root')), [`v${able}`]);
  }
  const directory = workspace(t, owner);
  const tooHigh = images.slice(0, 1);
  await assert.rejects(importBytes(owner, directory, archive(layoutEntries(tooHigh))), {
    message: /no image for/,
    next: new RegExp(`${plain.architecture}/v${able + 1}`),
  });
});

test('an image whose configuration alone says that it needs a higher variant is refused', async (t) => {
  const able = Number(host.variant?.slice(1) ?? 0);
  if (able === 0) return t.skip('this kind of processor has no variants');
  const directory = workspace(t, owner);
  const image = buildImage([[file('a')]], { ...plain, variant: `v${able + 1}` });
  const { platform: _, ...unsaid } = image.manifest;
  const bytes = archive(layoutEntries([image], indexOf([unsaid])));
  await assert.rejects(importBytes(owner, directory, bytes), {
    next: new RegExp(`--platform .*/v${able + 1}`),
  });
  await importBytes(owner, directory, bytes, { platform: { ...plain, variant: `v${able + 1}` } });
});

test('a platform takes its own variant and every lower one, and without one the usual', () => {
  const of = (text: string): Platform => {
    const [os = '', architecture = '', variant] = text.split('/');
    return { os, architecture, variant };
  };
  for (const [offered, wanted, expected] of [
    ['linux/arm64/v8', 'linux/arm64', true],
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm64/v9', 'linux/arm64', false],
    ['linux/arm64/v8.2', 'linux/arm64/v8', false],
    ['linux/arm/v6', 'linux/arm', true],
    ['linux/arm/v7', 'linux/arm/v6', false],
    ['linux/amd64', 'linux/amd64/v3', true],
    ['linux/amd64/v2', 'linux/amd64', false],
    ['linux/amd64/strange', 'linux/amd64/v4', false],
    ['linux/amd64/strange', 'linux/amd64/strange', true],
    ['windows/amd64', 'linux/amd64', false],
    ['linux/riscv64', 'linux/riscv64', true],
    ['linux/arm64', 'linux/amd64', false],
  ] as const) {
    assert.equal(fits(of(offered), of(wanted)), expected, `${offered} on ${wanted}`);
  }
  assert.deepEqual(parsePlatform(`linux/${host.architecture}`), host);
});

test('what a processor can do is read from /proc/cpuinfo, and one that is not known can do what all can', () => {
  const v2 = 'cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2';
  const v3 = `${v2} abm avx avx2 bmi1 bmi2 f16c fma movbe xsave`;
  const v4 = `${v3} avx512f avx512bw avx512cd avx512dq avx512vl`;
  for (const [architecture, cpuinfo, expected] of [
    ['amd64', 'processor : 0\nflags\t\t: fpu sse2\n', 1],
    ['amd64', `flags\t\t: ${v2}\n`, 2],
    ['amd64', `flags\t\t: ${v3}\nvmx flags\t: vnmi\n`, 3],
    ['amd64', `flags\t\t: ${v3.replace('movbe', '')} avx512f\n`, 2],
    ['amd64', `flags\t\t: ${v4}\n`, 4],
    ['amd64', '', 1],
    ['arm', 'CPU architecture: 6\n', 6],
    ['arm', 'CPU architecture: 7\n', 7],
    ['arm', '', 7],
    ['arm64', 'Features\t: fp asimd\nCPU architecture: 8\n', 8],
    ['arm64', 'Features\t: fp asimd sve2\n', 9],
    ['riscv64', '', undefined],
  ] as const) {
    assert.equal(highestVariant(architecture, cpuinfo), expected, cpuinfo);
  }
});

/** An artifact of OCI 1.1 in three shapes: said by its index, by its manifest, and only by its configuration. */
function artifact(shape: 'index' | 'manifest' | 'configuration'): BuiltImage {
  const built = buildImage([[file('signature')]], plain, ({ manifest }) => {
    if (manifest.config === undefined) return;
    if (shape === 'manifest') manifest.artifactType = 'application/vnd.example.signature';
    Object.assign(manifest.config as object, { mediaType: 'application/vnd.oci.empty.v1+json' });
  });
  const { platform: _, ...manifest } = built.manifest;
  return {
    ...built,
    manifest: shape === 'index' ? Object.assign(manifest, { artifactType: 'some/type' }) : manifest,
  };
}

for (const shape of ['index', 'manifest', 'configuration'] as const) {
  test(`an artifact beside an image is not taken for one, where its ${shape} says so`, async (t) => {
    const image = buildImage([[file('image')]]);
    const { platform: _, ...unsaid } = image.manifest;
    for (const order of [
      [artifact(shape), { ...image, manifest: unsaid }],
      [{ ...image, manifest: unsaid }, artifact(shape)],
    ]) {
      const directory = workspace(t, owner);
      await importBytes(owner, directory, archive(layoutEntries(order)));
      assert.deepEqual(readdirSync(join(directory, 'root')), ['image']);
    }
  });
}

test('an artifact alone is refused by its type', async (t) => {
  const bytes = archive(layoutEntries([artifact('manifest')]));
  await assert.rejects(
    importBytes(owner, workspace(t, owner), bytes),
    /not an image, but application\/vnd\.example\.sig/,
  );
});

test('images for different machines are told apart where only their configurations say which is which', async (t) => {
  const images = [
    buildImage([[file('there')]], { os: 'linux', architecture: 'mips64le' }),
    buildImage([[file('here')]]),
  ].map((image) => ({
    ...image,
    manifest: describe(image.manifest.mediaType, image.blobs.get(image.manifest.digest) as Buffer),
  }));
  const directory = workspace(t, owner);
  await importBytes(owner, directory, archive(layoutEntries(images)));
  assert.deepEqual(readdirSync(join(directory, 'root')), ['here']);
});

test('an image that does not say which machine it is for is taken', async (t) => {
  for (const unsaid of [{}, { os: '', architecture: '' }]) {
    const image = buildImage([[file('a')]], unsaid);
    const { platform: _, ...manifest } = image.manifest;
    for (const bytes of [
      archive(layoutEntries([image], indexOf([manifest]))),
      archive(layoutEntries([image])),
    ]) {
      const directory = workspace(t, owner);
      await importBytes(owner, directory, bytes);
      assert.deepEqual(readdirSync(join(directory, 'root')), ['a']);
    }
  }
});

test('an index says which machine an image is for, also where its configuration names another', async (t) => {
  const built = buildImage([[file('a')]], { os: 'linux', architecture: 'mips64le' });
  const listed = { ...built.manifest, platform: plain };
  const directory = workspace(t, owner);
  await importBytes(owner, directory, archive(layoutEntries([built], indexOf([listed]))));
  assert.deepEqual(readdirSync(join(directory, 'root')), ['a']);
});

test('a layout that lists nothing is said to', async (t) => {
  const bytes = archive(layoutEntries([buildImage([[file('a')]])], indexOf([])));
  await assert.rejects(importBytes(owner, workspace(t, owner), bytes), {
    message: 'index.json lists no images.',
  });
});

test('--image takes a short name for the one that is written out, and the other way round', async (t) => {
  const layers = [[file('bb')]];
  const image = buildImage(layers);
  for (const [stored, typed] of [
    ['docker.io/library/bb:2', 'bb:2'],
    ['bb:2', 'docker.io/library/bb:2'],
    ['docker.io/library/bb:latest', 'bb'],
    ['localhost/bb:2', 'localhost/bb:2'],
  ] as const) {
    const annotations = { 'io.containerd.image.name': stored, 'org.opencontainers.image.ref.name': '2' };
    const named = { ...image, manifest: { ...image.manifest, annotations } };
    for (const bytes of [archive(savedEntries(image, layers, stored)), archive(layoutEntries([named]))]) {
      const directory = workspace(t, owner);
      await importBytes(owner, directory, bytes, { image: typed });
      assert.deepEqual(readdirSync(join(directory, 'root')), ['bb'], `${stored} as ${typed}`);
      await assert.rejects(
        importBytes(owner, directory, bytes, { image: 'bb:3', directory: join(directory, 'other') }),
        { status: 2, next: new RegExp(`It has ${stored}`) },
      );
    }
  }
});

/** What `skopeo copy … dir:FOLDER` writes: containers-transports(5). */
function writeDir(folder: string, image: BuiltImage, index?: Buffer): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'version'), 'Directory Transport Version: 1.1\n');
  for (const [digest, bytes] of image.blobs) {
    const hex = digest.slice('sha256:'.length);
    const isManifest = digest === image.manifest.digest;
    if (!isManifest) writeFileSync(join(folder, hex), bytes);
    else writeFileSync(join(folder, index === undefined ? 'manifest.json' : `${hex}.manifest.json`), bytes);
  }
  if (index !== undefined) writeFileSync(join(folder, 'manifest.json'), index);
}

test("a folder of skopeo's dir: is an image, one for several machines too", async (t) => {
  const image = buildImage([[file('one')], [file('two')]]);
  for (const index of [undefined, indexOf([image.manifest])]) {
    const directory = workspace(t, owner);
    writeDir(join(directory, 'image'), image, index);
    const request = {
      source: join(directory, 'image'),
      directory: join(directory, 'root'),
      progress: silent(),
    };
    const made = await importRootfs({ ...request, platform: hostPlatform(), limits: defaultLimits });
    assert.equal(made.description, 'an image of 2 layers');
    assert.deepEqual(readdirSync(join(directory, 'root')).sort(), ['one', 'two']);
  }
});

test("a part of skopeo's dir: that is not what its digest says is refused", async (t) => {
  const image = buildImage([[file('one')]]);
  const directory = workspace(t, owner);
  writeDir(join(directory, 'image'), image);
  const [layer] = [...image.blobs].find(([, bytes]) => bytes === image.layers[0]) ?? [];
  writeFileSync(join(directory, 'image', String(layer).slice('sha256:'.length)), 'exchanged');
  const request = {
    source: join(directory, 'image'),
    directory: join(directory, 'root'),
    progress: silent(),
  };
  await assert.rejects(
    importRootfs({ ...request, platform: host, limits: defaultLimits }),
    /not what the image says/,
  );
});
