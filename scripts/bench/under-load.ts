/** How start-up behaves with many launches at a time, many mounts on the host, and many containers running. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { furnished, otherCases, type Place } from './cases.js';
import { startWaiting } from './memory.js';
import { environment, type Program, start, wait } from './process.js';
import { takeTurns } from './turns.js';

const command = ['--', '/bin/true'];
const launch = (place: Place): string[] => [place.program, ...furnished(place), '--quiet', ...command];

export interface Throughput {
  readonly atATime: number;
  readonly launches: Rate;
  /** Of pairs of bare Nodes, one of the pair after the other. */
  readonly bare: Rate;
}

/** How many in a second, and in a second of one core's time. */
interface Rate {
  readonly perSecond: number;
  readonly perCore: number;
}

/** 1, 2, 4, 8 and 16 at a time, against as many pairs of bare Nodes. */
export function throughput(node: string, place: Place, each: number): Throughput[] {
  const pair = { words: ['/bin/sh', '-c', '"$0" -e 0; "$0" -e 0', node] };
  return [1, 2, 4, 8, 16].map((atATime) => ({
    atATime,
    launches: rate({ words: [node, ...launch(place)] }, atATime, each),
    bare: rate(pair, atATime, each),
  }));
}

function rate(program: Program, atATime: number, count: number): Rate {
  const began = process.hrtime.bigint();
  let started = 0;
  let cpu = 0;
  for (; started < Math.min(atATime, count); started += 1) start(program);
  for (let ended = 0; ended < count; ended += 1) {
    cpu += wait(-1).cpu;
    if (started < count) start(program);
    started += 1;
  }
  const wall = Number(process.hrtime.bigint() - began);
  return { perSecond: (count * 1e9) / wall, perCore: (count * 1e3) / cpu };
}

/** The medians of the wall times, milliseconds. */
export interface AtSize {
  readonly size: number;
  readonly bare: number;
  readonly launch: number;
  readonly unshare: number;
  readonly bwrap: number;
}

function sized(
  node: string,
  place: Place,
  sizes: readonly { size: number; before: readonly string[] }[],
  rounds: number,
): AtSize[] {
  const programs = (before: readonly string[]) => [
    { id: 'bare', words: [...before, node, '-e', '0'] },
    { id: 'launch', words: [...before, node, ...launch(place)] },
    ...otherCases(place).map(({ id, program }) => ({ id, words: [...before, ...program.words] })),
  ];
  const cases = sizes.flatMap(({ size, before }) =>
    programs(before).map(({ id, words }) => ({ id: `${id} ${size}`, title: id, program: { words } })),
  );
  const results = takeTurns(cases, rounds);
  return sizes.map(({ size }) => {
    const of = (id: string): number =>
      results.find((result) => result.id === `${id} ${size}`)?.wall.median ?? Number.NaN;
    return { size, bare: of('bare'), launch: of('launch'), unshare: of('unshare'), bwrap: of('bwrap') };
  });
}

/** With 1, 100 and 1000 more bind mounts, each number in a mount namespace of its own that programs are started in. */
export async function withMounts(node: string, place: Place, rounds: number): Promise<AtSize[]> {
  const folder = join(place.scratch, 'mounts');
  mkdirSync(folder);
  const script = `set -e
    mount -t tmpfs none ${folder}
    i=0; while [ $i -lt "$1" ]; do mkdir ${folder}/$i; mount --bind ${folder}/$i ${folder}/$i; i=$((i + 1)); done
    echo ready; read line`;
  const holders = [1, 100, 1000].map((size) => ({
    size,
    process: spawn(
      'unshare',
      ['--user', '--map-root-user', '--mount', '/bin/sh', '-c', script, 'sh', String(size)],
      { stdio: ['pipe', 'pipe', 'inherit'], env: environment() },
    ),
  }));
  for (const holder of holders) await once(holder.process.stdout, 'data');
  const enter = (pid: number): string[] => [
    'nsenter',
    `--target=${pid}`,
    '--user',
    '--mount',
    '--preserve-credentials',
  ];
  const sizes = holders.map(({ size, process }) => ({ size, before: enter(process.pid as number) }));
  const found = sized(node, place, sizes, rounds);
  for (const { process } of holders) process.stdin.end();
  return found;
}

/** With 1, 10 and 100 containers running already. */
export async function withContainers(node: string, place: Place, rounds: number): Promise<AtSize[]> {
  const running: { end(): Promise<void> }[] = [];
  const found: AtSize[] = [];
  for (const size of [1, 10, 100]) {
    while (running.length < size)
      running.push(await startWaiting([node, place.program, ...furnished(place), '--quiet']));
    found.push(...sized(node, place, [{ size, before: [] }], rounds));
  }
  await Promise.all(running.map((container) => container.end()));
  return found;
}
