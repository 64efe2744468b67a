/** A root file system of one's own: -mnt, by pivot_root and by chroot. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { finished, folder, records, rootfs, run, start, users } from '../../gontainer.js';

for (const user of users) {
  const base = user.uid === 0 ? [] : ['--uid'];
  const settings = { user };

  test(`${user.name}: the command has a root of its own, and the host’s is gone`, {
    skip: user.skip,
  }, async () => {
    const path = await rootfs(user);
    const script = 'ls -d /*; pwd; cut -d" " -f5 /proc/self/mountinfo';
    const { stdout, stderr, status } = await run(
      ['run', '--quiet', ...base, '--mnt', path, '--', 'sh', '-c', script],
      settings,
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^\/bin$/m);
    assert.equal(existsSync(join(path, 'work')), false);
    assert.doesNotMatch(stdout, new RegExp(path));
    assert.deepEqual(
      stdout.split('\n').filter((line) => line === '/').length,
      2,
      'the working directory and one mount',
    );
  });

  test(`${user.name}: no mount of a launch is on the host, during it or afterwards`, {
    skip: user.skip,
  }, async () => {
    const path = await rootfs(user);
    const before = readFileSync('/proc/self/mountinfo', 'utf8');
    const child = start(
      ['run', '--quiet', ...base, '--pid', '--mnt', path, '--', 'sh', '-c', 'echo ready; read end'],
      settings,
    );
    const end = finished(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8'), before);
    child.stdin?.end('\n');
    await end;
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8'), before);
  });

  test(`${user.name}: a second run in the same root does not disturb the first`, {
    skip: user.skip,
  }, async () => {
    const path = await rootfs(user);
    const words = ['run', '--quiet', ...base, '--all', '--mnt', path];
    const script = 'echo ready; read go; ls /proc/1/cmdline; echo "$(cat /proc/sys/kernel/hostname)"; exit 4';
    const first = start([...words, '--hostname', 'first', '--', 'sh', '-c', script], settings);
    const end = finished(first);
    await once(first.stdout as NodeJS.ReadableStream, 'data');
    const second = await run(
      [...words, '--hostname', 'second', '--', 'sh', '-c', 'cat /proc/sys/kernel/hostname'],
      settings,
    );
    assert.equal(second.stdout, 'second\n', second.stderr);
    first.stdin?.end('\n');
    const { stdout, status } = await end;
    assert.equal(stdout, 'ready\n/proc/1/cmdline\nfirst\n');
    assert.equal(status, 4);
  });

  test(`${user.name}: the path of a new root may be a symbolic link and hold blanks`, {
    skip: user.skip,
  }, async () => {
    const path = await rootfs(user);
    const link = join(folder(user), 'a link');
    symlinkSync(path, link);
    const { stdout, stderr } = await run(
      ['run', '--quiet', ...base, '--mnt', link, '--pid', '--', 'echo', 'inside'],
      settings,
    );
    assert.equal(stdout, 'inside\n', stderr);
  });

  test(`${user.name}: a root without a folder proc gets one`, { skip: user.skip }, async () => {
    const path = await rootfs(user);
    rmdirSync(join(path, 'proc'));
    const { stdout, stderr } = await run(
      ['run', '--quiet', ...base, '--mnt', path, '--pid', '--', 'sh', '-c', 'echo /proc/[0-9]*'],
      settings,
    );
    assert.match(stdout, /^\/proc\/1 /, stderr);
    mkdirSync(join(path, 'proc'), { recursive: true });
  });

  test(`${user.name}: --chroot changes the root and leaves the old one mounted`, {
    skip: user.skip,
  }, async () => {
    const path = await rootfs(user);
    const file = join(folder(user), 'log');
    const words = ['run', '--quiet', '--log-file', file, ...base, '--mnt', path, '--chroot', '--', 'ls', '/'];
    const { stdout, stderr } = await run(words, settings);
    assert.match(stdout, /^bin$/m, stderr);
    const steps = records(file).flatMap(({ step, why }) => (why === undefined ? [] : [step]));
    assert.ok(
      steps.includes('chroot') && !steps.includes('pivot-root') && !steps.includes('detach-old-root'),
    );
  });

  test(`${user.name}: the environment in a new root is the documented one`, { skip: user.skip }, async () => {
    const path = await rootfs(user);
    const { stdout } = await run(
      ['run', '--quiet', ...base, '--mnt', path, '--env', 'ADDED=1', '--', 'env'],
      {
        user,
        env: { SECRET: 'outside' },
      },
    );
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    assert.deepEqual(names.filter(Boolean).sort(), ['ADDED', 'HOME', 'PATH', 'PS1', 'TERM']);
  });
}
