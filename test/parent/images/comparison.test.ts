/**
 * Images that umoci unpacks are unpacked to the same tree, entry by entry: type, mode, owner, time, size, content, links.
 * With --keep-privileges, as umoci always keeps set-user-ID bits. What remains is in the table of docs/rootfs.md.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { defaultLimits } from '../../../src/parent/images/archive/limits.js';
import { hostPlatform } from '../../../src/parent/images/image/platform.js';
import { lacking } from '../../system-packages.js';
import { type DebianImage, makeDebianImage, noDebianImage } from './debian-image.js';
import { type BuiltImage, buildImage, indexOf, layoutEntries, writeLayout } from './image-builder.js';
import { as, importRootfs, silent } from './importing.js';
import { oddArchives, oddLayers } from './odd-archives.js';
import { type Entry, file, folder, hardLink, symbolicLink } from './tar-builder.js';
import { type Seen, treeOf } from './tree-of.js';
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

type Layers = readonly (readonly Entry[])[];

const xattr = (name: string, value: string) => ({ [`SCHILY.xattr.${name}`]: value });
/** vfs_cap_data of linux/capability.h, version 2: cap_net_raw, permitted and effective. */
const mayPing = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0';

const images: Readonly<Record<string, Layers>> = {
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
  'extended attributes': [
    [
      folder('etc', { modified: 1, pax: xattr('user.folder', 'one') }),
      file('etc/a', 'x', { pax: { ...xattr('user.a', 'bytes \x01\x7f'), ...xattr('user.empty', '-') } }),
      file('etc/b', 'x', { pax: xattr('user.b', 'b') }),
      folder('usr', { modified: 1, pax: xattr('user.folder', 'stays') }),
      file('usr/ping', 'x', { pax: xattr('security.capability', mayPing) }),
    ],
    [
      folder('etc', { modified: 2, pax: xattr('user.other', 'two') }),
      file('etc/b', 'x'),
      file('usr/new', 'x', { pax: xattr('user.new', 'n') }),
    ],
  ],
  'a folder that loses its extended attributes': [
    [folder('etc', { modified: 1, pax: xattr('user.folder', 'one') }), file('etc/a', 'x')],
    [folder('etc', { modified: 2 })],
  ],
  'set-user-ID, set-group-ID and sticky bits, on folders too': [
    [
      folder('shared', { mode: 0o2775, gid: 50, modified: 1 }),
      file('shared/a', 'x', { uid: 3, gid: 4 }),
      file('su', 'x', { mode: 0o4755, uid: 5 }),
      file('sg', 'x', { mode: 0o2755, gid: 5 }),
      file('both', 'x', { mode: 0o7777 }),
    ],
    [file('shared/b', 'x'), folder('shared', { mode: 0o755, modified: 2 }), file('shared/c', 'x')],
  ],
  'files, folders and links that take the places of one another': [
    [
      folder('a', { modified: 1 }),
      file('a/inner', 'x'),
      file('b', 'x'),
      symbolicLink('c', 'a'),
      symbolicLink('d', 'nowhere'),
    ],
    [
      symbolicLink('a', 'b'),
      folder('b', { modified: 2 }),
      file('b/inner', 'y'),
      file('c', 'a file'),
      file('d', 'z'),
    ],
  ],
  'hard links to files of the layers below, and what becomes of them': [
    [file('one', 'x', { uid: 1 }), hardLink('two', 'one'), symbolicLink('s', 'one'), hardLink('t', 's')],
    [hardLink('three', 'two'), file('.wh.one', '')],
    [file('two', 'changed')],
  ],
  'owners, of links too': [
    [
      folder('home', { uid: 1000, gid: 1000, modified: 1 }),
      { ...symbolicLink('home/link', 'x'), uid: 1000, gid: 1001 },
      file('home/a', 'x', { uid: 4_000_000, gid: 7 }),
    ],
  ],
  'folders that their owner cannot enter or write to': [
    [folder('closed', { mode: 0o000, modified: 1 }), folder('kept', { mode: 0o500, modified: 1 })],
    [file('closed/a', 'x'), file('kept/b', 'x')],
  ],
};

/** The odd ones too, but for files that AUFS kept for itself, which umoci takes for contents. */
const all: Readonly<Record<string, Layers>> = {
  ...images,
  ...Object.fromEntries(
    oddLayers.filter(([name]) => !name.includes('AUFS')).map(([name, layers]) => [name, layers]),
  ),
};

/** `umoci --rootless` makes empty files of them. */
const devicesIn = (layers: Layers): string[] =>
  layers.flat().flatMap(({ name, type = '0' }) => ('34'.includes(type) ? [String(name)] : []));

/** What the table of docs/rootfs.md says that is not kept: umoci keeps it, or notes it for itself. */
const kept = (name: string): boolean =>
  name === 'security.capability' || (name.startsWith('user.') && name !== 'user.rootlesscontainers');

/** As which umoci's tree and gontainer's are one: what remains is in the table of docs/rootfs.md. */
const seenBy = ({ uid }: Identity, except: readonly string[]): Seen => ({
  except: ['.', ...except],
  specialFiles: false,
  attributes: (name) => kept(name) && (uid === 0 || name !== 'security.capability'),
  ...(uid === 0 ? {} : { folderMode: 0o700 }),
});

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

async function unpackBoth(directory: string, owner: Identity, layout = join(directory, 'layout')) {
  if (process.getuid?.() === 0) spawnSync('chown', ['-R', `${owner.uid}:${owner.uid}`, directory]);
  const rootless = owner.uid === 0 ? [] : ['--rootless'];
  const words = ['unpack', ...rootless, '--keep-dirlinks', '--image', `${layout}:it`];
  const umoci = runAs(owner, directory, 'umoci', [...words, join(directory, 'bundle')]);
  const request = {
    source: layout,
    directory: join(directory, 'root'),
    progress: silent(),
    limits: defaultLimits,
  };
  await as(owner, () => importRootfs({ ...request, platform: hostPlatform(), keepPrivileges: true }));
  return { umoci, theirs: join(directory, 'bundle', 'rootfs'), ours: join(directory, 'root') };
}

function runAs({ uid }: Identity, directory: string, program: string, words: readonly string[]) {
  const identity = process.getuid?.() === 0 ? { uid, gid: uid } : {};
  const env = { PATH: process.env.PATH, HOME: directory, TMPDIR: directory, LC_ALL: 'C.UTF-8' };
  return spawnSync(program, words, { ...identity, env, encoding: 'utf8' });
}

for (const owner of identities) {
  for (const [name, layers] of Object.entries(all)) {
    test(`as ${owner.name}, umoci and gontainer unpack to the same tree: ${name}`, {
      skip: noUmoci,
    }, async (t) => {
      const directory = workspace(t, owner);
      if (process.getuid?.() === 0) chownSync(directory, owner.uid, owner.uid);
      const image = buildImage(layers, { os: 'linux', architecture: hostPlatform().architecture });
      writeImage(directory, image);
      const { umoci, theirs, ours } = await unpackBoth(directory, owner);
      assert.equal(umoci.status, 0, umoci.stderr);
      const seen = seenBy(owner, devicesIn(layers));
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

let debian: DebianImage | string | undefined;

for (const owner of identities) {
  test(`as ${owner.name}, umoci and gontainer unpack a Debian of three layers to the same tree`, {
    skip: noDebianImage,
  }, async (t) => {
    debian ??= makeDebianImage();
    if (typeof debian === 'string') return t.skip(debian);
    const directory = workspace(t, owner);
    const { umoci, theirs, ours } = await unpackBoth(directory, owner, debian.layout);
    assert.equal(umoci.status, 0, umoci.stderr);
    const tree = treeOf(ours, seenBy(owner, []));
    assert.ok(Object.keys(tree).length > 500, `${Object.keys(tree).length} entries`);
    assert.deepEqual(tree, treeOf(theirs, seenBy(owner, [])));
  });

  for (const program of ['tar', 'bsdtar']) {
    test(`as ${owner.name}, ${program} and gontainer unpack a Debian's archive to the same tree`, {
      skip: noDebianImage || lacking(program),
    }, async (t) => {
      debian ??= makeDebianImage();
      if (typeof debian === 'string') return t.skip(debian);
      const { base } = debian;
      const [theirs, ours] = await unpackArchive(t, owner, program, base);
      assert.deepEqual(ours, theirs);
    });
  }
}

/** Odd archives of which GNU tar or bsdtar make another tree. The reasons are in the table of docs/rootfs.md. */
const readOtherwise: readonly {
  readonly archive: string;
  readonly by: string;
  readonly asRootOnly?: true;
}[] = [
  { archive: 'a last block that is cut short', by: 'tar' },
  { archive: 'an entry below a file', by: 'tar bsdtar' },
  { archive: 'an entry below a symbolic link to a file', by: 'tar bsdtar' },
  { archive: 'a time that no file system keeps, long ago', by: 'tar' },
  { archive: 'a time with nanoseconds, before 1970', by: 'bsdtar' },
  { archive: 'a global pax header, taken away again by an empty record', by: 'tar bsdtar' },
  { archive: 'access control lists of Solaris before a file, and after one', by: 'tar' },
  { archive: 'a hard link whose file, of zeros, follows once more', by: 'tar bsdtar' },
  { archive: 'an owner that is no number of a user', by: 'tar bsdtar', asRootOnly: true },
];

for (const owner of identities) {
  for (const program of ['tar', 'bsdtar']) {
    test(`as ${owner.name}, ${program} and gontainer unpack odd archives to the same trees, but for those in the table`, {
      skip: lacking(program),
    }, async (t) => {
      const different: string[] = [];
      for (const [name, bytes] of oddArchives) {
        const file = join(workspace(t, owner), 'archive.tar');
        writeFileSync(file, bytes);
        const [theirs, ours] = await unpackArchive(t, owner, program, file);
        if (!isDeepStrictEqual(ours, theirs)) different.push(name);
      }
      const known = readOtherwise.filter(
        ({ by, asRootOnly }) => by.split(' ').includes(program) && (owner.uid === 0 || !asRootOnly),
      );
      assert.deepEqual(
        different,
        known.map(({ archive }) => archive),
      );
    });
  }
}

/** By another program and by gontainer, as two trees. */
async function unpackArchive(
  t: TestContext,
  owner: Identity,
  program: string,
  archive: string,
): Promise<readonly [theirs: Record<string, string>, ours: Record<string, string>]> {
  const directory = workspace(t, owner);
  const [theirs, ours] = [join(directory, 'theirs'), join(directory, 'ours')];
  mkdirSync(theirs);
  const since = statSync(theirs, { bigint: true }).mtimeNs;
  if (process.getuid?.() === 0) chownSync(theirs, owner.uid, owner.uid);
  runAs(owner, directory, program, ['--numeric-owner', '-C', theirs, '-xpf', archive]);
  const request = { source: archive, directory: ours, progress: silent(), limits: defaultLimits };
  await as(owner, () => importRootfs({ ...request, platform: hostPlatform(), keepPrivileges: true }));
  // Who cannot give files away gets no set-user-ID bits from bsdtar.
  const ignoredMode = program === 'bsdtar' && owner.uid !== 0 ? 0o6000 : 0;
  const seen = { ...seenBy(owner, []), since, ignoredMode };
  return [treeOf(theirs, seen), treeOf(ours, seen)];
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
