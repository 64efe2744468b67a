/** The channel between launcher and child: nobody inside opens it, and what is taken out of the child leads no further. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { finished, folder, start, unprivileged, users } from '../../gontainer.js';
import { patience } from '../../until.js';
import { tried } from './attempts.js';

/** The pipes that a process holds, but for its standard streams. */
const pipesOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`)
    .filter((name) => Number(name) > 2)
    .map((name) => readlinkSync(`/proc/${pid}/fd/${name}`))
    .filter((file) => file.startsWith('pipe:'));

for (const user of users)
  test(`${user.name}: root inside opens no way to the launcher by a name below /proc/1/fd`, {
    skip: user.skip,
    timeout: patience,
  }, async () => {
    const file = join(folder(user), 'pid');
    // Each is tried in both directions; standard streams are the caller's.
    const script =
      'cd /proc/1/fd; for fd in *; do [ $fd -lt 3 ] && continue; ' +
      '(: <$fd) 2>/dev/null && echo "opened $(readlink $fd)"; (: >$fd) 2>/dev/null && echo "opened $(readlink $fd)"; ' +
      'done; echo done; read _';
    const launcher = start(
      ['run', '--quiet', '--uid', '--pid', '--pid-file', file, '--', 'sh', '-c', script],
      { user },
    );
    const end = finished(launcher);
    let said = '';
    while (!said.includes('done\n'))
      said += (await once(launcher.stdout as NodeJS.ReadableStream, 'data'))[0];
    const launchers = pipesOf(launcher.pid as number);
    const shared = pipesOf(Number(readFileSync(file, 'utf8'))).filter((pipe) => launchers.includes(pipe));
    assert.deepEqual(shared, []);
    // So the test sees what can be opened: Node wakes its own threads through pipes.
    assert.match(said, /^opened pipe:/m);
    assert.doesNotMatch(said, /^opened socket:/m);
    launcher.stdin?.end('\n');
    assert.equal((await end).status, 0);
  });

test('the channel is taken out of the child only by who may trace it', async () => {
  const attempt = ['descriptor_of', '1', '3'];
  const options = ['--uid', '--pid'];
  assert.equal(await tried([...options, '--cap-drop', 'sys_ptrace'], attempt, unprivileged), 'held: EPERM');
  assert.equal(await tried(options, attempt, unprivileged), 'got out');
});

test('the channel does not lead to the launcher itself', async () => {
  const attempt = ['peer_of', '1', '3'];
  const held = await tried(['--uid', '--pid'], attempt, unprivileged);
  // ENOPROTOOPT: before Linux 6.5 there is no SO_PEERPIDFD.
  assert.match(held, /^held: (EINVAL|ENOPROTOOPT)$/);
  if (held !== 'held: EINVAL') return;
  // In the same PID namespace the launcher can be signalled, as what it is: a process of the same user.
  assert.equal(await tried(['--uid', '--uts'], ['peer_of', 'parent', '3'], unprivileged), 'got out');
});
