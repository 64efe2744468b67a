import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { defaultLimits } from '../../../src/parent/images/archive/limits.js';
import { hostPlatform } from '../../../src/parent/images/image/platform.js';
import { buildImage, indexOf, layoutEntries, savedEntries, writeLayout } from './image-builder.js';
import { as, importBytes, importRootfs, silent } from './importing.js';
import { archive, type Entry, file, folder, hardLink, symbolicLink } from './tar-builder.js';
import { identities, runRootfs, startRootfs, workspace } from './workspace.js';

const [first] = identities;
assert.ok(first);

/** A small root with one of everything. */
const rootEntries: readonly Entry[] = [
  folder('./', { mode: 0o755 }),
  folder('etc/'),
  file('etc/passwd', 'root:x:0:0::/root:/bin/sh\n', { uid: 7, gid: 8 }),
  folder('usr/'),
  folder('usr/lib/', { mode: 0o555 }),
  symbolicLink('lib', 'usr/lib'),
  file('lib/libone.so', 'one'),
  file('usr/su', '#!', { mode: 0o4755 }),
  hardLink('usr/sudo', 'usr/su'),
  folder('tmp', { mode: 0o1777 }),
  symbolicLink('etc/link', '/absolute/target'),
  { name: 'dev/null', type: '3' },
  { name: 'fifo', type: '6' },
  file(`long/${'n'.repeat(150)}/${'m'.repeat(200)}`, 'long', { pax: { 'SCHILY.xattr.trusted.a': '1' } }),
];

function assertRoot(root: string): void {
  assert.equal(readFileSync(join(root, 'etc/passwd'), 'utf8'), 'root:x:0:0::/root:/bin/sh\n');
  assert.equal(readFileSync(join(root, 'usr/lib/libone.so'), 'utf8'), 'one');
  assert.equal(readlinkSync(join(root, 'lib')), 'usr/lib');
  assert.equal(readlinkSync(join(root, 'etc/link')), '/absolute/target');
  assert.equal(statSync(join(root, 'usr/su')).ino, statSync(join(root, 'usr/sudo')).ino);
  assert.equal(readFileSync(join(root, 'long', 'n'.repeat(150), 'm'.repeat(200)), 'utf8'), 'long');
  assert.equal(statSync(join(root, 'tmp')).mode & 0o7777, 0o1777);
  assert.equal(statSync(root).mode & 0o7777, 0o755);
  assert.equal(statSync(join(root, 'etc/passwd')).mtimeMs, 1_000_000_000_000);
  for (const name of ['dev/null', 'fifo']) assert.ok(!existsSync(join(root, name)), name);
}

for (const owner of identities) {
  test(`import of a tar archive as ${owner.name} keeps what can be kept and counts the rest`, async (t) => {
    const directory = workspace(t, owner);
    const made = await importBytes(owner, directory, archive(rootEntries));
    const root = join(directory, 'root');
    assertRoot(root);
    assert.equal(made.description, 'a tar archive');
    assert.equal(statSync(join(root, 'usr/su')).mode & 0o7777, 0o755, 'set-user-ID must go');
    const unprivileged = owner.uid !== 0;
    assert.equal(statSync(join(root, 'etc/passwd')).uid, unprivileged ? owner.uid : 7);
    assert.equal(statSync(join(root, 'usr/lib')).mode & 0o777, unprivileged ? 0o755 : 0o555);
    assert.equal(
      made.tally.losses,
      `Not kept: ${unprivileged ? '1 owner, ' : ''}1 set-user-ID or set-group-ID bit, 2 device nodes or fifos, 1 extended attribute.`,
    );
    assert.deepEqual(readdirSync(directory).sort(), ['archive', 'root']);
  });

  test(`import as ${owner.name} takes a file, and standard input`, (t) => {
    const directory = workspace(t, owner);
    const bytes = archive(rootEntries);
    writeFileSync(join(directory, 'rootfs.tar'), bytes);
    const fromFile = runRootfs(owner, ['import', join(directory, 'rootfs.tar'), join(directory, 'one')]);
    assert.equal(fromFile.status, 0, fromFile.stderr);
    assert.match(
      fromFile.stderr,
      /^Made .*: 4 files, \d+ B, from a tar archive\.\nNot kept: .*\.\nNext: gontainer run .*\n$/,
    );
    assert.equal(fromFile.stdout, '');
    assertRoot(join(directory, 'one'));
    const fromPipe = runRootfs(owner, ['import', '-', join(directory, 'two')], {}, gzipSync(bytes));
    assert.equal(fromPipe.status, 0, fromPipe.stderr);
    assertRoot(join(directory, 'two'));
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} during an import as ${owner.name} leaves nothing behind`, async (t) => {
      const directory = workspace(t, owner);
      const child = startRootfs(owner, ['import', '-', join(directory, 'root')]);
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      let said = '';
      child.stderr.on('data', (text) => {
        said += text;
      });
      // An archive without its end: the child has unpacked the first file and waits for more.
      child.stdin.write(archive([file('first', 'x'.repeat(1000))]).subarray(0, 1536));
      child.stdin.on('error', () => {}); // It goes away before the pipe is closed.
      await until(() => readdirSync(directory).some((name) => existsSync(join(directory, name, 'first'))));
      child.kill(signal);
      assert.equal(await ended, signal === 'SIGINT' ? 130 : 143, said);
      assert.match(said, new RegExp(`Interrupted by ${signal}`));
      assert.deepEqual(readdirSync(directory), []);
    });
  }

  test(`Ctrl-C ends an import as ${owner.name} from a pipe that has a name, and from which nothing comes`, async (t) => {
    const directory = workspace(t, owner);
    const pipe = join(directory, 'pipe');
    assert.equal(spawnSync('mkfifo', ['-m', '666', pipe]).status, 0);
    // fifo(7): opened for both, it waits for nobody, and the pipe has a writer.
    const writer = openSync(pipe, 'r+');
    t.after(() => closeSync(writer));
    const child = startRootfs(owner, ['import', pipe, join(directory, 'root')]);
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    writeSync(writer, archive([file('first', 'x'.repeat(1000))]).subarray(0, 1536));
    await until(() => readdirSync(directory).some((name) => existsSync(join(directory, name, 'first'))));
    child.kill('SIGINT');
    assert.equal(await ended, 130);
    assert.deepEqual(readdirSync(directory), ['pipe']);
  });

  test(`what an import as ${owner.name} left that was killed is removed by the next, and nothing else`, async (t) => {
    const directory = workspace(t, owner);
    const child = startRootfs(owner, ['import', '-', join(directory, 'root')]);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.stdin.on('error', () => {});
    child.stdin.write(archive([file('closed/first', 'x'), file('closed/\xff', 'x')]).subarray(0, 2048));
    await until(() =>
      readdirSync(directory).some((name) => existsSync(join(directory, name, 'closed/first'))),
    );
    // While it builds, another run leaves its folder alone.
    await importBytes(owner, directory, archive([file('a')]), { directory: join(directory, 'other') });
    assert.equal(readdirSync(directory).filter((name) => name.includes('.unfinished-')).length, 1);
    child.kill('SIGKILL');
    await ended;
    mkdirSync(join(directory, '.mine.unfinished-abcdef'));
    await importBytes(owner, directory, archive([file('a')]));
    assert.deepEqual(readdirSync(directory).sort(), ['.mine.unfinished-abcdef', 'archive', 'other', 'root']);
  });

  test(`import as ${owner.name} of an image follows its layers, whiteouts and opaque folders`, async (t) => {
    const layers: Entry[][] = [
      [
        ...rootEntries,
        file('etc/gone', 'gone'),
        folder('opaque'),
        file('opaque/old', 'old'),
        folder('opaque/both'),
        file('opaque/both/old', 'old'),
        folder('removed'),
        file('removed/a', 'a'),
        symbolicLink('way', 'opaque'),
      ],
      [
        file('etc/.wh.gone', ''),
        file('opaque/new', 'new'),
        file('opaque/both/new', 'new'),
        file('opaque/.wh..wh..opq', ''),
        file('.wh.removed', ''),
        file('lib/libtwo.so', 'two'),
        file('.wh.never-was', ''),
        file('no/such/.wh.folder', ''),
        file('no/such/.wh..wh..opq', ''),
      ],
      [file('removed', 'now a file'), file('etc/passwd', 'changed\n'), file('.wh.way', '')],
    ];
    const image = buildImage(layers);
    const check = (root: string): void => {
      assert.equal(readFileSync(join(root, 'etc/passwd'), 'utf8'), 'changed\n');
      assert.ok(!existsSync(join(root, 'etc/gone')));
      assert.deepEqual(readdirSync(join(root, 'opaque')).sort(), ['both', 'new']);
      assert.deepEqual(readdirSync(join(root, 'opaque/both')), ['new']);
      assert.equal(readFileSync(join(root, 'removed'), 'utf8'), 'now a file');
      assert.ok(lstatSync(join(root, 'lib')).isSymbolicLink());
      assert.deepEqual(readdirSync(join(root, 'usr/lib')).sort(), ['libone.so', 'libtwo.so']);
      assert.ok(!existsSync(join(root, 'no')));
      assert.equal(lstatSync(join(root, 'way'), { throwIfNoEntry: false }), undefined);
    };
    for (const [name, entries] of [
      ['OCI layout', layoutEntries([image])],
      ['docker save', savedEntries(image, layers)],
      ['both at once', [...layoutEntries([image]), ...savedEntries(image, layers)]],
    ] as const) {
      const directory = workspace(t, owner);
      const made = await importBytes(owner, directory, gzipSync(archive(entries)));
      assert.equal(made.description, 'an image of 3 layers', name);
      check(join(directory, 'root'));
      assert.deepEqual(readdirSync(directory).sort(), ['archive', 'root']);
    }
    const directory = workspace(t, owner);
    mkdirSync(join(directory, 'layout'));
    writeLayout(join(directory, 'layout'), layoutEntries([image]));
    await as(owner, () =>
      importRootfs({
        source: join(directory, 'layout'),
        directory: join(directory, 'root'),
        platform: hostPlatform(),
        limits: defaultLimits,
        progress: silent(),
      }),
    );
    check(join(directory, 'root'));
  });
}

/** Calls `done` at every turn of the event loop until it is true; the test runner's time limit ends it otherwise. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

for (const [name, program, words] of [
  ['gzip', 'gzip', ['-c']],
  ['xz', 'xz', ['-c']],
  ['zstd', 'zstd', ['-q', '-c']],
] as const) {
  const skip = spawnSync(program, ['--version']).status === 0 ? false : `${program} is not installed`;
  const body = Buffer.alloc(3_000_000, 'abcdefghijklm0123456789');
  const bytes = archive([...rootEntries, { name: 'big', body }]);
  const compressed = skip
    ? Buffer.alloc(0)
    : spawnSync(program, words, { input: bytes, maxBuffer: 1e9 }).stdout;

  test(`an archive compressed with ${name} is told by its first bytes`, { skip }, async (t) => {
    const directory = workspace(t, first);
    await importBytes(first, directory, compressed);
    assertRoot(join(directory, 'root'));
    assert.ok(readFileSync(join(directory, 'root', 'big')).equals(body));
  });

  test(`an archive compressed with ${name} and cut short is refused whole`, { skip }, async (t) => {
    const directory = workspace(t, first);
    // Zstandard ends with a checksum of four bytes, and Node's own decoder does not miss it when it is not there.
    const short = name === 'zstd' ? 5 : 1;
    for (const length of [compressed.length - short, Math.floor(compressed.length / 2), 20, 7]) {
      await assert.rejects(importBytes(first, directory, compressed.subarray(0, length)), {
        name: 'Failure',
        status: 125,
      });
      assert.deepEqual(readdirSync(directory), ['archive'], `cut at ${length}`);
    }
  });

  test(`a bomb of ${name} stops at the limit`, { skip }, async (t) => {
    const directory = workspace(t, first);
    const bomb = spawnSync(program, words, { input: Buffer.alloc(20_000_000), maxBuffer: 1e9 }).stdout;
    const inFile = spawnSync(program, words, {
      input: archive([{ name: 'zeros', body: Buffer.alloc(20_000_000) }]),
      maxBuffer: 1e9,
    }).stdout;
    const limits = { ...defaultLimits, size: 1_000_000 };
    for (const bytes of [bomb, inFile]) {
      await assert.rejects(
        importBytes(first, directory, bytes, { limits }),
        /--max-size|limit of 977 KiB|tar archive/,
      );
      assert.deepEqual(readdirSync(directory), ['archive']);
    }
  });
}

test('an image is chosen by platform, through nested indexes', async (t) => {
  const directory = workspace(t, first);
  const here = buildImage([[file('here')]]);
  const there = buildImage([[file('there')]], { os: 'linux', architecture: 'mips64le' });
  const attestation = { ...there.manifest, platform: { os: 'unknown', architecture: 'unknown' } };
  const inner = indexOf([attestation, there.manifest, here.manifest]);
  const innerImage = {
    ...here,
    blobs: new Map([[...describeIndex(inner), inner]]),
  } as unknown as typeof here;
  const outer = indexOf([
    {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      digest: describeIndex(inner)[0],
      size: inner.length,
    },
  ]);
  const bytes = archive(layoutEntries([here, there, innerImage], outer));
  await importBytes(first, directory, bytes);
  assert.deepEqual(readdirSync(join(directory, 'root')), ['here']);
  await importBytes(first, directory, bytes, {
    directory: join(directory, 'other'),
    platform: { os: 'linux', architecture: 'mips64le' },
  });
  assert.deepEqual(readdirSync(join(directory, 'other')), ['there']);
  await assert.rejects(
    importBytes(first, directory, bytes, {
      directory: join(directory, 'none'),
      platform: { os: 'linux', architecture: 's390x' },
    }),
    { message: /no image for linux\/s390x/, next: /linux\/mips64le/ },
  );
});

function describeIndex(bytes: Buffer): [string] {
  return [`sha256:${spawnSync('sha256sum', { input: bytes, encoding: 'utf8' }).stdout.slice(0, 64)}`];
}

test('an image for another machine is refused, with the option that allows it', async (t) => {
  const directory = workspace(t, first);
  const layers = [[file('there')]];
  const image = buildImage(layers, { os: 'linux', architecture: 'mips64le' });
  const bytes = archive(savedEntries(image, layers));
  await assert.rejects(importBytes(first, directory, bytes), {
    message: /for linux\/mips64le, not for linux/,
    next: /--platform linux\/mips64le/,
  });
  assert.deepEqual(readdirSync(directory), ['archive']);
  await importBytes(first, directory, bytes, { platform: { os: 'linux', architecture: 'mips64le' } });
  assert.deepEqual(readdirSync(join(directory, 'root')), ['there']);
});

test('an image that no index says the platform of is refused by its configuration', async (t) => {
  const directory = workspace(t, first);
  const there = buildImage([[file('there')]], { os: 'linux', architecture: 'mips64le' });
  const { platform: _, ...unsaid } = there.manifest;
  await assert.rejects(importBytes(first, directory, archive(layoutEntries([there], indexOf([unsaid])))), {
    message: /for linux\/mips64le, not for linux/,
  });
});

test('several images need a name', async (t) => {
  const directory = workspace(t, first);
  const named = (image: ReturnType<typeof buildImage>, name: string) => ({
    ...image,
    manifest: { ...image.manifest, annotations: { 'org.opencontainers.image.ref.name': name } },
  });
  const one = named(buildImage([[file('one')]]), 'one');
  const two = named(buildImage([[file('two')]]), 'two');
  const bytes = archive(layoutEntries([one, two]));
  await assert.rejects(importBytes(first, directory, bytes), /one, two/);
  await assert.rejects(importBytes(first, directory, bytes, { image: 'three' }), /three/);
  await importBytes(first, directory, bytes, { image: 'two' });
  assert.deepEqual(readdirSync(join(directory, 'root')), ['two']);
  const twice = archive(layoutEntries([one, { ...one, manifest: named(one, 'another tag').manifest }]));
  await importBytes(first, directory, twice, { directory: join(directory, 'twice') });
  assert.deepEqual(readdirSync(join(directory, 'twice')), ['one']);
});

test('an image that lies about its content is refused', async (t) => {
  const layers = [[file('a', 'content')]];
  const honest = buildImage(layers);
  const wrongDiff = buildImage(layers, undefined, ({ config }) => {
    config.rootfs = { diff_ids: [`sha256:${'0'.repeat(64)}`] };
  });
  const tooMany = buildImage(layers, undefined, ({ config }) => {
    config.rootfs = { diff_ids: [] };
  });
  const exchanged = {
    ...honest,
    blobs: new Map([...honest.blobs].map(([digest, bytes]) => [digest, Buffer.from(bytes)])),
  };
  const layerDigest = [...honest.blobs].find(([, bytes]) => bytes === honest.layers[0])?.[0] ?? '';
  const changed = Buffer.from(honest.layers[0] ?? []);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  exchanged.blobs.set(layerDigest, changed);
  const longer = {
    ...honest,
    blobs: new Map(honest.blobs).set(layerDigest, Buffer.concat([changed, changed])),
  };
  const missing = { ...honest, blobs: new Map(honest.blobs) };
  (missing.blobs as Map<string, Buffer>).delete(layerDigest);
  const saved = savedEntries(honest, layers).map((entry) =>
    String(entry.name).endsWith('.json') && entry.name !== 'manifest.json'
      ? { ...entry, body: `${entry.body} ` }
      : entry,
  );
  for (const [entries, reason] of [
    [layoutEntries([wrongDiff]), /layer 1 of 1, uncompressed, is not what the image says: its digest is/],
    [layoutEntries([tooMany]), /has 1 layers, but its configuration lists 0/],
    [layoutEntries([exchanged]), /layer 1 of 1 /],
    [layoutEntries([longer]), /layer 1 of 1 is not what the image says: more than its/],
    [layoutEntries([missing]), /has no file blobs\/sha256/],
    [saved, /the configuration is not what the image says/],
  ] as const) {
    const directory = workspace(t, first);
    await assert.rejects(importBytes(first, directory, archive(entries)), {
      name: 'Failure',
      message: reason,
    });
    assert.deepEqual(readdirSync(directory), ['archive']);
  }
});

test('what cannot be read is a wrong command line', async (t) => {
  const directory = workspace(t, first);
  mkdirSync(join(directory, 'folder'));
  for (const [source, reason] of [
    [join(directory, 'none'), /no such file/],
    [join(directory, 'folder'), /holds no image/],
  ] as const) {
    const result = runRootfs(first, ['import', source, join(directory, 'root')]);
    assert.equal(result.status, 2, result.stderr);
    assert.match(result.stderr, reason);
  }
  for (const words of [
    ['--max-size', 'much'],
    ['--max-entries', '0'],
    ['--platform', 'moon'],
  ]) {
    const result = runRootfs(first, ['import', ...words, join(directory, 'folder'), join(directory, 'root')]);
    assert.equal(result.status, 2, result.stderr);
  }
});
