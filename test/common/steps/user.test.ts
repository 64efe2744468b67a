/** --user: by number, by the names of the new root, with its groups, its home, and without capabilities. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, root, rootfs, run, unprivileged, users } from '../../gontainer.js';
import { bareRoot, inside, noBusybox, own } from './root-file-systems.js';

/** The lines of `script`; groups in order. */
const lines = (text: string): string[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) =>
      /^[\d ]+$/.test(line)
        ? line
            .split(' ')
            .sort((a, b) => Number(a) - Number(b))
            .join(' ')
        : line,
    );
const asRoot = process.getuid?.() === 0 ? noBusybox : 'needs root';
/** Enough IDs for every user of the root file system. */
const range = ['--uid-map', '0:100000:65536', '--gid-map', '0:100000:65536'];
const script = 'id -u; id -g; id -G; grep -E "^Cap(Prm|Eff|Amb)" /proc/self/status | cut -f 2; echo $HOME';
const none = '0000000000000000';

/** A root file system whose user `user` is in two more groups. */
async function peopled(): Promise<string> {
  const path = await rootfs(root);
  const group = join(path, 'etc/group');
  writeFileSync(group, `${readFileSync(group, 'utf8')}games:x:60:user\naudio:x:29:root,user\n`);
  own(path, { name: 'mapped', uid: 100_000, gid: 100_000 });
  return path;
}

test('--user NAME gives its group, its supplementary groups and its home, and no capabilities', {
  skip: asRoot,
}, async () => {
  const { stdout, stderr } = await inside(await peopled(), [...range, '--user', 'user'], script, root);
  assert.deepEqual(lines(stdout), ['1000', '1000', '29 60 1000', none, none, none, '/home/user'], stderr);
});

test('--user takes numbers, and another group', { skip: asRoot }, async () => {
  const path = await peopled();
  const named = await inside(path, [...range, '--user', '1000:tty'], script, root);
  assert.deepEqual(lines(named.stdout).slice(0, 3), ['1000', '5', '5 29 60'], named.stderr);
  const unknown = await inside(path, [...range, '--user', '4242'], script, root);
  assert.deepEqual(
    lines(unknown.stdout),
    ['4242', '4242', '4242', none, none, none, '/root'],
    unknown.stderr,
  );
});

test('--user works without a user namespace too, and --user root keeps capabilities', {
  skip: asRoot,
}, async () => {
  const path = await peopled();
  const words = (name: string) => [
    'run',
    '--quiet',
    '--mnt',
    path,
    '--pid',
    '--user',
    name,
    '--',
    '/bin/sh',
    '-c',
    script,
  ];
  const { stdout, stderr } = await run(words('user'), { user: root });
  assert.deepEqual(lines(stdout).slice(0, 5), ['1000', '1000', '29 60 1000', none, none], stderr);
  const rooted = lines((await run(words('root'), { user: root })).stdout);
  assert.deepEqual(rooted.slice(0, 3), ['0', '0', '0 29']);
  assert.notEqual(rooted[4], none);
});

test('the user of --user can use its home, a terminal, /dev/null and /dev/shm', {
  skip: asRoot,
}, async () => {
  const path = await peopled();
  own(join(path, 'home/user'), { name: 'mapped', uid: 101_000, gid: 101_000 });
  const work =
    'cd; echo > kept && echo > /dev/null && echo > /dev/shm/x && exec 5<>/dev/ptmx && stat -c "%u %g %a" /dev/pts/0; (echo > /etc/x) 2>&1';
  const { stdout, stderr } = await inside(path, [...range, '--user', 'user'], work, root);
  assert.deepEqual(lines(stdout), ['5 620 1000', "/bin/sh: can't create /etc/x: Permission denied"], stderr);
});

test('names are looked up in the layer of the changes first', { skip: asRoot }, async () => {
  const [path, kept] = [bareRoot(root), folder(root)];
  const options = ['--overlay', kept];
  const added = await run(
    [
      'run',
      '--quiet',
      '--pid',
      '--mnt',
      path,
      ...options,
      '--',
      '/bin/sh',
      '-c',
      'mkdir /etc; echo "ada:x:7:8::/ada:" > /etc/passwd',
    ],
    { user: root },
  );
  assert.equal(added.status, 0, added.stderr);
  const { stdout, stderr } = await run(
    ['run', '--quiet', '--pid', '--mnt', path, ...options, '--user', 'ada', '--', '/bin/sh', '-c', script],
    { user: root },
  );
  assert.deepEqual([...lines(stdout).slice(0, 3), lines(stdout).at(-1)], ['7', '8', '8', '/ada'], stderr);
});

for (const user of users) {
  test(`${user.name}: only IDs that are mapped can be chosen`, { skip: user.skip || noBusybox }, async () => {
    const path = await rootfs(user);
    const mapped = await inside(path, ['--user', 'root'], 'id -u', user);
    assert.equal(mapped.stdout, '0\n', mapped.stderr);
    const refused = await inside(path, ['--user', 'user'], 'id -u', user);
    assert.equal(refused.status, 2);
    assert.match(
      refused.stderr,
      /user 1000 of the container is mapped to no user of the host\. Map it with --map-auto or --uid-map 1000:HOST:1\./,
    );
  });
}

test('an unprivileged user is an ordinary one inside by mapping only that', { skip: noBusybox }, async () => {
  const { uid, gid } = unprivileged;
  const maps = ['--uid-map', `1000:${uid}:1`, '--gid-map', `1000:${gid}:1`];
  const { stdout, stderr } = await inside(
    await rootfs(unprivileged),
    [...maps, '--user', 'user'],
    script,
    unprivileged,
  );
  const found = lines(stdout);
  assert.deepEqual(
    [...found.slice(0, 2), ...found.slice(3)],
    ['1000', '1000', none, none, none, '/home/user'],
    stderr,
  );
});
