/**
 * Commands in one container that is open, through the library, beside bubblewrap that is spawned from Node for each, with the
 * same mounts; both with their output captured.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { open } from '../../src/library/open.js';
import { median } from './statistics.js';

/** How many commands run at the same time. */
const widths = [1, 4, 16] as const;
/** Milliseconds that each width is tried for in a round, and how many commands run in turn in it. */
const [stretch, inTurn] = [500, 20];

export interface Commands {
  readonly program: string;
  /** Milliseconds of one command while no other runs: the median, and what nine of ten need at most. */
  readonly median: number;
  readonly most: number;
  /** Commands a second, by how many run at the same time. */
  readonly rates: readonly { readonly width: number; readonly perSecond: number }[];
}

const command = ['/bin/true'];
const bwrap = [
  ...['--unshare-all', '--uid', '0', '--gid', '0', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev'],
  ...['--tmpfs', '/tmp', '--die-with-parent', '--', ...command],
];

/** One command, to its end. @returns its status */
type Run = () => Promise<number | null>;

const spawned: Run = () =>
  new Promise((done, failed) => {
    const child = spawn('bwrap', bwrap, { stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => chunks.push(bytes));
    child.on('error', failed);
    child.on('close', done);
  });

/** Both in turns, so that whatever else the machine does disturbs them alike. */
export async function commands(program: string, rounds: number): Promise<Commands[]> {
  const library = createRequire(program)(join(dirname(program), 'library-index.cjs')) as {
    open: typeof open;
  };
  const box = await library.open({
    ...{ all: true, pid: true, mnt: '/', readOnly: true },
    tmpfs: ['/tmp'],
  });
  const opened: Run = async () => (await box.exec(command)).status;
  const both: readonly (readonly [string, Run])[] = [
    ['gontainer, one container', opened],
    ...(spawnSync('bwrap', ['--version']).error === undefined ? [['bubblewrap', spawned] as const] : []),
  ];
  const found = both.map(([name, run]) => ({
    name,
    run,
    times: [] as number[],
    rates: widths.map(() => [] as number[]),
  }));
  for (const { run } of found) await rate(run, 4);
  for (let round = 0; round < rounds; round++) {
    for (let number = 0; number < inTurn; number++)
      for (const { run, times } of found) times.push(await time(run));
    for (const [index, width] of widths.entries())
      for (const { run, rates } of found) rates[index]?.push(await rate(run, width));
  }
  await box.close();
  return found.map(({ name, times, rates }) => ({
    program: name,
    median: median(times),
    most: times.sort((a, b) => a - b)[Math.floor(times.length * 0.9)] ?? Number.NaN,
    rates: rates.map((all, index) => ({ width: widths[index] ?? 0, perSecond: median(all) })),
  }));
}

async function time(run: Run): Promise<number> {
  const began = performance.now();
  const status = await run();
  if (status !== 0) throw new Error(`${command.join(' ')} ended with status ${status}`);
  return performance.now() - began;
}

/** Commands a second while so many run at the same time. */
async function rate(run: Run, width: number): Promise<number> {
  const began = performance.now();
  let count = 0;
  const one = async (): Promise<void> => {
    while (performance.now() - began < stretch) {
      await time(run);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: width }, one));
  return (count * 1000) / (performance.now() - began);
}
