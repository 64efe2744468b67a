/**
 * Launches that are watched, and are killed at random moments: where nobody answers, a call waits for good. `npm run
 * test:kills` does it two hundred times; here it is a short form.
 */
import { test } from 'node:test';
import { unprivileged } from '../../gontainer.js';
import { type Blow, killAtRandom, killCount } from '../../killed-launchers.js';

const count = killCount(12);
const kills: readonly Blow[] = [
  ['launcher', 'SIGKILL'],
  ['command', 'SIGKILL'],
];

test(`${count} launches killed at random moments under a watch hang nothing and leave nothing`, async (context) => {
  await killAtRandom(context, {
    count,
    user: unprivileged,
    kinds: [
      { options: ['--uid', '--pid', '--watch'], blows: [...kills, ['launcher', 'SIGTERM']] },
      // PID 1 gets no SIGTERM that it has no handler for: pid_namespaces(7).
      { options: ['--uid', '--pid', '--as-pid-1', '--watch'], blows: kills },
      { options: ['--uid', '--watch'], blows: [...kills, ['launcher', 'SIGTERM']] },
    ],
    // Something is asked all the time, by one process after the other.
    command: (mark) => ['sh', '-c', `: ${mark}; while :; do ls / >/dev/null; done`],
  });
});
