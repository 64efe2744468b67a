/**
 * What happens when a kernel call of the launch fails, or the process that makes it is killed: one sentence, the right
 * status, nothing left, and never a command that is less isolated than asked. `npm run test:faults` tries every case;
 * here it is a sample, another one for each kind of launch.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultMatrix, written } from './fault-matrix.js';
import { root, rootfs, unprivileged, users } from './gontainer.js';

const everything = process.env.GONTAINER_FAULTS === 'all';
/** How many cases of each kind of launch are tried. */
const sample = 40;

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
];

for (const { title, user, options, withRoot } of launches) {
  const skip =
    process.arch === 'x64'
      ? (users.find(({ uid }) => uid === user.uid)?.skip ?? 'needs root')
      : 'needs an x86-64 processor';
  test(`faults: ${title}`, { skip }, async (context) => {
    const matrix = new FaultMatrix({
      options: withRoot ? [...options, '--mnt', await rootfs(user)] : options,
      user,
    });
    const all = matrix.faults();
    const distance = everything ? 1 : Math.max(1, Math.floor(all.length / sample));
    const tried = all.filter((_, index) => index % distance === 0);
    const counts: Record<string, number> = {};
    const wrong: string[] = [];
    for (const fault of tried) {
      const { verdict, wrong: reason } = matrix.try(fault);
      counts[verdict] = (counts[verdict] ?? 0) + 1;
      if (reason !== undefined) wrong.push(`${written(fault)} ${fault.fault}: ${reason}`);
    }
    context.diagnostic(
      `${title}: ${all.length} faults known, ${tried.length} tried, ${tried.length - wrong.length} right ` +
        `(${counts.ended ?? 0} ended with a sentence, ${counts['carried on'] ?? 0} carried on as asked, ` +
        `${counts.missed ?? 0} did not come up)`,
    );
    assert.deepEqual(wrong, []);
  });
}
