/** Exit statuses and signals. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:os';
import { test } from 'node:test';
import { finished, run, start, unprivileged, users } from '../../gontainer.js';

const quiet = ['run', '--quiet', '--uid'];

for (const user of users) {
  test(`${user.name}: the command’s exit status is gontainer’s`, { skip: user.skip }, async () => {
    for (const status of [0, 1, 42, 255]) {
      assert.equal(
        (await run([...quiet, '--pid', '--', 'sh', '-c', `exit ${status}`], { user })).status,
        status,
      );
    }
  });

  test(`${user.name}: the exit status is 128+N when signal N killed the command`, {
    skip: user.skip,
  }, async () => {
    for (const [name, number] of [
      ['KILL', 9],
      ['TERM', 15],
      ['SEGV', 11],
      ['RTMIN', 34],
    ] as const) {
      assert.equal(
        (await run([...quiet, '--', 'sh', '-c', `kill -${name} $$`], { user })).status,
        128 + number,
        name,
      );
    }
  });
}

for (const options of [['--uid'], ['--uid', '--pid']]) {
  for (const signal of [
    ...(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM'] as const),
    ...(['SIGPWR', 'SIGIO', 'SIGXCPU', 'SIGSYS', 'SIGSTKFLT', 'SIGWINCH', 'SIGURG', 'SIGCONT'] as const),
  ]) {
    test(`${signal} sent to the parent reaches the command (${options.join(' ')})`, async () => {
      const script = `trap 'echo got ${signal}; exit 5' ${constants.signals[signal]}; echo ready; while :; do sleep 0.1; done`;
      const child = start(['run', '--quiet', ...options, '--', 'sh', '-c', script], { user: unprivileged });
      const end = finished(child);
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      child.kill(signal);
      const { status, stdout } = await end;
      assert.equal(stdout, `ready\ngot ${signal}\n`);
      assert.equal(status, 5);
    });
  }
}

test('a signal before the command is started gives the launch up', async () => {
  const child = start([...quiet, '--log-level', 'info', '--', 'sleep', '1000'], { user: unprivileged });
  const end = finished(child);
  // The first step is logged long before the command can have been started.
  child.kill('SIGSTOP');
  child.kill('SIGTERM');
  child.kill('SIGCONT');
  const { status, signal } = await end;
  // Before node itself has started up, the signal ends it as it would end any program.
  assert.ok(status === 143 || signal === 'SIGTERM', `${status} ${signal}`);
});

test('a command that handles no signal starts with none ignored and none blocked', async () => {
  const { stdout } = await run([...quiet, '--', 'grep', '-E', 'Sig(Blk|Ign)', '/proc/self/status'], {
    user: unprivileged,
  });
  assert.deepEqual(stdout.match(/[0-9a-f]{16}/g), ['0000000000000000', '0000000000000000']);
});

test('standard output that nobody reads ends the command as it would without gontainer', async () => {
  const { stdout } = await run(
    ['run', '--quiet', '--uid', '--', 'sh', '-c', '(yes; echo $? >&2) | head -n 1'],
    {
      user: unprivileged,
    },
  );
  assert.equal(stdout, 'y\n');
});
