/** The processes of a launch, stopped and continued at every moment: it is as if nothing had been. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { childrenOf, isStopped, processStatOrNone } from '../../src/common/process-files.js';
import { finished, start, users } from '../gontainer.js';

/** A process and all below it. */
const tree = (pid: number): number[] => [pid, ...below(pid)];

function below(pid: number): number[] {
  try {
    return childrenOf(pid).flatMap(tree);
  } catch {
    return []; // It has ended.
  }
}

/** @returns whether it stopped, and was continued */
async function stopForAMoment(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 'SIGSTOP');
    for (let stat = processStatOrNone(pid); stat !== undefined; stat = processStatOrNone(pid)) {
      if (stat.state === 'Z') return false;
      if (isStopped(stat)) break;
      await turn();
    }
    process.kill(pid, 'SIGCONT');
    return true;
  } catch {
    return false; // It has ended.
  }
}

for (const user of users)
  for (const options of [['--pid', '--uts'], ['--uts'], ['--pid', '--as-pid-1'], ['--pid', '--pty']])
    test(`${user.name}: a launch ${options.join(' ')} goes on where its processes are stopped for a moment`, {
      skip: user.skip,
    }, async () => {
      const stopped = new Set<number>();
      for (let round = 0; round < 3; round += 1) {
        const words = ['run', '--quiet', '--uid', ...options, '--', 'sh', '-c', 'echo one; echo two; exit 7'];
        const launcher = start(words, { user });
        launcher.stdin?.end();
        const end = finished(launcher);
        let over = false;
        end.then(() => {
          over = true;
        });
        while (!over) {
          for (const pid of tree(launcher.pid as number)) if (await stopForAMoment(pid)) stopped.add(pid);
          await turn();
        }
        const { status, stdout, stderr } = await end;
        assert.deepEqual([status, stdout.replaceAll('\r', ''), stderr], [7, 'one\ntwo\n', '']);
      }
      // The launcher, P or G, the child.
      assert.ok(stopped.size >= 9, `${stopped.size} processes were stopped`);
    });
