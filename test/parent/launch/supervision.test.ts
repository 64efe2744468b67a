/** --timeout, --pid-file, --status-fd, and what set-user-ID programs may do. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endWithTest, finished, folder, lacking, node, program, run, start, users } from '../../gontainer.js';

/** Runs gontainer with a pipe at descriptor 3. */
function withStatus(words: readonly string[], uid: number): ChildProcess {
  const all = [program, 'run', '--quiet', '--uid', '--pid', '--status-fd', '3', ...words];
  const child = spawn(node, all, {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 ? { uid, gid: uid } : {}),
  });
  return endWithTest(child);
}

async function text(stream: unknown): Promise<string> {
  let all = '';
  for await (const part of stream as AsyncIterable<Buffer>) all += part;
  return all;
}

for (const user of users) {
  const base = ['run', '--quiet', '--uid', '--pid'];

  test(`${user.name}: --timeout ends the command with SIGTERM`, { skip: user.skip }, async () => {
    const { status } = await run([...base, '--timeout', '1', '--', 'sleep', '1000'], { user });
    assert.equal(status, 143);
  });

  test(`${user.name}: --timeout sends what --stop-signal says`, { skip: user.skip }, async () => {
    const words = ['--timeout', '1', '--stop-signal', 'SIGRTMIN+3', '--', 'sleep', '1000'];
    const { status, stderr } = await run([...base, ...words], { user });
    assert.equal(status, 128 + 37, stderr);
  });

  test(`${user.name}: --timeout ends with SIGKILL what does not listen`, { skip: user.skip }, async () => {
    const script = 'trap "" TERM; while :; do sleep 1; done';
    const { status } = await run([...base, '--timeout', '1', '--', 'sh', '-c', script], { user });
    assert.equal(status, 137);
  });

  test(`${user.name}: --timeout leaves alone what ends before`, { skip: user.skip }, async () => {
    const { status, stdout } = await run([...base, '--timeout', '1000', '--', 'echo', 'done'], { user });
    assert.deepEqual([status, stdout], [0, 'done\n']);
  });

  test(`${user.name}: --pid-file names the container's first process`, { skip: user.skip }, async () => {
    const file = join(folder(user), 'pid');
    const container = start([...base, '--pid-file', file, '--', 'sh', '-c', 'echo; read _; exit 3'], {
      user,
    });
    const end = finished(container);
    await new Promise((ready) => container.stdout?.once('data', ready));
    const pid = readFileSync(file, 'utf8').trim();
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^NSpid:\\s+${pid}\\s+1$`, 'm'));
    container.stdin?.end('\n');
    assert.equal((await end).status, 3);
    assert.equal(existsSync(file), false);
  });

  test(`${user.name}: --status-fd tells who the container is and how it ended`, {
    skip: user.skip,
  }, async () => {
    const container = withStatus(['--', 'sh', '-c', 'readlink /proc/self/ns/user; exit 5'], user.uid);
    const [shown, status] = await Promise.all([text(container.stdout), text(container.stdio[3])]);
    const [started, exited] = status
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(started.state, 'started');
    assert.equal(started.namespaces.user, shown.trim());
    assert.notEqual(started.namespaces.pid, readlinkSync('/proc/self/ns/pid'));
    assert.deepEqual(exited, { state: 'exited', status: 5 });
  });

  test(`${user.name}: the status descriptor does not reach the command`, { skip: user.skip }, async () => {
    const container = withStatus(['--', 'sh', '-c', 'echo escaped >&3'], user.uid);
    const [status] = await Promise.all([text(container.stdio[3]), text(container.stdout)]);
    assert.doesNotMatch(status, /escaped/);
  });

  test(`${user.name}: the command gains no privileges by execve, unless --allow-new-privs`, {
    skip: user.skip,
  }, async () => {
    const show = ['--', 'grep', 'NoNewPrivs', '/proc/self/status'];
    assert.match((await run([...base, ...show], { user })).stdout, /\t1$/m);
    assert.match((await run([...base, '--allow-new-privs', ...show], { user })).stdout, /\t0$/m);
  });

  test(`${user.name}: a value that cannot be carried out is refused with one sentence`, {
    skip: user.skip,
  }, async () => {
    for (const [option, value, sentence] of [
      ['--timeout', '0', /--timeout is more than 0 and at most \d+ seconds, not 0/],
      ['--status-fd', '77', /-status-fd=77 is not an open file descriptor/],
    ] as const) {
      const { status, stderr } = await run([...base, option, value, '--', 'true'], { user });
      assert.equal(status, 2);
      assert.match(stderr, sentence);
    }
    const { status, stderr } = await run([...base, '--pid-file', '/nowhere/pid', '--', 'echo', 'ran'], {
      user,
    });
    assert.equal(status, 125);
    assert.match(
      stderr,
      /-pid-file=\/nowhere\/pid cannot be written: no such file or directory \(ENOENT\)\. Choose/,
    );
  });

  test(`${user.name}: what the pid file's name leads to is removed only if it is a file of its own`, {
    skip: user.skip,
  }, async () => {
    const place = folder(user);
    const [kept, link] = [join(place, 'kept'), join(place, 'link')];
    writeFileSync(kept, '', { mode: 0o666 });
    chmodSync(kept, 0o666);
    symlinkSync(kept, link);
    const { status, stderr } = await run([...base, '--pid-file', link, '--', 'true'], { user });
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(place).sort(), ['kept', 'link']);
  });
}

test('root: a device that cannot take a process ID is named, and stays', {
  skip: (process.getuid?.() !== 0 && 'needs root') || lacking('mknod'),
}, async () => {
  const device = join(folder(), 'full');
  assert.equal(spawnSync('mknod', [device, 'c', '1', '7']).status, 0);
  const { status, stderr } = await run(['run', '--quiet', '--uid', '--pid-file', device, '--', 'true']);
  assert.match(
    stderr,
    /^gontainer: --pid-file=.*full cannot be written: no space left on device \(ENOSPC\)\./m,
  );
  assert.equal(status, 125);
  assert.ok(lstatSync(device).isCharacterDevice());
});
