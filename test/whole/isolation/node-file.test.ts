/** The file of node, which the child runs from the host. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, chmodSync, closeSync, constants, copyFileSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { endWithTest, folder, node, program, root, run, users } from '../../gontainer.js';
import { asRoot, newRoot, tried } from './attempts.js';

for (const user of users) {
  const { skip } = user;
  const base = user.uid === 0 ? [] : ['--uid'];

  test(`${user.name} cannot open the libraries that the child maps`, { skip }, async () => {
    const options = [...base, ...newRoot(user), '--pid'];
    assert.match(await tried(options, ['libraries', '1'], user), /^held: (EPERM|EACCES)$/);
    if (user.uid === 0)
      assert.equal(await tried([...options, '--cap-keep', 'all'], ['libraries', '1'], user), 'got out');
  });
}

/** By access(2), which says EROFS to root as well. */
const nodeIsReadOnly = ((): boolean => {
  try {
    accessSync(node, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
})();

test('root cannot write the file of node through the exe link of the child', {
  skip: asRoot || (nodeIsReadOnly && 'the file of node is on a file system that is read-only'),
}, async () => {
  // Where it is left out there is no new root, and the file can be reached by its name as well.
  const write = ['write', '/proc/1/exe'];
  const all = ['--pid', '--cap-keep', 'all'];
  assert.equal(await tried([...all, ...newRoot(root)], write, root), 'held: EROFS');
  assert.equal(await tried(all, write, root), 'got out');
  // With the capabilities that root keeps otherwise, the link cannot be followed at all.
  assert.equal(await tried(['--pid', ...newRoot(root)], write, root), 'held: EACCES');
});

for (const user of users) {
  test(`${user.name} cannot overwrite the file of node when nobody runs it any more`, {
    skip: user.skip,
  }, async () => {
    /** A node of the user's own, as nvm(1) installs it; the handle is what somebody inside would keep. */
    const overwritten = async (options: readonly string[]): Promise<string> => {
      const own = join(folder(user), 'node');
      copyFileSync(node, own);
      chmodSync(own, 0o755);
      if (!asRoot) spawnSync('chown', [`${user.uid}:${user.gid}`, own]);
      const child = endWithTest(
        spawn(
          own,
          [program, 'run', '--quiet', '--status-fd', '3', ...options, '--', '/bin/sh', '-c', 'read wait'],
          {
            cwd: '/',
            env: { PATH: process.env.PATH },
            stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
            ...(asRoot ? {} : { uid: user.uid, gid: user.gid }),
          },
        ),
      );
      const { pid } = await new Promise<{ pid: number }>((told) =>
        child.stdio[3]?.once('data', (line) => told(JSON.parse(String(line)))),
      );
      const handle = openSync(`/proc/${pid}/exe`, constants.O_RDONLY);
      const ended = new Promise((done) => child.on('exit', done));
      child.stdin?.end('\n');
      await ended;
      try {
        closeSync(openSync(`/proc/self/fd/${handle}`, constants.O_WRONLY));
        return 'overwritten';
      } catch (error) {
        return String((error as NodeJS.ErrnoException).code);
      } finally {
        closeSync(handle);
      }
    };
    const base = user.uid === 0 ? ['--pid'] : ['--uid', '--pid'];
    assert.equal(await overwritten([...base, ...newRoot(user)]), 'EROFS');
    assert.equal(await overwritten(base), 'overwritten');
  });
}

for (const user of users) {
  test(`${user.name} finds the mount of the file of node in no mount table`, {
    skip: user.skip,
  }, async () => {
    const script = `cat /proc/self/mountinfo; echo; cat /proc/1/maps`;
    // Where it still lay on the file, the recursive mount of its folder would bring it along.
    const options = ['--uid', '--pid', '--chroot', ...newRoot(user), '--bind', `${dirname(node)}:/host`];
    const { stdout, stderr } = await run(['run', '--quiet', ...options, '--', 'sh', '-c', script], { user });
    const [mounts = '', maps = ''] = stdout.split('\n\n');
    const places = mounts.split('\n').map((line) => line.split(' ')[4]);
    assert.ok(
      places.some((place) => place?.endsWith('/host')),
      stderr,
    );
    assert.deepEqual(
      places.filter((place) => place === node || place?.endsWith('/host/node')),
      [],
    );
    // V8 found the file all the same: its built-in functions, over a mebibyte, are mapped and not copied.
    const copied = maps.split('\n').filter((line) => {
      const [, from, to] = /^(\w+)-(\w+) r-xp \S+ 00:00 0 *$/.exec(line) ?? [];
      return Number(`0x${to}`) - Number(`0x${from}`) > 1024 * 1024;
    });
    assert.match(maps, /r-xp/);
    assert.deepEqual(copied, []);
  });
}
