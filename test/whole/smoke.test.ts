/** The main job in a few launches: run with each version of Node by scripts/test-nodes.ts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { finished, folder, node, records, rootfs, run, start, users } from '../gontainer.js';

const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();

for (const user of users) {
  test(`${version}, ${user.name}: all eight namespaces are new, in a root of its own`, {
    skip: user.skip,
  }, async () => {
    const path = await rootfs(user);
    const file = join(folder(user), 'log');
    const words = ['-run', '--quiet', '--all', `-mnt=${path}`, '-hostname', 'box', '--log-file', file];
    const script = 'id -u; cat /proc/sys/kernel/hostname; echo /proc/[0-9]* | cut -c1-7; exit 3';
    const { status, stdout, stderr } = await run([...words, '--', 'sh', '-c', script], { user });
    assert.equal(stdout, '0\nbox\n/proc/1\n', stderr);
    assert.equal(status, 3);
    const calls = records(file).filter(({ call }) => call !== undefined);
    assert.ok(calls.some(({ call, errno }) => call === 'unshare' && errno === undefined));
    assert.ok(calls.some(({ call, actor }) => call === 'execve' && actor === 'command'));
  });

  test(`${version}, ${user.name}: a failure is one sentence`, { skip: user.skip }, async () => {
    const { status, stderr } = await run(['run', '--quiet', '--uid', '--', 'no-such-command'], { user });
    assert.match(stderr, /^gontainer: no-such-command: there is no such command in PATH\. .*\n$/);
    assert.equal(status, 127);
  });

  test(`${version}, ${user.name}: signals reach the command`, { skip: user.skip }, async () => {
    const script = 'trap "echo caught; exit 5" TERM; echo ready; while :; do sleep 0.1; done';
    const child = start(['run', '--quiet', '--uid', '--pid', '--', 'sh', '-c', script], { user });
    const end = finished(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGTERM');
    const { status, stdout } = await end;
    assert.equal(stdout, 'ready\ncaught\n');
    assert.equal(status, 5);
  });
}

test(`${version}: help and version are printed`, async () => {
  assert.match((await run(['-h'])).stdout, /--uid\s+new user namespace[\s\S]*user_namespaces\(7\)/);
  assert.match((await run(['-v'])).stdout, /^gontainer \d+\.\d+\.\d+\n$/);
});

test(`${version}: the log on standard error is readable on demand`, async () => {
  const { stderr } = await run(['run', '--log-format', 'pretty', '--uid', '--uts', '--', 'true']);
  assert.match(stderr, /\[Gontainer config\]\n• mnt: ""\n• uid: enabled\n• uts: enabled\n• ipc: disabled/);
  assert.match(stderr, /^✓ {2}1 {2}leave two namespaces +new: user uts$/m);
});
