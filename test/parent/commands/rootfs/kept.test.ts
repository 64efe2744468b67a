/** What is known of root file systems and images after they were made: list, export, remove, prune. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { attributesOf, setTimes } from '../../../../src/common/kernel/file-attributes.js';
import { buildImage, layoutEntries } from '../../images/image-builder.js';
import { importBytes } from '../../images/importing.js';
import { contentOf, loopbackRegistry } from '../../images/loopback-registry.js';
import { archive, type Entry, file, folder, hardLink, symbolicLink } from '../../images/tar-builder.js';
import { treeOf } from '../../images/tree-of.js';
import { type Identity, identities, runRootfs, startRootfs, workspace } from '../../images/workspace.js';

const config = {
  Env: ['PATH=/bin', 'A=b'],
  Entrypoint: ['/bin/sh', '-c'],
  Cmd: ['echo hello'],
  User: '1000:1000',
  WorkingDir: '/srv',
  StopSignal: 'SIGQUIT',
};
const image = buildImage([[file('a', 'hello')]], undefined, (documents) => {
  documents.config.config = { ...config, Labels: { other: 'thing' }, ExposedPorts: 5 };
});

/** An environment of the test's own, so that nothing of the user who runs it is seen or changed. */
const home = (directory: string): NodeJS.ProcessEnv => ({
  HOME: directory,
  XDG_DATA_HOME: join(directory, 'data'),
  XDG_CACHE_HOME: join(directory, 'cache'),
  XDG_RUNTIME_DIR: join(directory, 'run'),
});

interface Listed {
  readonly roots: readonly { path: string; size: number; made: string; from: string; image?: object }[];
  readonly images: readonly { name: string; digest: string; size: number }[];
}

function listed(owner: Identity, environment: NodeJS.ProcessEnv): Listed {
  const result = runRootfs(owner, ['list', '--json'], environment);
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout) as Listed;
}

for (const owner of identities) {
  test(`what was imported as ${owner.name} is listed until it is removed, and its configuration lies beside it`, (t) => {
    const directory = workspace(t, owner);
    const environment = home(directory);
    writeFileSync(join(directory, 'image.tar'), archive(layoutEntries([image])));
    const root = join(directory, 'root');
    assert.deepEqual(listed(owner, environment), { roots: [], images: [] });
    assert.equal(runRootfs(owner, ['import', join(directory, 'image.tar'), root], environment).status, 0);
    const record = JSON.parse(readFileSync(join(directory, '.root.gontainer.json'), 'utf8')) as {
      image: object;
    };
    assert.deepEqual(record.image, config);
    const [noted, ...others] = listed(owner, environment).roots;
    assert.deepEqual(others, []);
    assert.equal(noted?.path, root);
    assert.equal(noted?.size, 5);
    assert.deepEqual(noted?.image, config);
    assert.match(
      runRootfs(owner, ['list'], environment).stdout,
      /ROOT FILE SYSTEM .*\n\S*\/root +5 B +.* an image of 1 layer/,
    );
    const removed = runRootfs(owner, ['remove', root], environment);
    assert.equal(removed.status, 0, removed.stderr);
    assert.ok(!existsSync(root) && !existsSync(join(directory, '.root.gontainer.json')));
    assert.deepEqual(listed(owner, environment).roots, []);
  });

  test(`remove as ${owner.name} leaves a folder alone that gontainer did not make`, (t) => {
    const directory = workspace(t, owner);
    mkdirSync(join(directory, 'mine'));
    writeFileSync(join(directory, 'mine', 'file'), 'mine');
    for (const name of ['mine', 'none', 'mine/file']) {
      const result = runRootfs(owner, ['remove', join(directory, name)], home(directory));
      assert.equal(result.status, 2, result.stderr);
    }
    assert.equal(readFileSync(join(directory, 'mine', 'file'), 'utf8'), 'mine');
  });
}

test('a root that was replaced by another folder is not the one that was noted', (t) => {
  const [owner] = identities;
  assert.ok(owner);
  const directory = workspace(t, owner);
  const environment = home(directory);
  const root = join(directory, 'root');
  writeFileSync(join(directory, 'a.tar'), archive([file('a')]));
  assert.equal(runRootfs(owner, ['import', join(directory, 'a.tar'), root], environment).status, 0);
  // The old one stays there under another name, so that its inode is not given to the new one.
  spawnSync('mv', [root, join(directory, 'old')]);
  mkdirSync(root);
  assert.deepEqual(listed(owner, environment).roots, []);
  assert.equal(runRootfs(owner, ['remove', root], environment).status, 2);
  assert.ok(existsSync(root));
});

test('what was pulled is listed, and prune empties the cache but leaves what is being fetched', async (t) => {
  const [owner] = identities;
  assert.ok(owner);
  const directory = workspace(t, owner);
  const environment = home(directory);
  const manifest = image.blobs.get(image.manifest.digest) ?? Buffer.alloc(0);
  const registry = await loopbackRegistry(t, contentOf([image], { latest: manifest }));
  const child = startRootfs(
    owner,
    ['pull', '--insecure', `${registry.host}/some/image`, join(directory, 'root')],
    environment,
  );
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0);
  const [cached] = listed(owner, environment).images;
  assert.equal(cached?.name, `${registry.host}/some/image:latest`);
  assert.equal(cached?.digest, image.manifest.digest);
  assert.equal(
    cached?.size,
    [...image.blobs.values()].reduce((sum, { length }) => sum + length, 0),
  );
  const blobs = join(directory, 'cache', 'gontainer', 'blobs', 'sha256');
  const hex = 'f'.repeat(64);
  writeFileSync(join(blobs, `${hex}.partial.${process.pid}`), 'being fetched');
  writeFileSync(join(blobs, `${hex}.partial.99999999`), 'left');
  const pruned = runRootfs(owner, ['prune'], environment);
  assert.match(pruned.stderr, /^Removed 4 blobs, /);
  assert.deepEqual(readdirSync(blobs), [`${hex}.partial.${process.pid}`]);
  assert.deepEqual(listed(owner, environment).images, []);
  assert.equal(listed(owner, environment).roots.length, 1, 'roots stay');
});

test('a root in which a container runs is not removed', {
  skip: process.env.GONTAINER_PROGRAM === undefined ? 'needs the built program' : false,
}, async (t) => {
  const [owner] = identities;
  assert.ok(owner);
  const directory = workspace(t, owner);
  const environment = { ...process.env, ...home(directory) };
  mkdirSync(join(directory, 'run'), { mode: 0o700 });
  const root = join(directory, 'root');
  const program = (...words: string[]) =>
    spawnSync(process.execPath, [String(process.env.GONTAINER_PROGRAM), ...words], {
      env: environment,
      encoding: 'utf8',
    });
  if (program('rootfs', 'create', '--from', 'busybox', root).status !== 0) {
    t.skip('no static busybox is installed');
    return;
  }
  for (const more of [[], ['--ephemeral']]) {
    const words = [
      'run',
      '--uid',
      '--pid',
      '--mnt',
      root,
      ...more,
      '--',
      'sh',
      '-c',
      'echo ready; read line',
    ];
    const child = spawn(process.execPath, [String(process.env.GONTAINER_PROGRAM), ...words], {
      env: environment,
    });
    t.after(() => child.kill());
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const refused = program('rootfs', 'remove', root);
    assert.equal(refused.status, 2, refused.stderr);
    assert.match(refused.stderr, /runs in/);
    child.stdin.end('\n');
    await ended;
  }
  assert.equal(program('rootfs', 'remove', root).status, 0);
  assert.ok(!existsSync(root));
});

const entries: readonly Entry[] = [
  folder('etc', { modified: 1_234_567_890 }),
  file('etc/a', 'hello\n', { uid: 7, gid: 8, pax: { mtime: '1700000000.123456789' } }),
  hardLink('etc/b', 'etc/a'),
  symbolicLink('link', 'etc/a'),
  symbolicLink('far', 't'.repeat(300)),
  file('attributes', 'x', { pax: { 'SCHILY.xattr.user.test': 'a\xff\0b=c\n' } }),
  { name: Buffer.from('caf\xe9', 'latin1'), body: 'latin1' },
  file(`${'d'.repeat(120)}/${'e'.repeat(150)}`, 'long'),
  file('before', 'x', { pax: { mtime: '-240' } }),
  file('large', 'x'.repeat(1_000_001), { mode: 0o600 }),
  folder('tmp', { mode: 0o1777 }),
];

for (const [reader, words] of [
  ['gontainer', undefined],
  ['tar', ['--numeric-owner', '--xattrs', '--xattrs-include=*', '-xpf']],
  ['bsdtar', ['--numeric-owner', '-xpf']],
] as const) {
  const skip =
    words === undefined || spawnSync(reader, ['--version']).status === 0
      ? false
      : `${reader} is not installed`;
  test(`what export writes is unpacked by ${reader} to the same tree`, { skip }, async (t) => {
    const [owner] = identities;
    assert.ok(owner);
    const directory = workspace(t, owner);
    const root = join(directory, 'root');
    await importBytes(owner, directory, archive(entries));
    setTimes(Buffer.from(join(root, 'tmp')), { seconds: 5_000_000_000, nanoseconds: 0 });
    const written = runRootfs(owner, ['export', root, join(directory, 'out.tar')], home(directory));
    assert.equal(written.status, 0, written.stderr);
    const copy = join(directory, 'copy');
    const shown = (top: string) => attributesOf(Buffer.from(join(top, 'attributes')));
    if (words === undefined) {
      assert.equal(runRootfs(owner, ['import', join(directory, 'out.tar'), copy], home(directory)).status, 0);
    } else {
      mkdirSync(copy);
      spawnSync(reader, [...words, join(directory, 'out.tar'), '-C', copy]);
    }
    assert.deepEqual(treeOf(copy, { except: ['.'] }), treeOf(root, { except: ['.'] }));
    assert.ok(shown(root).size > 0);
    assert.deepEqual(shown(copy), shown(root));
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.includes('unfinished')),
      [],
    );
  });
}

test('what export as an unprivileged user writes belongs to root, as it does in the container', (t) => {
  const owner = identities.find(({ uid }) => uid !== 0);
  assert.ok(owner);
  const directory = workspace(t, owner);
  writeFileSync(join(directory, 'in.tar'), archive(entries));
  assert.equal(
    runRootfs(owner, ['import', join(directory, 'in.tar'), join(directory, 'root')], home(directory)).status,
    0,
  );
  const written = runRootfs(
    owner,
    ['export', join(directory, 'root'), join(directory, 'out.tar')],
    home(directory),
  );
  assert.equal(written.status, 0, written.stderr);
  const listing = spawnSync('tar', ['--numeric-owner', '-tvf', join(directory, 'out.tar')], {
    encoding: 'utf8',
  }).stdout;
  const lines = listing.trim().split('\n');
  assert.ok(lines.length > 9 && lines.every((line) => / 0\/0 /.test(line)), listing);
});

test('export refuses a place in the root itself, and a failed one leaves the old archive', (t) => {
  const [owner] = identities;
  assert.ok(owner);
  const directory = workspace(t, owner);
  mkdirSync(join(directory, 'root'));
  writeFileSync(join(directory, 'old.tar'), 'old');
  const words = (target: string) => ['export', join(directory, 'root'), target];
  assert.equal(runRootfs(owner, words(join(directory, 'root', 'out.tar')), home(directory)).status, 2);
  assert.equal(runRootfs(owner, words(directory), home(directory)).status, 2);
  assert.equal(
    runRootfs(owner, ['export', join(directory, 'none'), join(directory, 'old.tar')], {}).status,
    2,
  );
  assert.equal(statSync(join(directory, 'old.tar')).size, 3);
});
