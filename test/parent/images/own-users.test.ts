/** --map-auto: what an ordinary user unpacks belongs to the users of the container, and can be removed again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, lacking, type RunOptions, run } from '../../gontainer.js';
import { buildImage, layoutEntries } from './image-builder.js';
import { archive, folder as directory, file, symbolicLink } from './tar-builder.js';

const isRoot = process.getuid?.() === 0;
const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 };
const range = { first: 300_000, count: 65_536 };

const hasRange = (list: string): boolean =>
  existsSync(list) &&
  readFileSync(list, 'utf8')
    .split('\n')
    .some((line) => line.startsWith(`${userInfo().username}:`));

const skip =
  lacking('newuidmap', 'setpriv', 'unshare', 'busybox') ||
  (!isRoot && !hasRange('/etc/subuid') && 'needs root, or a user with subordinate IDs');

/** Root gives nobody subordinate IDs, in a mount namespace where the lists of the host are covered. */
function asUser(): RunOptions & { readonly place: string } {
  const place = folder(isRoot ? nobody : undefined);
  const env = {
    HOME: place,
    XDG_DATA_HOME: `${place}/data`,
    XDG_CACHE_HOME: `${place}/cache`,
    XDG_RUNTIME_DIR: place,
  };
  if (!isRoot) return { place, env };
  const list = join(folder(), 'list');
  writeFileSync(list, `nobody:${range.first}:${range.count}\n`, { mode: 0o644 });
  const script = `mount --bind '${list}' /etc/subuid && mount --bind '${list}' /etc/subgid &&
    exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"`;
  return { place, env, under: ['unshare', '--mount', 'sh', '-c', script, 'sh'] };
}

const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
/** A file capability of version 2: cap_net_raw=ep (capabilities(7)). */
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('latin1');
const entries = [
  directory('bin/'),
  { ...file('bin/busybox'), body: busybox === undefined ? 'x' : readFileSync(busybox), mode: 0o755 },
  ...['sh', 'stat', 'id'].map((name) => symbolicLink(`bin/${name}`, 'busybox')),
  directory('srv/', { uid: 1000, gid: 1001, mode: 0o700 }),
  file('srv/own', 'secret', { uid: 1000, gid: 1001, mode: 0o600 }),
  file('far', 'x', { uid: 4_000_000 }),
  file('ping', 'x', { mode: 0o755, pax: { 'SCHILY.xattr.security.capability': capability } }),
];
const image = buildImage([entries], undefined, (documents) => {
  documents.config.config = { User: '1000:1001', Cmd: ['/bin/stat', '-c', '%u:%g', '/srv/own'] };
});

function sourceIn(place: string): string {
  const source = join(place, 'image.tar');
  writeFileSync(source, archive(layoutEntries([image])));
  if (isRoot) chownSync(source, nobody.uid, nobody.gid);
  return source;
}

test('the users of an image own its files, and rootfs remove takes them away', { skip }, async () => {
  const { place, ...options } = asUser();
  const root = join(place, 'root');
  const made = await run(['rootfs', 'import', '--map-auto', sourceIn(place), root], options);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stderr, /Not kept: 1 owner/);
  const inside = ['run', '--uid', '--map-auto', '--quiet', '--mnt', root, '--user', '0', '--'];
  const owners = await run(
    [...inside, '/bin/stat', '-c', '%u:%g %a', '/srv', '/srv/own', '/bin', '/far'],
    options,
  );
  assert.equal(owners.stdout, '1000:1001 700\n1000:1001 600\n0:0 755\n0:0 644\n', owners.stderr);
  if (isRoot) assert.equal(statSync(join(root, 'srv/own')).uid, range.first + 999);
  const exported = join(place, 'out.tar');
  const written = await run(['rootfs', 'export', '--map-auto', root, exported], options);
  assert.equal(written.status, 0, written.stderr);
  const { stdout } = spawnSync('tar', ['--numeric-owner', '-tvf', exported], { encoding: 'utf8' });
  assert.match(stdout, /^-rw------- 1000\/1001 +6 .* srv\/own$/m);
  const removed = await run(['rootfs', 'remove', root], options);
  assert.equal(removed.status, 0, removed.stderr);
  assert.ok(!existsSync(root));
});

test('a launch with --map-auto has a copy of the image with its users', { skip }, async () => {
  const { place, ...options } = asUser();
  const words = ['run', '--uid', '--map-auto', '--quiet', '--image', sourceIn(place)];
  for (let time = 0; time < 2; time++) {
    const { stdout, stderr } = await run(words, options);
    assert.deepEqual([stdout, stderr], ['1000:1001\n', '']);
  }
  const copies = join(place, 'data/gontainer/images');
  const [copy, ...others] = readdirSync(copies);
  assert.deepEqual(others, []);
  const listed = spawnSync('getcap', ['-n', join(copies, String(copy), 'root/ping')], { encoding: 'utf8' });
  if (isRoot && listed.error === undefined) assert.match(listed.stdout, /cap_net_raw=ep \[rootid=65534\]/);
  const pruned = await run(['rootfs', 'prune'], options);
  assert.equal(pruned.status, 0, pruned.stderr);
  assert.deepEqual(readdirSync(copies), []);
});

test('what cannot be unpacked leaves nothing, and keeps its exit status', { skip }, async () => {
  const { place, ...options } = asUser();
  const source = sourceIn(place);
  writeFileSync(source, readFileSync(source).subarray(0, -700_000));
  const failed = await run(['rootfs', 'import', '--map-auto', source, join(place, 'root')], options);
  assert.equal(failed.status, 125, failed.stderr);
  const launched = await run(['run', '--uid', '--map-auto', '--quiet', '--image', source], options);
  assert.equal(launched.status, 125, launched.stderr);
  assert.match(launched.stderr, /was not unpacked\. The reason stands above\./);
  assert.deepEqual(readdirSync(join(place, 'data/gontainer/images')), []);
  assert.deepEqual(
    readdirSync(place).filter((name) => name.includes('unfinished')),
    [],
  );
});
