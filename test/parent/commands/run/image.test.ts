/** `gontainer run --image`: the root from an image, one copy for all, and what the image says unless the line says else. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  finished,
  folder,
  lacking,
  records,
  run,
  start,
  type User,
  unprivileged,
  users,
} from '../../../gontainer.js';
import { type BuiltImage, buildImage, layoutEntries, writeLayout } from '../../images/image-builder.js';
import { contentOf, loopbackRegistry } from '../../images/loopback-registry.js';
import { archive, folder as directory, file, symbolicLink } from '../../images/tar-builder.js';

const skipWithout = lacking('busybox');
const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));

const config = {
  Env: ['PATH=/tools', 'FROM_IMAGE=yes', 'BOTH=image', 'broken', 'zero=\0'],
  Entrypoint: ['sh', '-c'],
  Cmd: ['echo "$FROM_IMAGE $BOTH $PWD $(id -u)"'],
  WorkingDir: '/srv',
  StopSignal: 'SIGQUIT',
};

function imageOf(
  settings: object,
  commands: readonly string[] = ['sh', 'id', 'cat', 'touch', 'sleep'],
): BuiltImage {
  const program = busybox === undefined ? Buffer.alloc(0) : readFileSync(busybox);
  const entries = [
    directory('tools/'),
    { ...file('tools/busybox', ''), body: program, mode: 0o755 },
    ...commands.map((name) => symbolicLink(`tools/${name}`, 'busybox')),
    directory('srv/'),
    file('srv/of-the-image', 'kept'),
    directory('etc/'),
    file('etc/passwd', 'somebody:x:0:0::/srv:/bin/sh\n'),
  ];
  return buildImage([entries], undefined, (documents) => {
    documents.config.config = settings;
  });
}

const image = imageOf(config);

/** A user's own place for images and what is noted of them. */
function home(user: User): Readonly<Record<string, string>> {
  const place = folder(user);
  return {
    HOME: place,
    XDG_DATA_HOME: join(place, 'data'),
    XDG_CACHE_HOME: join(place, 'cache'),
    XDG_RUNTIME_DIR: place,
  };
}

function archiveOf(built: BuiltImage, user: User): string {
  const path = join(folder(user), 'image.tar');
  writeFileSync(path, archive(layoutEntries([built])));
  return path;
}

/** A registry in which a name means one image, and then another, whose command says so. */
async function twoVersions(t: TestContext) {
  const later = imageOf({ ...config, Cmd: ['echo the second'] });
  const manifestOf = ({ blobs, manifest }: BuiltImage) => blobs.get(manifest.digest) as Buffer;
  const content = new Map(contentOf([image, later], { latest: manifestOf(image) }));
  const registry = await loopbackRegistry(t, content);
  const comeTheSecond = () => content.set('some/image/manifests/latest', manifestOf(later));
  return { registry, name: `${registry.host}/some/image`, comeTheSecond };
}

const copies = (env: Readonly<Record<string, string>>): string[] =>
  readdirSync(join(String(env.XDG_DATA_HOME), 'gontainer/images'));
const inImage = (source: string, ...more: string[]): string[] => [
  'run',
  '--uid',
  '--quiet',
  '--image',
  source,
  ...more,
];

for (const { skip, ...user } of users) {
  test(`what the image says is done, and said in the log, as ${user.name}`, {
    skip: skip || skipWithout,
  }, async () => {
    const env = home(user);
    const log = join(folder(user), 'log');
    const source = archiveOf(image, user);
    const first = await run([...inImage(source), '--log-file', log], { user, env });
    assert.deepEqual(first, { status: 0, signal: null, stdout: 'yes image /srv 0\n', stderr: '' });
    assert.deepEqual(
      records(log)
        .filter(({ image: field }) => field !== undefined)
        .map(({ image: field, msg }) => [field, msg]),
      [
        ['Root', 'root from the image: an image of 1 layer'],
        ['Env', 'environment from the image: PATH, FROM_IMAGE, BOTH'],
        ['Entrypoint', 'entrypoint from the image: sh -c'],
        ['Cmd', `command from the image: ${config.Cmd[0]}`],
        ['WorkingDir', 'working directory from the image: /srv'],
        ['StopSignal', 'stop signal from the image: SIGQUIT'],
      ],
    );
    const again = await run(
      ['run', '--uid', '--image', source, '--log-level', 'info', '--log-format', 'pretty'],
      { user, env },
    );
    assert.equal(again.status, 0, again.stderr);
    assert.match(again.stderr, /^· +working directory from the image: \/srv$/m);
    assert.doesNotMatch(again.stderr, /Unpacked/);
  });

  test(`the command line goes before the image, as ${user.name}`, { skip: skip || skipWithout }, async () => {
    const env = home(user);
    const source = archiveOf(image, user);
    const outputs: readonly (readonly [words: readonly string[], output: string])[] = [
      [['--env', 'BOTH=line'], 'yes line /srv 0\n'],
      [['--workdir', '/etc'], 'yes image /etc 0\n'],
      [['--', 'echo other'], 'other\n'],
      [['--entrypoint', 'cat', '--', 'of-the-image'], 'kept'],
      [['--entrypoint', 'sh', '--', '-c', 'echo $PATH'], '/tools\n'],
    ];
    for (const [words, output] of outputs) {
      const { status, stdout, stderr } = await run(inImage(source, ...words), { user, env });
      assert.deepEqual(
        { status, stdout, stderr },
        { status: 0, stdout: output, stderr: '' },
        words.join(' '),
      );
    }
  });

  test(`a container of an image leaves its copy as it is, as ${user.name}`, {
    skip: skip || skipWithout,
  }, async () => {
    const env = home(user);
    const source = archiveOf(image, user);
    const write = await run(
      inImage(source, '--', 'touch new; echo changed > of-the-image; cat of-the-image'),
      { user, env },
    );
    assert.equal(write.stdout, 'changed\n', write.stderr);
    const read = await run(inImage(source, '--', 'echo *; cat of-the-image'), { user, env });
    assert.equal(read.stdout, 'of-the-image\nkept', read.stderr);
    assert.equal(copies(env).length, 1);
  });

  test(`two launches at once share one copy, as ${user.name}`, { skip: skip || skipWithout }, async () => {
    const env = home(user);
    const source = archiveOf(image, user);
    const both = await Promise.all([1, 2, 3].map(() => run(inImage(source), { user, env })));
    for (const { status, stdout, stderr } of both)
      assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'yes image /srv 0\n', stderr: '' });
    assert.equal(copies(env).length, 1, String(copies(env)));
  });

  test(`a layout in a folder, and an archive that was changed, as ${user.name}`, {
    skip: skip || skipWithout,
  }, async () => {
    const env = home(user);
    const layout = folder(user);
    writeLayout(layout, layoutEntries([image]));
    assert.equal((await run(inImage(layout), { user, env })).stdout, 'yes image /srv 0\n');
    const source = archiveOf(image, user);
    assert.equal((await run(inImage(source), { user, env })).stdout, 'yes image /srv 0\n');
    writeFileSync(source, archive(layoutEntries([imageOf({ ...config, Cmd: ['echo the second'] })])));
    assert.equal((await run(inImage(source), { user, env })).stdout, 'the second\n');
  });

  test(`a name is pulled once, as ${user.name}`, { skip: skip || skipWithout }, async (t) => {
    const env = home(user);
    const registry = await serve(t, image);
    const name = `${registry.host}/some/image`;
    const first = await run(['run', '--uid', '--image', name, '--log-level', 'error'], { user, env });
    assert.equal(first.stdout, 'yes image /srv 0\n', first.stderr);
    assert.match(first.stderr, /^Unpacked some\/image \(1 layer\), sha256:[0-9a-f]{64}: 3 files/m);
    const asked = registry.requests.length;
    const second = await run(inImage(name), { user, env });
    assert.deepEqual([second.stdout, second.stderr], ['yes image /srv 0\n', '']);
    assert.equal(registry.requests.length, asked);
    const { stdout } = await run(['rootfs', 'list', '--json'], { user, env });
    const [listed] = JSON.parse(stdout).roots;
    assert.match(listed.path, /\/images\/some-image-latest-[0-9a-f]{12}\/root$/);
  });

  test(`--pull=always takes what the name means now, and only then another copy, as ${user.name}`, {
    skip: skip || skipWithout,
  }, async (t) => {
    const env = home(user);
    const { registry, name, comeTheSecond } = await twoVersions(t);
    const always = inImage(name, '--pull=always');
    for (let launch = 0; launch < 2; launch++) {
      const same = await run(always, { user, env });
      assert.equal(same.stdout, 'yes image /srv 0\n', same.stderr);
    }
    assert.equal(copies(env).length, 1);
    comeTheSecond();
    assert.equal((await run(inImage(name), { user, env })).stdout, 'yes image /srv 0\n');
    assert.equal((await run(always, { user, env })).stdout, 'the second\n');
    assert.equal((await run(inImage(name), { user, env })).stdout, 'the second\n');
    assert.equal(copies(env).length, 1, 'the older one is gone');
    registry.misbehave = (_, response) => {
      response.writeHead(403).end();
      return true;
    };
    const refused = await run(always, { user, env });
    assert.equal(refused.status, 125);
    assert.match(refused.stderr, /403.*A copy of \d{4}-\d\d-\d\d is here: --pull=missing takes that\./s);
    for (const pull of ['missing', 'never'])
      assert.equal((await run(inImage(name, `--pull=${pull}`), { user, env })).stdout, 'the second\n');
  });

  test(`--pull=always leaves the copy in which a container runs, as ${user.name}`, {
    skip: skip || skipWithout,
  }, async (t) => {
    const env = home(user);
    const { name, comeTheSecond } = await twoVersions(t);
    const running = start(inImage(name, '--', 'echo begun; cat; cat /srv/of-the-image'), { user, env });
    const end = finished(running);
    await new Promise((begun) => running.stdout?.once('data', begun));
    comeTheSecond();
    const second = await run(inImage(name, '--pull=always'), { user, env });
    assert.equal(second.stdout, 'the second\n', second.stderr);
    assert.equal(copies(env).length, 2);
    running.stdin?.end();
    assert.match((await end).stdout, /kept$/);
  });

  test(`an interrupted pull leaves nothing, as ${user.name}`, { skip: skip || skipWithout }, async (t) => {
    const env = home(user);
    const registry = await serve(t, image);
    const layer = [...image.blobs.entries()].find(([, bytes]) => bytes === image.layers[0])?.[0] as string;
    const asked = new Promise<void>((done) => {
      registry.misbehave = ({ url }, response) => {
        if (!url?.endsWith(layer)) return false;
        response.writeHead(200, { 'content-length': image.layers[0]?.length ?? 0 });
        response.write((image.layers[0] as Buffer).subarray(0, 100));
        done();
        return true;
      };
    });
    const child = start(inImage(`${registry.host}/some/image`), { user, env });
    const end = finished(child);
    await asked;
    child.kill('SIGINT');
    const { status, stderr } = await end;
    assert.equal(status, 130, stderr);
    assert.match(stderr, /^gontainer: Interrupted by SIGINT: nothing was left behind/);
    assert.deepEqual(copies(env), []);
  });

  test(`--image-config does the same for a root that was imported, as ${user.name}`, {
    skip: skip || skipWithout,
  }, async () => {
    const env = home(user);
    const place = join(folder(user), 'root');
    assert.equal((await run(['rootfs', 'import', archiveOf(image, user), place], { user, env })).status, 0);
    const { stdout, stderr } = await run(['run', '--uid', '--quiet', '--mnt', place, '--image-config'], {
      user,
      env,
    });
    assert.deepEqual([stdout, stderr], ['yes image /srv 0\n', '']);
    const without = await run(
      ['run', '--uid', '--quiet', '--mnt', place, '--', '/tools/sh', '-c', 'echo "$FROM_IMAGE"'],
      { user, env },
    );
    assert.deepEqual([without.stdout, without.stderr], ['\n', '']);
  });

  test(`a copy in use is neither removed nor pruned, as ${user.name}`, {
    skip: skip || skipWithout,
  }, async () => {
    const env = home(user);
    const source = archiveOf(image, user);
    const child = start(inImage(source, '--name', 'box', '--', 'echo runs; exec sleep 1000'), { user, env });
    const end = finished(child);
    await new Promise<void>((done) => child.stdout?.once('data', () => done()));
    const [copy] = copies(env);
    const path = join(String(env.XDG_DATA_HOME), 'gontainer/images', String(copy), 'root');
    const removed = await run(['rootfs', 'remove', path], { user, env });
    assert.equal(removed.status, 2);
    assert.match(removed.stderr, /The container box runs in/);
    const pruned = await run(['rootfs', 'prune'], { user, env });
    assert.match(pruned.stderr, /Containers run in 1 unpacked image/);
    assert.equal((await run(['kill', 'box', 'KILL'], { user, env })).status, 0);
    assert.equal((await end).status, 137);
    assert.match((await run(['rootfs', 'prune'], { user, env })).stderr, /and 1 unpacked image\./);
    assert.deepEqual(copies(env), []);
  });

  test(`gontainer kill and --timeout send the image's stop signal, as ${user.name}`, {
    skip: skip || skipWithout,
  }, async () => {
    const env = home(user);
    const source = archiveOf(image, user);
    const trap = "trap 'echo quit; exit 3' QUIT; echo runs; while :; do sleep 1; done";
    const child = start(inImage(source, '--name', 'stopped', '--', trap), { user, env });
    const end = finished(child);
    await new Promise<void>((done) => child.stdout?.once('data', () => done()));
    assert.equal((await run(['kill', 'stopped'], { user, env })).status, 0);
    assert.deepEqual((({ status, stdout }) => ({ status, stdout }))(await end), {
      status: 3,
      stdout: 'runs\nquit\n',
    });
    const timed = await run(inImage(source, '--timeout', '1', '--', trap), { user, env });
    assert.deepEqual([timed.status, timed.stdout], [3, 'runs\nquit\n']);
  });
}

const serve = (t: TestContext, built: BuiltImage) =>
  loopbackRegistry(t, contentOf([built], { latest: built.blobs.get(built.manifest.digest) as Buffer }));

const refused: readonly (readonly [what: string, words: readonly string[], status: number, said: RegExp])[] =
  [
    ['a file that is not there', ['--image', './none.tar'], 2, /Cannot read the image \.\/none\.tar/],
    ['a name that is none', ['--image', 'UPPER'], 2, /not a valid image name/],
    ['--image beside --mnt', ['--image', 'x', '--mnt', '/tmp'], 2, /--image makes the new root itself/],
    ['--entrypoint without an image', ['--entrypoint', 'x'], 2, /--entrypoint needs --image/],
    ['--platform without an image', ['--platform', 'linux/arm64'], 2, /--platform needs --image/],
    ['--image-config without a root', ['--image-config'], 2, /--image-config needs --mnt/],
    [
      '--image-config of a root from no image',
      ['--image-config', '--mnt', '/tmp'],
      2,
      /Nothing says that \/tmp was made from an image/,
    ],
    ['a signal that is none', ['--stop-signal', 'NONE'], 2, /there is no signal “NONE”/],
    ['a registry that does not answer', ['--image', 'localhost:1/some/image'], 125, /localhost:1/],
    [
      'an image that is not here and must not be fetched',
      ['--image', 'localhost:1/some/image', '--pull=never'],
      125,
      /The image localhost:1\/some\/image is not here yet, and --pull=never fetches nothing/,
    ],
    [
      'a pull that cannot be, where there is no copy either',
      ['--image', 'localhost:1/some/image', '--pull=always'],
      125,
      /localhost:1.*No copy of localhost:1\/some\/image is here\./s,
    ],
    ['a time to pull that is none', ['--image', 'x', '--pull=often'], 2, /is one of missing, always, never/],
    ['--pull without an image', ['--pull=always'], 2, /--pull needs --image/],
    [
      'a rehearsal of what is not here',
      ['--image', 'localhost:1/some/image', '--dry-run'],
      2,
      /is not here yet/,
    ],
  ];
for (const [what, words, status, said] of refused) {
  test(`${what} is refused`, async () => {
    const finishedRun = await run(['run', '--uid', ...words], {
      user: unprivileged,
      env: home(unprivileged),
    });
    assert.equal(finishedRun.status, status, finishedRun.stderr);
    assert.match(finishedRun.stderr, said);
  });
}

test('an image for another machine, and one without a command or a shell, are refused with what to do', {
  skip: skipWithout,
}, async () => {
  const env = home(unprivileged);
  const other = buildImage([[file('a')]], { os: 'linux', architecture: 's390x' });
  const foreign = await run(inImage(archiveOf(other, unprivileged)), { user: unprivileged, env });
  assert.equal(foreign.status, 125);
  assert.match(foreign.stderr, /It has linux\/s390x: choose one with --platform/);
  const scratch = await run(inImage(archiveOf(imageOf({}, []), unprivileged)), { user: unprivileged, env });
  assert.equal(scratch.status, 127);
  assert.match(scratch.stderr, /names no command, and has no \/bin\/sh\. Name one/);
});

test("the image's user is looked up in its own passwd, and one that is not mapped is refused by its name", {
  skip: skipWithout,
}, async () => {
  const env = home(unprivileged);
  const named = await run(inImage(archiveOf(imageOf({ ...config, User: 'somebody' }), unprivileged)), {
    user: unprivileged,
    env,
  });
  assert.equal(named.stdout, 'yes image /srv 0\n', named.stderr);
  const source = archiveOf(imageOf({ ...config, User: '1000' }), unprivileged);
  const unmapped = await run(inImage(source), { user: unprivileged, env });
  assert.equal(unmapped.status, 2);
  assert.match(unmapped.stderr, /User of the image: user 1000 .* --user 0/);
  assert.equal(
    (await run(inImage(source, '--user', '0'), { user: unprivileged, env })).stdout,
    'yes image /srv 0\n',
  );
});

test('a detached container takes its root from an image', { skip: skipWithout }, async () => {
  const env = home(unprivileged);
  const source = archiveOf(image, unprivileged);
  const options = { user: unprivileged, env };
  const detached = await run(inImage(source, '--detach', '--name', 'away'), options);
  assert.deepEqual([detached.status, detached.stdout], [0, 'away\n'], detached.stderr);
  await run(['wait', 'away'], options);
  assert.equal((await run(['logs', '--output', 'away'], options)).stdout, 'yes image /srv 0\n');
});
