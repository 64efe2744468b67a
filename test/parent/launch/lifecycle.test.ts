/** What lives and dies with what: the parent, the child, the command, and everything the command started. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { hierarchies } from '../../../src/common/cgroup/hierarchies.js';
import { finished, start, type User, users } from '../../gontainer.js';
import { processesOf } from '../../remains.js';
import { until } from '../../until.js';

/** The processes whose command line holds a word that only this test uses. */
const alive = (mark: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(mark);
      } catch {
        return false;
      }
    })
    .map(Number);

const gone = (mark: string): Promise<true> =>
  until(
    () => `still alive: ${alive(mark)}`,
    () => alive(mark).length === 0,
  );

/** A shell with an orphan that left its session, ready when it says so. */
const script = (mark: string, rest: string) =>
  `(setsid sleep ${mark} & ) ; sleep ${mark} & echo ready; ${rest}`;

let number = 1000;

async function running(options: readonly string[], user: User, rest: string) {
  number += 1;
  const mark = `77${process.pid}${number}`;
  const container = start(['run', '--quiet', ...options, '--', '/bin/sh', '-c', script(mark, rest)], {
    user,
  });
  const end = finished(container);
  await new Promise((ready) => container.stdout?.once('data', ready));
  assert.ok(alive(mark).length >= 3, 'the shell and what it started are there');
  return { container, end, mark };
}

const childOf = (parent: number): number =>
  Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')[0]);

for (const user of users) {
  for (const options of [
    ['--uid', '--pid'],
    ['--uid', '--uts'],
  ]) {
    const kind = `${user.name}, ${options.join(' ')}`;

    test(`${kind}: what the command leaves running ends with it`, { skip: user.skip }, async () => {
      const { container, end, mark } = await running(options, user, 'read _; exit 7');
      container.stdin?.end('\n');
      assert.equal((await end).status, 7);
      await gone(mark);
    });

    test(`${kind}: nothing outlives a killed parent`, { skip: user.skip }, async () => {
      const { container, end, mark } = await running(options, user, 'wait');
      process.kill(container.pid as number, 'SIGKILL');
      await gone(mark);
      assert.equal((await end).signal, 'SIGKILL');
    });

    test(`${kind}: a killed child is reported, and nothing outlives it`, { skip: user.skip }, async () => {
      const { container, end, mark } = await running(options, user, 'wait');
      process.kill(childOf(container.pid as number), 'SIGKILL');
      const { status, stderr } = await end;
      assert.equal(status, 137);
      assert.match(stderr, /the child was killed by SIGKILL/);
      await gone(mark);
    });
  }
}

const cgroup2 = hierarchies().find(({ version }) => version === 2)?.mountPoint;

/** Of a control group of its own nothing runs until it is thawed, and SIGCONT changes nothing about that: cgroups(7). */
async function frozen(pid: number, context: TestContext): Promise<() => void> {
  const group = join(cgroup2 as string, `gontainer-test-${pid}`);
  const thaw = (): void => writeFileSync(join(group, 'cgroup.freeze'), '0');
  mkdirSync(group);
  context.after(async () => {
    thaw();
    await until('it does not end', () => readFileSync(join(group, 'cgroup.procs'), 'utf8') === '');
    rmdirSync(group);
  });
  writeFileSync(join(group, 'cgroup.procs'), String(pid));
  writeFileSync(join(group, 'cgroup.freeze'), '1');
  await until('it is not frozen', () =>
    /^frozen 1/m.test(readFileSync(join(group, 'cgroup.events'), 'utf8')),
  );
  return thaw;
}

test('without a PID namespace, a child that gets no processor for a while still ends what is left', {
  skip:
    (process.getuid?.() !== 0 && 'needs root, for a control group') ||
    (cgroup2 === undefined && 'needs cgroup2'),
}, async (context) => {
  const { container, end, mark } = await running(['--uid', '--uts'], users[0] as User, 'wait');
  const thaw = await frozen(childOf(container.pid as number), context);
  const ended = once(container, 'exit');
  container.kill('SIGKILL');
  await ended;
  // As on a busy machine. Nothing can be awaited: that nothing happens is what counts.
  await later(3_000);
  thaw();
  await gone(mark);
  assert.equal((await end).signal, 'SIGKILL');
});

/** Nobody else on the machine has this ID, so whatever it owns is ours. */
const loner: User = { name: 'a user of its own', uid: 54_323, gid: 54_323 };
/** How many moments of a launch are tried, evenly from its first to well into the command. */
const moments = 30;

/** Milliseconds until nothing of the user is alive. A hang would be a failure; how long it takes depends on the machine. */
async function untilGone(): Promise<number> {
  const began = performance.now();
  await until(
    () => `still alive: ${processesOf(loner.uid).join('; ')}`,
    () => processesOf(loner.uid).length === 0,
  );
  return performance.now() - began;
}

for (const options of [['--all'], ['--uid', '--uts']]) {
  const notRoot = process.getuid?.() !== 0 && 'needs root, for a user that has no other processes';
  test(`${options.join(' ')}: the parent killed at any moment leaves nothing`, {
    skip: notRoot,
  }, async (context) => {
    const words = ['run', '--quiet', ...options, '--', '/bin/sh', '-c', script('1000', 'wait')];
    const launched = () => {
      const container = start(words, { user: loner });
      return { container, end: finished(container), began: performance.now() };
    };
    const whole = launched();
    await new Promise((ready) => whole.container.stdout?.once('data', ready));
    const length = performance.now() - whole.began;
    whole.container.kill('SIGKILL');
    const times = [await untilGone()];
    for (let moment = 0; moment < moments; moment += 1) {
      const { container, end } = launched();
      await later((length * 1.2 * moment) / moments);
      container.kill('SIGKILL');
      times.push(await untilGone());
      assert.equal((await end).signal, 'SIGKILL');
    }
    times.sort((a, b) => a - b);
    context.diagnostic(
      `killed at ${moments + 1} moments of ${length.toFixed(0)} ms: all gone after ${times[moments / 2]?.toFixed(0)} ms ` +
        `in the middle, ${times.at(-1)?.toFixed(0)} ms at most`,
    );
  });
}
