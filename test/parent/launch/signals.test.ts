/** Exit statuses and signals. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { finished, folder, lacking, run, start, unprivileged, users } from '../../gontainer.js';
import { until } from '../../until.js';

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

// Those of glibc: signal(7). SIGPROF is V8's own while it takes a profile, and coverage is one.
const numbered = [
  ...Array.from({ length: 31 }, (_, index) => 34 + index),
  ...(process.env.NODE_V8_COVERAGE ? [] : [constants.signals.SIGPROF]),
];

for (const options of [['--uid'], ['--uid', '--pid'], ['--uid', '--pid', '--as-pid-1']]) {
  test(`real-time signals and SIGPROF sent to the parent reach the command (${options.join(' ')})`, {
    skip: lacking('bash'),
  }, async () => {
    const script = `for n in ${numbered.join(' ')}; do trap "echo $n" $n; done; echo ready
      until read -t 0.1 _; do :; done; exit 5`;
    const child = start(['run', '--quiet', ...options, '--', 'bash', '-c', script], { user: unprivileged });
    const end = finished(child);
    const lines = createInterface(child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, 'ready');
    for (const number of numbered) {
      process.kill(child.pid as number, number);
      assert.equal((await lines.next()).value, String(number));
    }
    child.stdin?.end('\n');
    assert.equal((await end).status, 5);
  });
}

test('a real-time signal that the caller ignores is not passed on, and ends nothing', async () => {
  const script = `trap '' 40; exec "$@"`;
  const command = ['sh', '-c', 'echo ready; read _; echo lives'];
  const under = ['sh', '-c', script, 'sh'];
  const child = start(['run', '--quiet', '--uid', '--', ...command], { user: unprivileged, under });
  const end = finished(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  process.kill(child.pid as number, 40);
  child.stdin?.end('\n');
  assert.deepEqual(await end, { status: 0, signal: null, stdout: 'ready\nlives\n', stderr: '' });
});

// Nobody can catch the first, and the others mean a fault of the process itself.
for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGABRT'] as const) {
  for (const pid of [['--pid'], []]) {
    const words = ['--uid', ...pid];
    test(`a launcher that ${signal} kills leaves no mount point and no entry (${words.join(' ')})`, {
      skip: lacking('busybox'),
    }, async () => {
      const place = folder(unprivileged);
      const [root, env] = [join(place, 'root'), { XDG_RUNTIME_DIR: place }];
      mkdirSync(join(root, 'bin'), { recursive: true });
      copyFileSync(
        spawnSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).stdout.trim(),
        join(root, 'bin/sh'),
      );
      if (process.getuid?.() === 0) spawnSync('chown', ['-R', `${unprivileged.uid}`, place]);
      const child = start(
        [
          ...['run', '--quiet', ...words, '--mnt', root, '--bind', '/usr:/made/here'],
          ...['--', '/bin/sh', '-c', 'echo ready; read _'],
        ],
        { user: unprivileged, env },
      );
      const end = finished(child);
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      assert.ok(existsSync(join(root, 'made/here')));
      child.kill(signal);
      await end;
      const left = (): string[] => [
        ...readdirSync(root),
        ...readdirSync(join(place, 'gontainer')).filter((name) => name.endsWith('.ndjson')),
      ];
      await until(
        () => `left: ${left()}`,
        () => left().join() === 'bin',
      );
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
