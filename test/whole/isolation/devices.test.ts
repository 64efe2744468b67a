/** Device nodes: what is opened through one is the machine's, whoever made the node. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, lacking, root, type User, users } from '../../gontainer.js';
import { asRoot, newRoot, probe, tried, word } from './attempts.js';

/** makedev(3) of /dev/zero, which is there on every machine, and harms nothing. */
const zero = ['c', String(1 * 256 + 5)];

/** A new root in whose /tmp somebody has made a node for /dev/zero, as an image could bring one. */
function rootWithDevice(user: User): string[] {
  const options = newRoot(user);
  const made = spawnSync('mknod', ['-m', '666', join(options[1] as string, 'tmp/zero'), 'c', '1', '5']);
  assert.equal(made.status, 0, String(made.stderr));
  return options;
}

test('root without a user namespace cannot make a device node', { skip: asRoot }, async () => {
  const options = ['--pid', ...newRoot(root)];
  assert.equal(await tried(options, ['device', '/tmp/made', ...zero], root), 'held: EPERM');
  assert.equal(await tried(['--pid'], ['device', join(folder(), 'made'), ...zero], root), 'held: EPERM');
  // With the capability for it, and without any mount of the launch in the way.
  const all = ['--pid', '--cap-keep', 'all'];
  assert.equal(await tried(all, ['device', join(folder(), 'made'), ...zero], root), 'got out');
});

test('a device node that root may make is only opened in /dev', { skip: asRoot }, async () => {
  const bound = folder();
  const places = ['--bind', `${bound}:/host`, '--tmpfs', '/memory'];
  const options = ['--pid', '--cap-keep', 'mknod', ...newRoot(root), ...places];
  for (const place of ['/tmp', '/host', '/memory', '/dev/shm'])
    assert.equal(await tried(options, ['device', `${place}/made`, ...zero], root), 'held: EACCES', place);
  assert.equal(
    await tried([...options, '--ephemeral'], ['device', '/tmp/other', ...zero], root),
    'held: EACCES',
  );
  assert.equal(
    await tried([...options, '--chroot'], ['device', '/tmp/third', ...zero], root),
    'held: EACCES',
  );
  // What was made can be opened from the host: the mounts stood in the way, not the node.
  const outside = spawnSync(probe[0] as string, [probe[1] as string, 'found-device', join(bound, 'made')]);
  assert.equal(String(outside.stdout).trim(), 'got out');
  assert.equal(await tried(options, ['device', '/dev/made', ...zero], root), 'got out');
});

for (const user of users) {
  test(`${user.name} cannot open a device node that the root file system brings`, {
    skip: user.skip || asRoot,
  }, async () => {
    const base = user.uid === 0 ? ['--pid'] : ['--uid', '--pid'];
    const options = [...base, ...rootWithDevice(user)];
    const attempt = ['found-device', '/tmp/zero'];
    assert.equal(await tried(options, attempt, user), 'held: EACCES');
    assert.equal(await tried([...options, '--ephemeral'], attempt, user), 'held: EACCES');
    assert.equal(await tried([...options, '--chroot'], attempt, user), 'held: EACCES');
    // The same node on the host, and a device that was asked for by name.
    assert.equal(
      await tried(
        base,
        ['found-device', join(options.at(options.indexOf('--mnt') + 1) as string, 'tmp/zero')],
        user,
      ),
      'got out',
    );
    const asked = [...base, ...newRoot(user), '--bind', '/dev/zero:/host/zero'];
    assert.equal(await tried(asked, ['found-device', '/host/zero'], user), 'got out');
  });
}

test('root cannot read or write a block device of the host', {
  skip: asRoot || lacking('losetup'),
}, async (context) => {
  const file = join(folder(), 'disk');
  writeFileSync(file, word.padEnd(64 * 1024, '.'));
  const made = spawnSync('losetup', ['--find', '--show', file], { encoding: 'utf8' });
  if (made.status !== 0) return context.skip(`no loop device: ${made.stderr.trim()}`);
  const device = made.stdout.trim();
  context.after(() => spawnSync('losetup', ['--detach', device]));
  const [major, minor] = readFileSync(`/sys/block/${device.replace('/dev/', '')}/dev`, 'utf8')
    .split(':')
    .map(Number);
  const number = String((major as number) * 256 + (minor as number));
  const options = ['--pid', ...newRoot(root)];
  assert.equal(await tried(options, ['device', '/tmp/disk', 'b', number], root), 'held: EPERM');
  assert.equal(
    await tried([...options, '--cap-keep', 'mknod'], ['device', '/tmp/disk', 'b', number], root),
    'held: EACCES',
  );
  const node = join(folder(), 'disk');
  assert.equal(await tried(['--pid', '--cap-keep', 'all'], ['device', node, 'b', number], root), 'got out');
  assert.ok(existsSync(node));
  rmSync(node);
});
