/** `--bind SRC:DST:overlay`: what is changed in a folder of the host, kept apart from it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  finished,
  folder,
  lacking,
  records,
  root,
  rootfs,
  run,
  start,
  type User,
  users,
} from '../../gontainer.js';
import { snapshot } from '../../parent/images/snapshot.js';
import { hostMounts, inside, noBusybox, own } from './root-file-systems.js';

/** A folder with a file, a link and a folder in it. */
function project(user: User, name = 'project'): string {
  const path = join(folder(user), name);
  mkdirSync(join(path, 'sub'), { recursive: true });
  writeFileSync(join(path, 'file'), 'old\n');
  writeFileSync(join(path, 'sub/file'), 'old\n');
  symlinkSync('file', join(path, 'link'));
  chmodSync(path, 0o2750);
  own(path, user);
  return path;
}

const changes =
  'echo new >new; echo other >file; rm link; rm -r sub; mkdir sub; cat new file; ls; stat -c %a .';
const seen = 'new\nother\nfile\nnew\nsub\n2750\n';

/** Runs a script in the host's own tree, where everything else is read-only. */
const inTree = (options: readonly string[], directory: string, script: string, user: User) =>
  run(['run', '--quiet', '--all', '--mnt=/', '--read-only', ...options, '--', 'sh', '-c', script], {
    user,
    cwd: directory,
  });

for (const user of users) {
  const { skip } = user;
  const title = (text: string): string => `${user.name}: ${text}`;

  test(title('changes of an overlay are seen inside, and the folder and the mounts stay as they were'), {
    skip,
  }, async () => {
    const path = project(user);
    const before = snapshot(path);
    for (const _ of ['once', 'again']) {
      const { stdout, stderr } = await inTree([`--bind=${path}:${path}:overlay`], path, changes, user);
      assert.equal(stdout, seen, stderr);
    }
    assert.deepEqual(snapshot(path), before);
    assert.ok(!hostMounts().includes(path));
  });

  test(title('changes are kept in the folder that is named, and are there the next time'), {
    skip,
  }, async () => {
    const [path, kept] = [project(user), folder(user)];
    const before = snapshot(path);
    const option = `--bind=${path}:${path}:overlay=${kept}`;
    assert.equal((await inTree([option], path, changes, user)).stdout, seen);
    assert.deepEqual(readdirSync(kept).sort(), ['upper', 'work']);
    assert.equal(readFileSync(join(kept, 'upper/file'), 'utf8'), 'other\n');
    const { stdout, stderr } = await inTree([option], path, 'cat new file; ls; stat -c %a .', user);
    assert.equal(stdout, seen, stderr);
    assert.deepEqual(snapshot(path), before);
  });

  test(title('an overlay is mounted in a root file system as well, and made where its place is missing'), {
    skip: skip || noBusybox,
  }, async () => {
    const [path, system] = [project(user), await rootfs(user)];
    const before = [snapshot(path), snapshot(system)];
    const script = `cd /made/here && ${changes}`;
    const { stdout, stderr } = await inside(system, [`--bind=${path}:/made/here:overlay`], script, user);
    assert.equal(stdout, seen, stderr);
    assert.deepEqual([snapshot(path), snapshot(system)], before);
  });

  test(title('whoever takes the overlay away does not find the folder below it'), { skip }, async () => {
    const [path, kept] = [project(user), folder(user)];
    for (const where of ['overlay', `overlay=${kept}`]) {
      const options = [`--bind=${path}:${path}:${where}`];
      const script = `cd /; umount ${path} && ls ${path} ${path}/lower; ls ${path}/changes 2>&1`;
      const { stdout, stderr } = await inTree(options, '/', script, user);
      assert.match(stdout, /^lower$/m, stderr);
      assert.doesNotMatch(stdout, /^(file|link|sub)$/m, stderr);
    }
  });

  test(title('the paths of an overlay may hold commas, blanks and backslashes, and with --mount colons'), {
    skip,
  }, async () => {
    const odd = join(folder(user), 'a,b c\\e"');
    mkdirSync(odd);
    mkdirSync(join(odd, 'p:q'));
    mkdirSync(join(odd, 'kept'));
    mkdirSync(join(odd, 'kept:too'));
    mkdirSync(join(odd, 'pq'));
    own(odd, user);
    const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`;
    for (const options of [
      [`--bind=${odd}/pq:${odd}/pq:overlay`],
      [`--bind=${odd}/pq:${odd}/pq:overlay=${odd}/kept`],
      [`--mount=type=bind,${quoted(`src=${odd}/p:q`)},${quoted(`dst=${odd}/pq`)},overlay`],
      [
        `--mount=type=bind,${quoted(`src=${odd}/p:q`)},${quoted(`dst=${odd}/pq`)},${quoted(`overlay=${odd}/kept:too`)}`,
      ],
    ]) {
      const { stdout, stderr } = await inTree(options, odd, 'echo x >pq/x; ls pq', user);
      assert.equal(stdout, 'x\n', stderr);
    }
    for (const kept of ['kept', 'kept:too']) assert.deepEqual(readdirSync(join(odd, kept, 'upper')), ['x']);
    for (const source of ['pq', 'p:q']) assert.deepEqual(readdirSync(join(odd, source)), []);
  });

  test(title('only one container at a time keeps changes in a folder'), { skip }, async () => {
    const [path, kept] = [project(user), folder(user)];
    const words = ['run', '--quiet', '--uid', `--bind=${path}:${path}:overlay=${kept}`, '--', 'sh', '-c'];
    const first = start([...words, 'echo ready; read go'], { user });
    const end = finished(first);
    await once(first.stdout as NodeJS.ReadableStream, 'data');
    const second = await run([...words, 'echo ran'], { user });
    assert.equal(second.status, 125);
    assert.match(second.stderr, /another container keeps its changes in .* at the moment\. Choose another/);
    first.stdin?.end('\n');
    assert.equal((await end).status, 0);
    assert.equal((await run([...words, 'echo ran'], { user })).stdout, 'ran\n');
  });

  test(title('the step says where the changes go, and its evidence shows the overlay'), {
    skip,
  }, async () => {
    const [path, log] = [project(user), join(folder(user), 'log')];
    await inTree([`--bind=${path}:${path}:overlay`, `--log-file=${log}`], path, 'true', user);
    const step = records(log).find(
      (record) => record.step === 'requested-mounts' && record.shell !== undefined,
    );
    assert.equal(step?.summary, `${path} (changes in memory)`);
    const { mounts = [] } = (step?.after ?? {}) as { mounts?: string[] };
    assert.ok(
      mounts.some((line) => line.startsWith(`${path} overlay overlay `)),
      mounts.join('\n'),
    );
    assert.deepEqual(
      records(log).filter(({ warning }) => warning),
      [],
    );
  });

  test(title('the script of --dry-run --shell mounts the same overlays'), {
    skip: skip || lacking('unshare', 'mount', 'findmnt', 'setpriv', 'capsh'),
  }, async () => {
    const [path, odd, kept] = [project(user), project(user, 'a,b c\\d'), folder(user)];
    const before = [snapshot(path), snapshot(odd)];
    const binds = [`--bind=${path}:${path}:overlay`, `--bind=${odd}:${odd}:overlay=${kept}`];
    const words = ['run', '--all', '--mnt=/', '--read-only', ...binds, '--dry-run', '--shell'];
    const script = `cd ${path}; ${changes}; cd '${odd}'; ${changes}; ls lower changes 2>/dev/null`;
    const { stdout: text } = await run([...words, '--', 'sh', '-c', script], { user });
    const file = join(folder(user), 'launch.sh');
    writeFileSync(file, text);
    const { stdout, stderr } = spawnSync('sh', ['-e', file], {
      cwd: '/',
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: folder(user) },
      ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
    });
    assert.equal(stdout, seen + seen, stderr);
    assert.deepEqual([snapshot(path), snapshot(odd)], before);
    assert.equal(readFileSync(join(kept, 'upper/file'), 'utf8'), 'other\n');
  });

  test(title('an overlay that cannot be is refused before anything is done'), { skip }, async () => {
    const [path, kept] = [project(user), folder(user)];
    for (const [words, sentence] of [
      [[`--bind=${path}/file:/x:overlay`], /is not a directory, and an overlay shows directories/],
      [[`--bind=${path}:/x:overlay=${path}/sub`], /one lies in the other/],
      [[`--bind=${path}/sub:/x:overlay=${path}`], /one lies in the other/],
      [[`--bind=${path}:/x:overlay=/nowhere`], /=\/nowhere does not exist.*mkdir \/nowhere/],
      [[`--bind=${path}:/x:overlay=${kept}`, `--bind=${path}:/y:overlay=${kept}`], /two overlays would keep/],
      [[`--bind=${path}:/x:overlays`], /is not of the form/],
      [[`--bind=${path}:/x:overlay=`], /is not of the form/],
      [
        [`--mount=type=bind,src=${path},dst=/x,ro,overlay`],
        /is read-only, and its overlay is there for changes/,
      ],
      [['--mount=type=tmpfs,dst=/x,overlay'], /has an overlay, and is a tmpfs/],
    ] as const) {
      const { status, stderr } = await run(['run', '--uid', ...words, '--', 'true'], { user });
      assert.equal(status, 2, stderr);
      assert.match(stderr, sentence);
    }
  });

  test(title('a folder that something is mounted below is said to be that'), { skip }, async () => {
    // /mnt may be missing on this machine; /tmp is where the tests are.
    const { status, stderr } = await run(['run', '--uid', '--bind=/:/tmp:overlay', '--', 'true'], { user });
    assert.equal(status, 125);
    assert.match(
      stderr,
      /step requested-mounts: mount\(.*EINVAL.*\. Something is mounted below \/, and in a user/,
    );
  });
}

test('real root without a user namespace: the folder keeps its owner, its mode and what its mount forbids', {
  skip: process.getuid?.() === 0 ? lacking('unshare') : 'needs root',
}, async () => {
  const path = project({ ...root, uid: 4711, gid: 4712 });
  chownSync(path, 4711, 4712);
  const words = [`--bind=${path}:${path}:overlay`, '--', 'sh', '-c'];
  const script = `cd ${path}; ${changes}; stat -c %u:%g . file; grep ' ${path} .* overlay ' /proc/self/mountinfo | cut -d' ' -f6`;
  const under = [
    'unshare',
    '--mount',
    'sh',
    '-ec',
    `mount -t tmpfs -o nosuid,noexec tmpfs ${path}; exec "$@"`,
    'sh',
  ];
  const plain = await run(['run', '--quiet', '--pid', ...words, script]);
  assert.match(
    plain.stdout,
    /^new\nother\n(.|\n)*2750\n4711:4712\n4711:4712\nrw,nodev,relatime$/m,
    plain.stderr,
  );
  const forbids = await run(['run', '--quiet', '--pid', ...words, script.replace(changes, ':>file')], {
    under,
  });
  assert.match(forbids.stdout, /^rw,nosuid,nodev,noexec/m, forbids.stderr);
  assert.equal(statSync(path).uid, 4711);
});
