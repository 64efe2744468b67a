/** What containers cost the host, in figures that only go back when everything of them is gone. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as later } from 'node:timers/promises';
import { mounts } from '../remains.js';

export interface HostFigures {
  /** MemAvailable of proc_meminfo(5), in KiB; counted downwards, so that more is more in use. */
  readonly memory: number;
  /** SUnreclaim and KernelStack of proc_meminfo(5), in KiB: where namespaces live, also those without a process. */
  readonly kernelMemory: number;
  /** Open files of the whole host: the first field of /proc/sys/fs/file-nr. */
  readonly files: number;
  /** As lsns(8) finds them. */
  readonly namespaces: number;
  readonly processes: number;
  readonly mounts: number;
}

const figureNames = ['memory', 'kernelMemory', 'files', 'namespaces', 'processes', 'mounts'] as const;

function hostFigures(): HostFigures {
  const memory = readFileSync('/proc/meminfo', 'utf8');
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(memory)?.[1]);
  const { stdout } = spawnSync('lsns', ['--noheadings', '--output', 'NS'], { encoding: 'utf8' });
  return {
    memory: of('MemTotal') - of('MemAvailable'),
    kernelMemory: of('SUnreclaim') + of('KernelStack'),
    files: Number(readFileSync('/proc/sys/fs/file-nr', 'utf8').split('\t')[0]),
    namespaces: stdout.split('\n').filter(Boolean).length,
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
    mounts: mounts().length,
  };
}

/** The kernel takes network namespaces apart in its own time: the figures once they no longer fall. */
export async function settledFigures(): Promise<HostFigures> {
  let last = hostFigures();
  for (let look = 0; look < 30; look += 1) {
    await later(1000);
    const now = hostFigures();
    if (now.kernelMemory >= last.kernelMemory * 0.999 && now.namespaces >= last.namespaces) return now;
    last = now;
  }
  return last;
}

/** What changed, for each figure. */
export const growth = (from: HostFigures, to: HostFigures): HostFigures =>
  mapped((name) => to[name] - from[name]);

export const mapped = (figure: (name: keyof HostFigures) => number): HostFigures =>
  Object.fromEntries(figureNames.map((name) => [name, figure(name)])) as unknown as HostFigures;
