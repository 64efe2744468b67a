/**
 * Launchers with limits that are killed at random moments: nothing of them is left. `npm run test:kills` does it two hundred
 * times; here it is a short form.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { planGroups } from '../../../src/common/cgroup/plan.js';
import { finished, folder, run, start, untilRuns } from '../../gontainer.js';
import { processesLike } from '../../processes.js';
import { files } from '../../remains.js';
import { until } from '../../until.js';

const plan = planGroups({ memory: 2 ** 26, pids: 20, cpus: 0.5 }, true);
const count = Number(process.env.GONTAINER_KILLS ?? 16);

/** With a PID namespace and without one, with a child and with the child as the command. */
const kinds: readonly (readonly string[])[] = [
  ['--all'],
  ['--all', '--as-pid-1'],
  ['--uid'],
  ['--uid', '--pid'],
];

test(`${count} launchers killed at random moments leave no group, no process and no entry`, {
  skip: 'why' in plan ? `no control groups here: ${plan.why}` : false,
}, async (context) => {
  const runtime = folder();
  const env = { XDG_RUNTIME_DIR: runtime };
  /** A number of seconds that nobody else sleeps. */
  const mark = `7${process.pid}${Date.now() % 10_000}`;
  const launch = (kind: number, name: string) => {
    const options = [...(kinds[kind % kinds.length] ?? []), '--memory=64m', '--pids-limit=20', '--cpus=0.5'];
    const command = ['sh', '-c', `setsid sleep ${mark} & sleep ${mark}`];
    return start(['run', '--quiet', ...options, `--name=${name}`, '--', ...command], { env });
  };
  const began = performance.now();
  const first = launch(0, 'whole');
  const firstEnd = finished(first);
  await untilRuns(runtime, 'whole');
  const whole = performance.now() - began;
  first.kill('SIGKILL');
  await firstEnd;

  const killed: { readonly pid: number; readonly after: number; readonly kind: number }[] = [];
  for (let number = 0; number < count; number += 1) {
    const launcher = launch(number, `box-${number}`);
    const ended = finished(launcher);
    // Most moments are those of the launch, some lie well within the life of the command.
    const after = Math.random() * whole * 1.3;
    await later(after);
    launcher.kill('SIGKILL');
    await ended;
    killed.push({ pid: launcher.pid as number, after: Math.round(after), kind: number % kinds.length });
  }
  // What the guard of a launch did not remove, whoever looks next does.
  const pids = new Set(killed.map(({ pid }) => pid));
  const left = (): string[] => [
    ...processesLike(new RegExp(`sleep ${mark}`)).map((pid) => `process ${pid}`),
    ...files('/sys/fs/cgroup').filter((name) => pids.has(Number(/\/gontainer-(\d+)-/.exec(name)?.[1]))),
    ...readdirSync(join(runtime, 'gontainer')).filter((name) => /box-\d+\.(?!ended)/.test(name)),
  ];
  await until(
    () => `left: ${left().slice(0, 20).join(', ')}; killed: ${JSON.stringify(killed)}`,
    async () => {
      await run(['ps'], { env });
      return left().length === 0;
    },
  );
  const { stdout } = await run(['ps', '--json'], { env });
  assert.equal(stdout, '[]\n');
  const times = killed.map(({ after }) => after).sort((a, b) => a - b);
  context.diagnostic(
    `${count} launchers killed after ${times[0]} to ${times.at(-1)} ms, a launch takes ${Math.round(whole)} ms: nothing is left`,
  );
});
