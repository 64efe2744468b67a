/**
 * Launchers with limits that are killed at random moments: nothing of them is left. `npm run test:kills` does it two hundred
 * times; here it is a short form.
 */
import { test } from 'node:test';
import { planGroups } from '../../../src/common/cgroup/plan.js';
import { killAtRandom, killCount } from '../../killed-launchers.js';
import { files } from '../../remains.js';

const plan = planGroups({ memory: 2 ** 26, pids: 20, cpus: 0.5 }, true);
const count = killCount(16);
const limits = ['--memory=64m', '--pids-limit=20', '--cpus=0.5'];

test(`${count} launchers killed at random moments leave no group, no process and no entry`, {
  skip: 'why' in plan ? `no control groups here: ${plan.why}` : false,
}, async (context) => {
  await killAtRandom(context, {
    count,
    // With a PID namespace and without one, with a child and with the child as the command.
    kinds: [['--all'], ['--all', '--as-pid-1'], ['--uid'], ['--uid', '--pid']].map((options) => ({
      options: [...options, ...limits],
      blows: [['launcher', 'SIGKILL']],
    })),
    command: (mark) => ['sh', '-c', `setsid sleep ${mark} & sleep ${mark}`],
    left: (launchers) =>
      files('/sys/fs/cgroup').filter((name) => launchers.has(Number(/\/gontainer-(\d+)-/.exec(name)?.[1]))),
  });
});
