/** Launches that are killed at random moments: nothing hangs, and nothing of them is left. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { finished, folder, root, run, start, type User, untilRuns } from './gontainer.js';
import { firstLike, processesLike } from './processes.js';
import { until } from './until.js';

/** How many are killed: GONTAINER_KILLS, or as many as are worth it in every run of the tests. */
export const killCount = (usual: number): number => Number(process.env.GONTAINER_KILLS ?? usual);

/** What is killed, and how: the launcher, or the command's first process. */
export type Blow = readonly [victim: 'launcher' | 'command', signal: NodeJS.Signals];

export interface Killing {
  readonly count: number;
  readonly user?: User;
  /** In turn: the options of a launch, and what is killed of such launches in turn. */
  readonly kinds: readonly { readonly options: readonly string[]; readonly blows: readonly Blow[] }[];
  /** @param mark a number that nobody else has in his command line */
  readonly command: (mark: string) => readonly string[];
  /** What else may be left of these launchers. */
  readonly left?: (launchers: ReadonlySet<number>) => readonly string[];
}

function strike(launcher: ReturnType<typeof start>, [victim, signal]: Blow, mark: string): void {
  const command = victim === 'command' ? firstLike(new RegExp(`^sh -c .*${mark}`)) : undefined;
  try {
    if (command !== undefined) process.kill(command, signal);
    else launcher.kill(signal);
  } catch {
    launcher.kill(signal); // The command has ended meanwhile.
  }
}

/** Kills that many launches, each at another moment of its life, and waits until nothing of them is left. */
export async function killAtRandom(context: TestContext, killing: Killing): Promise<void> {
  const { count, user = root, kinds, command, left = () => [] } = killing;
  const runtime = folder(user);
  const env = { XDG_RUNTIME_DIR: runtime };
  const mark = `7${process.pid}${Date.now() % 10_000}`;
  const launch = (number: number, name: string, own: string) => {
    const options = kinds[number % kinds.length]?.options ?? [];
    return start(['run', '--quiet', ...options, `--name=${name}`, '--', ...command(own)], { env, user });
  };
  const began = performance.now();
  const first = launch(0, 'whole', mark);
  const firstEnd = finished(first);
  await untilRuns(runtime, 'whole');
  const whole = performance.now() - began;
  first.kill('SIGKILL');
  await firstEnd;

  const killed: {
    readonly pid: number;
    readonly after: number;
    readonly kind: number;
    readonly blow: string;
  }[] = [];
  for (let number = 0; number < count; number += 1) {
    const own = `${mark}${number}`;
    const launcher = launch(number, `box-${number}`, own);
    const ended = finished(launcher);
    // Most moments are those of the launch, some lie well within the life of the command.
    const after = Math.random() * whole * 1.3;
    await later(after);
    const { blows = [] } = kinds[number % kinds.length] ?? {};
    const blow = blows[Math.floor(number / kinds.length) % blows.length] as Blow;
    strike(launcher, blow, own);
    await ended;
    killed.push({
      pid: launcher.pid as number,
      after: Math.round(after),
      kind: number % kinds.length,
      blow: blow.join(' '),
    });
  }
  // What the guard of a launch did not remove, whoever looks next does.
  const launchers = new Set(killed.map(({ pid }) => pid));
  const remains = (): string[] => [
    ...processesLike(new RegExp(mark)).map((pid) => `process ${pid}`),
    ...left(launchers),
    ...readdirSync(join(runtime, 'gontainer')).filter((name) => /box-\d+\.(?!ended)/.test(name)),
  ];
  await until(
    () => `left: ${remains().slice(0, 20).join(', ')}; killed: ${JSON.stringify(killed)}`,
    async () => {
      await run(['ps'], { env, user });
      return remains().length === 0;
    },
  );
  const { stdout } = await run(['ps', '--json'], { env, user });
  assert.equal(stdout, '[]\n');
  const times = killed.map(({ after }) => after).sort((a, b) => a - b);
  context.diagnostic(
    `${count} launches killed after ${times[0]} to ${times.at(-1)} ms, a launch takes ${Math.round(whole)} ms: nothing is left`,
  );
}
