/**
 * An end that nothing inside can switch off. The child passes signals on, and root inside can stop it (SIGSTOP, ptrace(2))
 * or take its messages away; then the launcher ends the container from the host.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  endWithTest,
  finished,
  folder,
  lacking,
  node,
  program,
  run,
  start,
  type User,
  untilRuns,
  users,
} from '../../gontainer.js';
import { isPending } from '../../processes.js';
import { isAlive, processesOf } from '../../remains.js';
import { patience, slowness, until } from '../../until.js';
import { withChannel } from '../../whole/isolation/attempts.js';

/** Nobody else on the machine has this ID, so whatever it owns is ours. */
const loner: User = { name: 'a user of its own', uid: 54_327, gid: 54_327 };
const asRoot = process.getuid?.() === 0 ? false : 'needs root, to be a user that nobody else is';
/** Where an end can be switched off, a test would wait for ever. */
const limits = { skip: asRoot, timeout: 5 * patience };

/** Seconds until the command has begun what its end has to hold against: 5, and more on a machine that is emulated. */
const longEnough = String(5 * slowness);

/** Without a PID namespace the child is seen, and can be stopped by whoever is its user. */
const stopsChild = 'kill -STOP $PPID; echo ready; exec sleep 1000';
/** With one, PID 1 hears no SIGSTOP from inside. But root inside takes its end of the channel, and reads what is meant for it. */
const drainsChannel =
  'for reader in 1 2 3 4 5 6 7 8; do cat <&9 >/dev/null & done; echo ready; exec sleep 1000';

const attacks = [
  { name: 'the child is stopped', options: ['--uid', '--uts'], script: stopsChild },
  { name: 'the child’s messages are taken away', options: ['--uid', '--pid'], script: drainsChannel },
] as const;

const shell = (script: string): string[] =>
  script.includes('<&9') ? withChannel([], script) : ['sh', '-c', script];

async function attacked(
  options: readonly string[],
  script: string,
  env: Record<string, string> = {},
): Promise<{ launcher: ChildProcess; end: ReturnType<typeof finished> }> {
  const launcher = start(['run', '--quiet', ...options, '--', ...shell(script)], { user: loner, env });
  const end = finished(launcher);
  await Promise.race([once(launcher.stdout as NodeJS.ReadableStream, 'data'), end]);
  return { launcher, end };
}

async function nothingLeft(): Promise<void> {
  await until(
    () => `still alive: ${processesOf(loner.uid).join('; ')}`,
    () => processesOf(loner.uid).length === 0,
  );
}

for (const { name, options, script } of attacks) {
  test(`--timeout ends the container although ${name}`, limits, async () => {
    const { end } = await attacked([...options, '--timeout', longEnough], `trap "" TERM; ${script}`);
    assert.equal((await end).status, 137);
    await nothingLeft();
  });

  test(`SIGTERM ends the container although ${name}`, limits, async () => {
    const { launcher, end } = await attacked(options, script);
    launcher.kill('SIGTERM');
    const { status, stderr } = await end;
    // The child may have got the message before whoever takes them away: then the command ends by it.
    if (status !== 143 || script === stopsChild) {
      assert.equal(status, 137, stderr);
      assert.match(stderr, /SIGTERM could not be passed on: the child (is stopped|does not answer)/);
    }
    await nothingLeft();
  });

  test(`a killed launcher leaves nothing although ${name}`, limits, async () => {
    const { launcher, end } = await attacked(options, script);
    launcher.kill('SIGKILL');
    await end;
    await nothingLeft();
  });

  test(`kill NAME KILL ends the container although ${name}`, limits, async () => {
    const env = { XDG_RUNTIME_DIR: folder(loner) };
    const named = [...options, '--name', 'box'];
    const { launcher, end } = await attacked(named, `echo up; read _; ${script}`, env);
    await untilRuns(env.XDG_RUNTIME_DIR, 'box');
    const ready = once(launcher.stdout as NodeJS.ReadableStream, 'data');
    launcher.stdin?.end('\n');
    await ready;
    const killed = await run(['kill', 'box', 'KILL'], { user: loner, env });
    assert.equal(killed.status, 0, killed.stderr);
    assert.equal((await end).status, 137);
    await nothingLeft();
  });
}

test('without a guard a container outlives whoever started it and is killed', {
  ...limits,
  skip: limits.skip || lacking('unshare'),
}, async () => {
  const words = ['--user', '--map-root-user', '--pid', '--fork', 'sh', '-c', 'echo ready; exec sleep 1000'];
  const launcher = spawn('unshare', words, {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    uid: loner.uid,
    gid: loner.gid,
  });
  const gone = once(launcher, 'exit');
  await once(launcher.stdout, 'data');
  launcher.kill('SIGKILL');
  await gone;
  const left = processesOf(loner.uid);
  assert.equal(left.length, 1, 'sleep is still there');
  process.kill(Number.parseInt(left[0] as string, 10), 'SIGKILL');
  await nothingLeft();
});

/** Milliseconds from the first SIGTERM until a container with a stopped child has ended. */
async function timeToEnd(signals: 1 | 2): Promise<number> {
  const { launcher, end } = await attacked(['--uid', '--uts'], stopsChild);
  const sent = performance.now();
  launcher.kill('SIGTERM');
  if (signals === 2) {
    // Of two that come together the second would be lost: signal(7).
    await until('the first is not taken', () => !isPending(launcher.pid as number));
    launcher.kill('SIGTERM');
  }
  assert.equal((await end).status, 137);
  const took = performance.now() - sent;
  await nothingLeft();
  return took;
}

test('a second SIGTERM ends a container with a stopped child at once', limits, async () => {
  // The first alone has the grace time, on top of what an end takes on this machine.
  const grace = 2_000;
  let saved = 0;
  for (let attempt = 0; attempt < 10 && saved < grace / 2; attempt += 1)
    saved = (await timeToEnd(1)) - (await timeToEnd(2));
  assert.ok(saved >= grace / 2, `${saved} ms`);
});

for (const { options, script } of [
  { options: ['--uid', '--uts', '--pty'], script: stopsChild },
  { options: ['--uid', '--pid', '--pty'], script: `trap "" TERM; ${drainsChannel}` },
  {
    options: ['--uid', '--pid', '--as-pid-1'],
    script: 'trap "" TERM; echo ready; while :; do sleep 1000; done',
  },
])
  test(`--timeout ends what does not want to end, with ${options.join(' ')}`, limits, async () => {
    const { end } = await attacked([...options, '--timeout', longEnough], script);
    assert.equal((await end).status, 137);
    await nothingLeft();
  });

test('a detached container with a stopped child ends by its --timeout', limits, async () => {
  const env = { XDG_RUNTIME_DIR: folder(loner) };
  const words = ['run', '--detach', '--name', 'box', '--uid', '--uts', '--timeout', '3'];
  const script = `until [ -e "$0" ]; do sleep 0.1; done; ${stopsChild}`;
  const go = join(env.XDG_RUNTIME_DIR, 'go');
  const { status, stderr } = await run([...words, '--', 'sh', '-c', script, go], { user: loner, env });
  assert.equal(status, 0, stderr);
  writeFileSync(go, '');
  await nothingLeft();
});

for (const user of users)
  test(`${user.name}: a command that handles SIGTERM slowly is not ended from the host`, {
    skip: user.skip,
  }, async () => {
    const script = 'trap "sleep 4; echo in order; exit 3" TERM; echo ready; while :; do sleep 0.1; done';
    const launcher = start(['run', '--quiet', '--uid', '--pid', '--', 'sh', '-c', script], { user });
    const end = finished(launcher);
    await once(launcher.stdout as NodeJS.ReadableStream, 'data');
    launcher.kill('SIGTERM');
    const { status, stdout } = await end;
    assert.deepEqual([status, stdout], [3, 'ready\nin order\n']);
  });

test('--die-with-parent ends a container with a stopped child', limits, async () => {
  const script = `exec "$0" "$1" run --quiet --uid --uts --die-with-parent -- sh -c '${stopsChild}'`;
  // A shell that waits is the parent; the container's launcher is its child.
  const shell = endWithTest(
    spawn('sh', ['-c', `(${script}) & echo $!; wait`, node, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: '/',
      uid: loner.uid,
      gid: loner.gid,
    }),
  );
  let said = '';
  for await (const text of shell.stdout) {
    said += text;
    if (said.includes('ready')) break;
  }
  assert.ok(isAlive(Number.parseInt(said, 10)));
  shell.kill('SIGKILL');
  await nothingLeft();
});
