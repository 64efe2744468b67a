/**
 * Images that umoci unpacks are unpacked to the same tree, entry by entry: type, mode, owner, time, size, content, links.
 * With --keep-privileges, as umoci always keeps set-user-ID bits. What remains is in the table of docs/rootfs.md.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { defaultLimits } from '../../../src/parent/images/archive/limits.js';
import { hostPlatform } from '../../../src/parent/images/image/platform.js';
import { type BuiltImage, buildImage, indexOf, layoutEntries, writeLayout } from './image-builder.js';
import { as, importRootfs, silent } from './importing.js';
import { type Entry, file, folder, hardLink, symbolicLink } from './tar-builder.js';
import { treeOf } from './tree-of.js';
import { type Identity, identities, workspace } from './workspace.js';

const noUmoci = spawnSync('umoci', ['--version']).status === 0 ? false : 'umoci is not installed';
const noSkopeo = spawnSync('skopeo', ['--version']).status === 0 ? false : 'skopeo is not installed';

const base: readonly Entry[] = [
  folder('./', { modified: 1_500_000_000 }),
  folder('etc', { modified: 1_234_567_890 }),
  file('etc/a', 'hello\n', { uid: 7, gid: 8 }),
  file('etc/b', 'gone'),
  symbolicLink('etc/link', '/absolute'),
  folder('usr', { modified: 1_400_000_000 }),
  folder('usr/lib', { modified: 1_400_000_001 }),
  symbolicLink('lib', 'usr/lib'),
  file('usr/lib/one', 'one', { pax: { mtime: '1700000000.5' } }),
  hardLink('usr/lib/two', 'usr/lib/one'),
  folder('tmp', { mode: 0o1777, modified: 1_400_000_002 }),
  file('usr/su', '#!', { mode: 0o4755 }),
];

const images: Readonly<Record<string, readonly (readonly Entry[])[]>> = {
  'one layer': [base],
  'a file changed, one removed, one added': [
    base,
    [folder('etc', { modified: 3 }), file('etc/a', 'changed'), file('etc/.wh.b', ''), file('etc/c', 'new')],
  ],
  'an opaque folder': [
    base,
    [folder('usr/lib', { modified: 4 }), file('usr/lib/.wh..wh..opq', ''), file('usr/lib/three', 'three')],
  ],
  'a folder that becomes a file, and a file that becomes a folder': [
    base,
    [file('.wh.usr', ''), folder('etc', { modified: 5 }), file('etc/.wh.a', '')],
    [file('usr', 'a file now'), folder('etc/a', { modified: 6 }), file('etc/a/inner', 'x')],
  ],
  'a file through a symbolic link of the layer below': [base, [file('lib/through', 'x')]],
  'a whiteout of what is not there': [base, [file('none/.wh.x', ''), file('.wh.never', '')]],
  'no end mark, a short last block and long names': [
    [
      ...base,
      folder('d'.repeat(110), { modified: 7 }),
      file(`${'d'.repeat(110)}/${'e'.repeat(120)}`, 'long'),
    ],
  ],
  'names that are not UTF-8, with control characters': [
    [
      folder('./', { modified: 1 }),
      { name: Buffer.from('caf\xe9', 'latin1'), body: 'x' },
      file('Icon\r', 'x'),
    ],
  ],
  'an empty layer': [base, []],
};

/** Writes the image to directory/layout under the name `it`. */
function writeImage(directory: string, image: BuiltImage): void {
  const layout = join(directory, 'layout');
  mkdirSync(layout);
  const named = {
    ...image.manifest,
    platform: { os: 'linux', architecture: hostPlatform().architecture },
    annotations: { 'org.opencontainers.image.ref.name': 'it' },
  };
  writeLayout(layout, layoutEntries([image], indexOf([named])));
}

async function unpackBoth(directory: string, owner: Identity) {
  const layout = join(directory, 'layout');
  if (process.getuid?.() === 0) spawnSync('chown', ['-R', `${owner.uid}:${owner.uid}`, directory]);
  const identity = process.getuid?.() === 0 ? { uid: owner.uid, gid: owner.uid } : {};
  const rootless = owner.uid === 0 ? [] : ['--rootless'];
  const words = [
    'unpack',
    ...rootless,
    '--keep-dirlinks',
    '--image',
    `${layout}:it`,
    join(directory, 'bundle'),
  ];
  const options = { ...identity, env: { PATH: process.env.PATH, HOME: directory, TMPDIR: directory } };
  const umoci = spawnSync('umoci', words, { ...options, encoding: 'utf8' });
  const request = {
    source: layout,
    directory: join(directory, 'root'),
    progress: silent(),
    limits: defaultLimits,
  };
  await as(owner, () => importRootfs({ ...request, platform: hostPlatform(), keepPrivileges: true }));
  return { umoci, theirs: join(directory, 'bundle', 'rootfs'), ours: join(directory, 'root') };
}

for (const owner of identities) {
  for (const [name, layers] of Object.entries(images)) {
    test(`as ${owner.name}, umoci and gontainer unpack to the same tree: ${name}`, {
      skip: noUmoci,
    }, async (t) => {
      const directory = workspace(t, owner);
      if (process.getuid?.() === 0) chownSync(directory, owner.uid, owner.uid);
      const image = buildImage(layers, { os: 'linux', architecture: hostPlatform().architecture });
      writeImage(directory, image);
      const { umoci, theirs, ours } = await unpackBoth(directory, owner);
      assert.equal(umoci.status, 0, umoci.stderr);
      const seen = { except: ['.'], nanoseconds: true };
      assert.deepEqual(treeOf(ours, seen), treeOf(theirs, seen));
    });
  }
}

for (const owner of identities) {
  test(`as ${owner.name}, umoci and gontainer unpack real programs and time zones, in three layers, to the same tree`, {
    skip: noUmoci,
  }, async (t) => {
    const directory = workspace(t, owner);
    const layout = join(directory, 'layout');
    const insert = ['insert', '--rootless', '--image', `${layout}:it`];
    // umoci changes modes on the way to what it may not read, which are whoever's runs the tests only in a copy.
    const copied = (path: string): string => {
      const copy = join(directory, basename(path));
      const { status, stderr } = spawnSync('cp', ['-a', path, copy], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      return copy;
    };
    for (const words of [
      ['init', '--layout', layout],
      ['new', '--image', `${layout}:it`],
      [...insert, copied('/usr/share/zoneinfo'), '/usr/share/zoneinfo'],
      [...insert, copied('/usr/sbin'), '/usr/sbin'],
      [...insert, '--whiteout', '/usr/share/zoneinfo/Asia'],
    ]) {
      const { status, stderr } = spawnSync('umoci', words, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    }
    const { umoci, theirs, ours } = await unpackBoth(directory, owner);
    assert.equal(umoci.status, 0, umoci.stderr);
    const tree = treeOf(ours, { except: ['.', 'usr', 'usr/share'] });
    assert.ok(Object.keys(tree).length > 500, `${Object.keys(tree).length} entries`);
    assert.deepEqual(tree, treeOf(theirs, { except: ['.', 'usr', 'usr/share'] }));
  });
}

test('what skopeo makes of an image in each of its forms is unpacked to the same tree', {
  skip: noSkopeo,
}, async (t) => {
  const [owner] = identities;
  assert.ok(owner);
  const directory = workspace(t, owner);
  const image = buildImage(images['a file changed, one removed, one added'] ?? [], hostPlatform());
  mkdirSync(join(directory, 'layout'));
  writeLayout(join(directory, 'layout'), layoutEntries([image]));
  const trees: Record<string, string>[] = [];
  for (const [form, target] of [
    ['oci', 'as-oci'],
    ['dir', 'as-dir'],
    ['oci-archive', 'as-oci.tar'],
    ['docker-archive', 'as-docker.tar'],
  ] as const) {
    const words = ['copy', '--insecure-policy', `oci:${directory}/layout`, `${form}:${directory}/${target}`];
    const copied = spawnSync('skopeo', words, {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: directory },
    });
    assert.equal(copied.status, 0, copied.stderr);
    const request = { source: join(directory, target), directory: join(directory, `root-${form}`) };
    const more = { platform: hostPlatform(), limits: defaultLimits, progress: silent() };
    await importRootfs({ ...request, ...more });
    trees.push(treeOf(request.directory, { except: ['.'] }));
  }
  for (const tree of trees) assert.deepEqual(tree, trees[0]);
  assert.ok(lstatSync(join(directory, 'root-dir', 'etc/c')).isFile());
  assert.deepEqual(readdirSync(join(directory, 'root-dir', 'etc')).sort(), ['a', 'c', 'link']);
});
