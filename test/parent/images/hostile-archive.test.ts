/** An archive is written by anyone: whatever it holds, nothing outside the new root may change. */
import assert from 'node:assert/strict';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { defaultLimits } from '../../../src/parent/images/archive/limits.js';
import { hostPlatform } from '../../../src/parent/images/image/platform.js';
import { buildImage, layoutEntries } from './image-builder.js';
import { importBytes, importRootfs, silent } from './importing.js';
import { snapshot } from './snapshot.js';
import { archive, type Entry, file, folder, hardLink, member, symbolicLink } from './tar-builder.js';
import { type Identity, identities, workspace } from './workspace.js';

/** A workspace with something outside the new root to protect: canary/secret. */
function arena(test: Parameters<typeof workspace>[0], owner: Identity): string {
  const directory = workspace(test, owner);
  mkdirSync(join(directory, 'canary'));
  writeFileSync(join(directory, 'canary', 'secret'), 'secret');
  for (const path of ['canary', 'canary/secret']) chownTo(join(directory, path), owner);
  return directory;
}

function chownTo(path: string, owner: Identity): void {
  if (process.getuid?.() === 0) chownSync(path, owner.uid, owner.uid);
}

interface Attack {
  readonly name: string;
  /** The archive; `canary` is the absolute path of the folder that must not change. */
  readonly bytes: (canary: string) => Buffer;
  /** The error; absent if the archive is unpacked harmlessly. */
  readonly refused?: RegExp;
  /** Checks what was unpacked. */
  readonly check?: (root: string, canary: string) => void;
  readonly limits?: typeof defaultLimits;
}

const of = (...entries: readonly Entry[]) => archive(entries);

const attacks: readonly Attack[] = [
  {
    name: 'an absolute path is taken from the new root',
    bytes: (canary) => of(file(`${canary}/pwned`)),
    check: (root, canary) => assert.ok(statSync(join(root, canary, 'pwned')).isFile()),
  },
  {
    name: '.. at the start',
    bytes: () => of(file('../canary/pwned')),
    refused: /"\.\.\/canary\/pwned" climbs out/,
  },
  { name: '.. in the middle', bytes: () => of(file('a/../../canary/pwned')), refused: /climbs out/ },
  { name: '.. at the end', bytes: () => of(folder('a/..')), refused: /climbs out/ },
  {
    name: '.. in a pax path',
    bytes: () => of(file('innocent', 'x', { pax: { path: '../canary/pwned' } })),
    refused: /climbs out/,
  },
  {
    name: 'a file through an absolute symbolic link',
    bytes: (canary) => of(symbolicLink('link', canary), file('link/pwned'), file('link/secret')),
    check: (root, canary) => assert.ok(statSync(join(root, canary, 'secret')).isFile()),
  },
  {
    name: 'a file through an absolute symbolic link in a folder',
    bytes: (canary) => of(folder('d'), symbolicLink('d/link', canary), file('d/link/pwned')),
    check: (root, canary) => assert.ok(statSync(join(root, canary, 'pwned')).isFile()),
  },
  {
    name: 'a file through a relative symbolic link',
    bytes: () => of(folder('d'), symbolicLink('d/link', '../../../canary'), file('d/link/pwned')),
    check: (root) => assert.ok(statSync(join(root, 'canary', 'pwned')).isFile()),
  },
  {
    name: 'a file through a chain of symbolic links',
    bytes: () =>
      of(
        symbolicLink('a', 'b/..'),
        symbolicLink('b', '..'),
        symbolicLink('c', 'a/../canary'),
        file('c/pwned'),
      ),
    check: (root) => assert.ok(statSync(join(root, 'canary', 'pwned')).isFile()),
  },
  {
    name: 'a folder through a symbolic link',
    bytes: (canary) =>
      of(
        symbolicLink('link', canary),
        folder('link/pwned', { mode: 0o777 }),
        folder('link', { mode: 0o700 }),
      ),
    check: (root) => assert.ok(lstatSync(join(root, 'link')).isDirectory()),
  },
  {
    name: 'a file in the place of a symbolic link',
    bytes: (canary) =>
      of(symbolicLink('link', `${canary}/secret`), file('link', 'overwritten', { mode: 0o777 })),
    check: (root) => assert.equal(readFileSync(join(root, 'link'), 'utf8'), 'overwritten'),
  },
  {
    name: 'a symbolic link in the place of a folder, then a file in it',
    bytes: (canary) =>
      of(folder('d'), file('d/inner'), symbolicLink('d', canary), file('d/secret', 'overwritten')),
    check: (root) => assert.ok(lstatSync(join(root, 'd')).isSymbolicLink()),
  },
  {
    name: 'a hard link to an absolute path outside',
    bytes: (canary) => of(hardLink('link', `${canary}/secret`)),
    refused: /"link" is a hard link to a file that the archive did not bring/,
  },
  {
    name: 'a hard link with ..',
    bytes: () => of(hardLink('link', '../canary/secret')),
    refused: /climbs out/,
  },
  {
    name: 'a hard link through a symbolic link',
    bytes: (canary) => of(symbolicLink('way', canary), hardLink('link', 'way/secret')),
    refused: /did not bring/,
  },
  {
    name: 'a hard link to a symbolic link, then a file over it',
    bytes: (canary) =>
      of(symbolicLink('way', `${canary}/secret`), hardLink('link', 'way'), file('link', 'overwritten')),
    check: (root) => assert.equal(readFileSync(join(root, 'link'), 'utf8'), 'overwritten'),
  },
  { name: 'a hard link to the root', bytes: () => of(hardLink('link', '/')), refused: /did not bring/ },
  {
    name: 'a hard link to a folder',
    bytes: () => of(folder('d'), hardLink('link', 'd')),
    refused: /did not bring/,
  },
  { name: 'a hard link to itself', bytes: () => of(file('a'), hardLink('a', 'a')) },
  {
    name: 'a hard link into the folder that it replaces',
    bytes: () => of(folder('d'), file('d/a'), hardLink('d', 'd/a')),
    refused: /Cannot unpack "d": no such file/,
  },
  {
    name: 'devices and fifos are left out',
    bytes: () =>
      of({ name: 'b', type: '4' }, { name: 'c', type: '3' }, { name: 'f', type: '6' }, file('kept')),
    check: (root) => assert.deepEqual(readdirSync(root), ['kept']),
  },
  {
    name: 'more bytes declared than there are',
    bytes: () => of(file('a', 'short', { size: 100_000 })),
    refused: /cut short/,
  },
  {
    name: 'an absurd size',
    bytes: () => of(file('huge', '', { size: 8 ** 11 - 1, pax: { size: String(2 ** 52) } })),
    refused: /Entry "huge" \(4096 TiB\) unpacks to more than the limit/,
  },
  {
    name: 'more bytes than the limit',
    bytes: () => of(...Array.from({ length: 20 }, (_, index) => file(`f${index}`, 'x'.repeat(10_000)))),
    limits: { ...defaultLimits, size: 100_000 },
    refused: /--max-size|limit of/,
  },
  {
    name: 'more entries than the limit',
    bytes: () => of(...Array.from({ length: 20 }, (_, index) => file(`f${index}`, ''))),
    limits: { ...defaultLimits, entries: 19 },
    refused: /more than 19 entries; "f19" is one too many/,
  },
  {
    name: 'a pax header without end',
    bytes: () => gzipSync(of(file('a', 'x', { pax: { comment: 'x'.repeat(20_000_000) } }))),
    refused: /metadata/,
  },
  {
    name: 'an escape sequence in a name',
    bytes: () => of(file('a\u001b[31mb')),
    check: (root) => assert.deepEqual(readdirSync(root), ['a\u001b[31mb']),
  },
  {
    name: 'a newline in a name of what is refused',
    bytes: () => of(file('a\nb/../..')),
    refused: /"a\\nb\/\.\.\/\.\." climbs out/,
  },
  {
    name: 'bytes that are no UTF-8, and orders to the terminal, in a name of what is refused',
    bytes: () => of({ name: Buffer.from('a\xff\x9b2J/..', 'latin1') }, file('../\u202e')),
    refused: /"a\\xff\\x9b2J\/\.\." climbs out/,
  },
  {
    name: 'a zero in a name',
    bytes: () => of(file('a', 'x', { pax: { path: 'a\0b' } })),
    refused: /"a\\x00b" has a name with a zero byte/,
  },
  {
    name: 'an escape sequence in a target',
    bytes: () => of(symbolicLink('a', '\u001b[2J')),
    check: (root) => assert.equal(readlinkSync(join(root, 'a')), '\u001b[2J'),
  },
  { name: 'an empty target', bytes: () => of(symbolicLink('a', '')), refused: /link to nowhere/ },
  {
    name: 'a name that is no UTF-8',
    bytes: () => of({ name: Buffer.from([0x61, 0xff]) }),
    check: (root) => assert.deepEqual(readdirSync(root, { encoding: 'buffer' }), [Buffer.from([0x61, 0xff])]),
  },
  { name: 'a name too long', bytes: () => of(file('n'.repeat(256))), refused: /more than 255 bytes/ },
  { name: 'a path too long', bytes: () => of(file('n/'.repeat(2100))), refused: /more than 4095 bytes/ },
  {
    name: 'a path too long once it is in the folder',
    bytes: () => of(file(`${'n/'.repeat(2040)}n`)),
    refused: /makes a path of more than 4095 bytes in this folder/,
  },
  {
    name: 'a target too long',
    bytes: () => of(symbolicLink('a', 'n/'.repeat(2100))),
    refused: /more than 4095/,
  },
  {
    name: 'a loop of symbolic links',
    bytes: () => of(symbolicLink('a', 'b'), symbolicLink('b', 'a'), file('a/x')),
    refused: /"a\/x" leads through more than 40 symbolic links/,
  },
  {
    name: 'a file below a file',
    bytes: () => of(file('a'), file('a/b')),
    check: (root) => assert.ok(statSync(join(root, 'a', 'b')).isFile()),
  },
  { name: 'a file as the root', bytes: () => of(file('.')), refused: /would replace the root folder/ },
  {
    name: 'a symbolic link as the root',
    bytes: () => of(symbolicLink('./', '/')),
    refused: /replace the root/,
  },
  {
    name: 'a root that no one may enter',
    bytes: () => of(folder('./', { mode: 0 }), file('a')),
    check: (root) => assert.ok(existsSync(root)),
  },
  {
    name: 'a set-user-ID file',
    bytes: () => of(file('su', 'x', { mode: 0o6755 })),
    check: (root) => assert.equal(statSync(join(root, 'su')).mode & 0o7777, 0o755),
  },
  {
    name: 'a sparse file of GNU tar with more than its map says',
    bytes: () => of({ name: 'a', type: 'S', body: 'x' }),
    refused: /"a" has a map of holes that is damaged/,
  },
  {
    name: 'a sparse file of pax',
    bytes: () => of(file('a', '0\n'.padEnd(512, '\0'), { pax: { 'GNU.sparse.major': '1' } })),
    refused: /map of holes/,
  },
  {
    name: 'the rest of a file that begins elsewhere',
    bytes: () => of({ name: 'a', type: 'M', body: 'x' }),
    refused: /"a" is the rest of a file that begins in another volume \(type M\)/,
  },
  { name: "GNU tar's old renamings", bytes: () => of({ name: 'a', type: 'N' }), refused: /renamed.*type N/ },
  {
    name: "star's metadata without a body",
    bytes: () => of({ name: 'a', type: 'I', size: 512 }, file('b')),
    refused: /"a" has the metadata of a file without its contents \(type I\)/,
  },
  {
    name: 'a wrong checksum',
    bytes: () => Buffer.concat([member(file('a')), corrupt(member(file('b'))), Buffer.alloc(1024)]),
    refused: /checksum/,
  },
  {
    name: 'no archive at all',
    bytes: () => Buffer.alloc(5000, 'not a tar archive. '),
    refused: /as a tar archive/,
  },
  { name: 'nothing', bytes: () => Buffer.alloc(0), refused: /as a tar archive/ },
  {
    name: 'a header that is cut short',
    bytes: () => member(file('a')).subarray(0, 300),
    refused: /cut short/,
  },
  {
    name: 'a layer that whites out through a symbolic link',
    bytes: (canary) =>
      layered([[symbolicLink('way', canary)], [file('way/.wh.secret', ''), file('way/.wh..wh..opq', '')]]),
  },
  { name: 'a whiteout of ..', bytes: () => layered([[file('a/.wh...', '')]]), refused: /names no file/ },
  { name: 'a whiteout of .', bytes: () => layered([[file('a/.wh..', '')]]), refused: /names no file/ },
  { name: 'a whiteout of nothing', bytes: () => layered([[file('a/.wh.', '')]]), refused: /names no file/ },
  {
    name: 'an opaque root',
    bytes: () => layered([[file('a')], [file('.wh..wh..opq', ''), file('b')]]),
    check: onlyB,
  },
  {
    name: 'an index that is a symbolic link to outside',
    bytes: (canary) => of(folder('blobs'), symbolicLink('index.json', `${canary}/secret`)),
  },
  {
    name: 'a digest that is a path',
    bytes: () =>
      of(
        folder('blobs'),
        file(
          'index.json',
          JSON.stringify({ manifests: [{ mediaType: '', size: 6, digest: 'sha256:../../canary/secret' }] }),
        ),
      ),
    refused: /not a digest/,
  },
  {
    name: 'docker save with a layer outside',
    bytes: () => saved('../canary/secret'),
    refused: /climbs out/,
  },
  {
    name: 'docker save with a layer that is a symbolic link to outside',
    bytes: (canary) => saved('way', symbolicLink('way', `${canary}/secret`)),
    refused: /has no file way/,
  },
  { name: 'a manifest of nothing', bytes: () => of(file('manifest.json', '[null]')), refused: /docker save/ },
  { name: 'a manifest that is no JSON', bytes: () => of(file('manifest.json', '{')), refused: /JSON/ },
];

function onlyB(root: string): void {
  assert.deepEqual(readdirSync(root), ['b']);
}

const layered = (layers: readonly (readonly Entry[])[]): Buffer =>
  archive(layoutEntries([buildImage(layers)]));

const saved = (layer: string, ...more: readonly Entry[]): Buffer =>
  of(
    ...more,
    file(
      'config',
      JSON.stringify({
        os: 'linux',
        architecture: 'amd64',
        rootfs: { diff_ids: [`sha256:${'0'.repeat(64)}`] },
      }),
    ),
    file('manifest.json', JSON.stringify([{ Config: 'config', RepoTags: null, Layers: [layer] }])),
  );

function corrupt(bytes: Buffer): Buffer {
  bytes[0] = 0x7a;
  return bytes;
}

for (const owner of identities) {
  for (const attack of attacks) {
    test(`as ${owner.name}, a hostile archive changes nothing outside the new root: ${attack.name}`, async (t) => {
      const directory = arena(t, owner);
      const canary = join(directory, 'canary');
      writeFileSync(join(directory, 'archive'), '');
      const before = snapshot(directory, ['archive', 'root']);
      const limits = attack.limits ?? defaultLimits;
      const platform = { os: 'linux', architecture: 'amd64' };
      const bytes = attack.bytes(canary);
      const importing = importBytes(
        owner,
        directory,
        bytes,
        attack.name.includes('docker') ? { limits, platform } : { limits },
      );
      if (attack.refused === undefined) {
        await importing;
        attack.check?.(join(directory, 'root'), canary);
      } else {
        await assert.rejects(importing, (error: Error & { status: number; next?: string }) => {
          assert.equal(error.name, 'Failure', error.stack);
          assert.equal(error.status, 125);
          assert.match(error.message, attack.refused as RegExp);
          assert.doesNotMatch(error.message, /\n/, 'one line');
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not reach the terminal.
          assert.doesNotMatch(error.message, /[\u0000-\u001f]/);
          return true;
        });
        assert.ok(!existsSync(join(directory, 'root')), 'nothing is unpacked');
      }
      assert.deepEqual(snapshot(directory, ['archive', 'root']), before);
      assert.deepEqual(
        readdirSync(directory).filter((name) => name.startsWith('.')),
        [],
        'no temporary folder is left',
      );
    });
  }
}

test('a folder that was there and empty is as it was after a refusal', async (t) => {
  const [owner] = identities;
  assert.ok(owner);
  const directory = arena(t, owner);
  mkdirSync(join(directory, 'root'), 0o711);
  const { ino } = statSync(join(directory, 'root'));
  await assert.rejects(importBytes(owner, directory, of(file('a'), file('../b'))));
  assert.equal(statSync(join(directory, 'root')).ino, ino);
  assert.deepEqual(readdirSync(join(directory, 'root')), []);
});

test('a folder that became a link to outside gives nothing there its time', async (t) => {
  const [owner] = identities;
  assert.ok(owner);
  const directory = arena(t, owner);
  const canary = join(directory, 'canary');
  mkdirSync(join(canary, 'inner'));
  const before = statSync(join(canary, 'inner'), { bigint: true }).mtimeNs;
  await importBytes(owner, directory, of(folder('d'), folder('d/inner'), symbolicLink('d', canary)));
  assert.equal(statSync(join(canary, 'inner'), { bigint: true }).mtimeNs, before);
});

test('a layout folder with links to outside is read only inside', async (t) => {
  const [owner] = identities;
  assert.ok(owner);
  const directory = arena(t, owner);
  mkdirSync(join(directory, 'layout', 'blobs'), { recursive: true });
  symlinkSync('../canary/secret', join(directory, 'layout', 'index.json'));
  const request = { source: join(directory, 'layout'), directory: join(directory, 'root') };
  await assert.rejects(
    importRootfs({ ...request, platform: hostPlatform(), limits: defaultLimits, progress: silent() }),
    /holds no image/,
  );
});

/** Names that meet each other often, so that entries collide, and some that try to leave. */
const part = fc.constantFrom('a', 'b', 'c', 'd', '.wh.a', '.wh.b', '.wh..wh..opq');
const path = fc.oneof(
  { weight: 8, arbitrary: fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('.', '/', './', '..', '../canary/secret', 'a/../../canary', 'CANARY/secret'),
  },
);
const target = fc.oneof(
  path,
  fc.constantFrom(
    '..',
    '../..',
    '../../canary',
    'CANARY',
    'CANARY/secret',
    '/',
    '/a',
    '.',
    'a/..',
    '../../../../../..',
  ),
);
const entry = fc.record({
  name: path,
  type: fc.constantFrom('0', '0', '0', '1', '2', '2', '2', '3', '5', '5', '6'),
  target,
  body: fc.string({ maxLength: 20 }),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.constantFrom(0, 5, 1500),
});

for (const owner of identities) {
  test(`whatever entries an archive holds, nothing outside changes, as ${owner.name}`, async (t) => {
    const directory = arena(t, owner);
    const canary = join(directory, 'canary');
    writeFileSync(join(directory, 'archive'), '');
    const before = snapshot(directory, ['archive', 'root']);
    let imported = 0;
    const property = fc.asyncProperty(
      fc.array(fc.array(entry, { maxLength: 12 }), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      async (layers, asImage) => {
        const hostile = layers.map((entries) =>
          entries.map(({ name, target, type, ...rest }) => ({
            ...rest,
            ...(type === '0' ? {} : { body: '' }),
            ...(type === '1' || type === '2' ? { target: target.replace('CANARY', canary) } : {}),
            type,
            name: name.replace('CANARY', canary),
          })),
        );
        const bytes = asImage ? layered(hostile) : archive(hostile.flat());
        try {
          await importBytes(owner, directory, bytes);
          imported += 1;
        } catch (error) {
          assert.equal((error as Error).name, 'Failure', (error as Error).stack ?? '');
          assert.ok(!existsSync(join(directory, 'root')));
        }
        rmSync(join(directory, 'root'), { recursive: true, force: true });
        assert.deepEqual(snapshot(directory, ['archive']), before);
      },
    );
    await fc.assert(property, { numRuns: 200 });
    assert.ok(imported > 20, `only ${imported} of the archives were unpacked: the property says too little`);
  });

  test(`whatever bytes an archive holds, nothing outside changes, as ${owner.name}`, async (t) => {
    const directory = arena(t, owner);
    writeFileSync(join(directory, 'archive'), '');
    const before = snapshot(directory, ['archive', 'root']);
    const good = of(
      folder('d'),
      file('d/f', 'x'.repeat(600)),
      symbolicLink('d/l', 'f'),
      hardLink('h', 'd/f'),
    );
    const property = fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      async (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          await importBytes(owner, directory, bytes);
        } catch (error) {
          assert.equal((error as Error).name, 'Failure', (error as Error).stack ?? '');
        }
        rmSync(join(directory, 'root'), { recursive: true, force: true });
        assert.deepEqual(snapshot(directory, ['archive']), before);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
}
