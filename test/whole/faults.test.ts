/**
 * What happens when a kernel call of the launch fails, or the process that makes it is killed: one sentence, the right
 * status, nothing left, and never a command that is less isolated than asked. `npm run test:faults` tries every case, and
 * with GONTAINER_FAULTS=1000 a thousand of them; here it is a smaller sample.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planGroups } from '../../src/common/cgroup/plan.js';
import { root, rootfs, type User, unprivileged, users } from '../gontainer.js';
import { FaultMatrix, written } from './fault-matrix.js';
import { tracedCalls } from './traced-calls.js';

/** How many cases are tried in all, in equal parts for each kind of launch: a number, or `all`. */
const wanted = process.env.GONTAINER_FAULTS ?? '160';

const launches = [
  { title: 'all namespaces as root', user: root, options: ['--all'], withRoot: false },
  { title: 'a root of its own, rootless', user: unprivileged, options: ['--all'], withRoot: true },
  { title: 'a root of its own, no user namespace', user: root, options: ['--pid', '--uts'], withRoot: true },
  {
    title: 'no PID namespace, rootless',
    user: unprivileged,
    options: ['--uid', '--uts', '--net'],
    withRoot: false,
  },
  {
    title: 'a terminal of its own, rootless',
    user: unprivileged,
    options: ['--uid', '--pid', '--pty'],
    withRoot: false,
  },
  {
    title: 'limits, as root',
    user: root,
    options: ['--uid', '--pid', '--memory=256m', '--pids-limit=100'],
    withRoot: false,
  },
];

/** So many of them, evenly from the first to the last. */
const sample = <Item>(all: readonly Item[], size: number): Item[] => {
  const distance = Math.max(1, all.length / size);
  return all.filter((_, index) => Math.floor((index - 1) / distance) < Math.floor(index / distance));
};

const planned = planGroups({ memory: 2 ** 28, pids: 100 }, true);
/** Why there can be no limits. */
const limitless = 'why' in planned ? `no control groups here: ${planned.why}` : false;

/** Why nothing can be injected as this user. */
const skippedFor = (user: User): string | false =>
  tracedCalls === undefined
    ? 'needs an x86-64 or an aarch64 processor'
    : (users.find(({ uid }) => uid === user.uid)?.skip ?? 'needs root');

for (const { title, user, options, withRoot } of launches) {
  test(`a call that fails, at any place, ends the launch with its name and leaves nothing: ${title}`, {
    skip: skippedFor(user) || (title.startsWith('limits') && limitless),
  }, async (context) => {
    const matrix = new FaultMatrix({
      options: withRoot ? [...options, '--mnt', await rootfs(user)] : options,
      user,
    });
    const all = matrix.faults();
    const tried = sample(all, wanted === 'all' ? all.length : Number(wanted) / launches.length);
    const counts: Record<string, number> = {};
    const wrong: string[] = [];
    for (const fault of tried) {
      const { verdict, wrong: reason } = matrix.try(fault);
      counts[verdict] = (counts[verdict] ?? 0) + 1;
      if (reason === undefined) continue;
      wrong.push(`${written(fault)} ${fault.fault}: ${reason}`);
      // At once, as all of them take an hour.
      console.error(`${title}: ${wrong.at(-1)}`);
    }
    context.diagnostic(
      `${title}: ${all.length} faults known, ${tried.length} tried, ${tried.length - wrong.length} right ` +
        `(${counts.ended ?? 0} ended with a sentence, ${counts['carried on'] ?? 0} carried on as asked, ` +
        `${counts.missed ?? 0} did not come up)`,
    );
    assert.deepEqual(wrong, []);
  });
}

test('a descriptor that the parent cannot close spoils no launch after its command ran', {
  skip: skippedFor(unprivileged),
}, () => {
  const matrix = new FaultMatrix({ options: ['--uid', '--uts', '--net'], user: unprivileged });
  const faults = matrix
    .faults()
    .filter(({ actor, call, fault }) => actor === 'parent' && call === 'close' && fault === 'EBUSY');
  assert.ok(faults.length > 5);
  const wrong = faults.flatMap((fault) => {
    const { wrong: reason } = matrix.try(fault);
    return reason === undefined ? [] : [`${written(fault)}: ${reason}`];
  });
  assert.deepEqual(wrong, []);
});

test('the child is killed while the parent takes the terminal out of it: that is said, and not what a call met', {
  skip: skippedFor(unprivileged),
}, () => {
  const matrix = new FaultMatrix({ options: ['--uid', '--pid', '--pty'], user: unprivileged });
  const { verdict, watched } = matrix.try({ actor: 'parent', call: 'pidfd_getfd', nth: 1, fault: 'CHILD' });
  assert.equal(verdict, 'ended', watched.stderr);
  assert.equal(watched.status, 137);
  assert.match(watched.stderr, /^gontainer: the child was killed by SIGKILL, /);
});

test('a close that fails once the command’s process is ready is no failure of a launch that goes on', {
  skip: skippedFor(unprivileged),
}, () => {
  const matrix = new FaultMatrix({ options: ['--uid', '--pid', '--pty'], user: unprivileged });
  const { verdict, wrong, watched } = matrix.try({ actor: 'command', call: 'close', nth: 3, fault: 'EPERM' });
  assert.equal(verdict, 'carried on', wrong ?? watched.stderr);
});
