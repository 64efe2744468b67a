/** What a container has used, and what has hit a limit: read from the files of its groups, never guessed. */
import { join } from 'node:path';
import { defined } from '../defined.js';
import { lines, words } from './hierarchies.js';

/** A field is missing where the kernel does not count it. */
export interface Usage {
  /** Bytes: now, and at most so far. */
  readonly memory?: number;
  readonly memoryPeak?: number;
  readonly memoryLimit?: number;
  /** How many processes the kernel killed for want of memory: with a limit, because that was reached. */
  readonly oomKills?: number;
  /** Microseconds of processor time. */
  readonly cpuTime?: number;
  /** How often, and for how many microseconds in all, processes had to wait because --cpus was used up. */
  readonly throttled?: number;
  readonly throttledTime?: number;
  /** Processes and threads: now, and at most so far. */
  readonly processes?: number;
  readonly processesPeak?: number;
  readonly processesLimit?: number;
  /** How often another one was refused. */
  readonly forksRefused?: number;
  /** Per cent of the last ten seconds in which somebody waited: Documentation/accounting/psi.rst. */
  readonly memoryPressure?: number;
  readonly cpuPressure?: number;
}

/** The groups of a container as they are now. */
export function readUsage(paths: readonly string[]): Usage {
  const number = (...names: readonly string[]): number | undefined => {
    for (const path of paths)
      for (const name of names) {
        const [word] = words(join(path, name));
        if (word !== undefined && /^\d+$/.test(word)) return Number(word);
      }
    return undefined;
  };
  const field = (file: string, key: string): number | undefined => {
    for (const path of paths) {
      const line = lines(join(path, file)).find((one) => one.startsWith(`${key} `));
      if (line !== undefined) return Number(line.slice(key.length + 1));
    }
    return undefined;
  };
  const micro = (nanoseconds: number | undefined): number | undefined =>
    nanoseconds === undefined ? undefined : Math.round(nanoseconds / 1000);
  const limit = number('memory.max', 'memory.limit_in_bytes');
  return defined({
    memory: number('memory.current', 'memory.usage_in_bytes'),
    memoryPeak: number('memory.peak', 'memory.max_usage_in_bytes'),
    // Version 1 has a number for no limit, too.
    memoryLimit: limit !== undefined && limit < Number.MAX_SAFE_INTEGER ? limit : undefined,
    oomKills: field('memory.events', 'oom_kill') ?? field('memory.oom_control', 'oom_kill'),
    cpuTime: field('cpu.stat', 'usage_usec') ?? micro(number('cpuacct.usage')),
    throttled: field('cpu.stat', 'nr_throttled'),
    throttledTime: field('cpu.stat', 'throttled_usec') ?? micro(field('cpu.stat', 'throttled_time')),
    processes: number('pids.current'),
    processesPeak: number('pids.peak'),
    processesLimit: number('pids.max'),
    forksRefused: field('pids.events', 'max'),
    memoryPressure: pressure(paths, 'memory.pressure'),
    cpuPressure: pressure(paths, 'cpu.pressure'),
  });
}

function pressure(paths: readonly string[], file: string): number | undefined {
  for (const path of paths) {
    const [, average] = /^some avg10=([\d.]+)/m.exec(lines(join(path, file)).join('\n')) ?? [];
    if (average !== undefined) return Number(average);
  }
  return undefined;
}
