/** What one process holds, looked at again and again while it runs. */
import { readdirSync, readFileSync } from 'node:fs';

interface Sample {
  /** VmRSS of proc_pid_status(5), in KiB. */
  readonly memory: number;
  readonly descriptors: number;
  /** Its children that have ended and are not waited for. At any one moment there may be some. */
  readonly zombies: number;
}

/** The middle of the samples of a part of the time. */
export interface Course {
  readonly secondQuarter: number;
  readonly lastQuarter: number;
}

export class ProcessWatch {
  readonly samples: Sample[] = [];

  constructor(readonly pid: number) {}

  look(): void {
    this.samples.push({
      memory: Number(field(this.pid, 'VmRSS')?.replace(' kB', '')),
      descriptors: readdirSync(`/proc/${this.pid}/fd`).length,
      zombies: zombiesOf(this.pid).length,
    });
  }

  /** The first quarter is left out: there the process is still warming up. */
  course(of: keyof Sample): Course {
    const values = this.samples.map((sample) => sample[of]);
    const quarter = Math.floor(values.length / 4);
    return {
      secondQuarter: median(values.slice(quarter, quarter * 2)),
      lastQuarter: median(values.slice(-quarter)),
    };
  }

  most(of: keyof Sample): number {
    return Math.max(...this.samples.map((sample) => sample[of]));
  }
}

export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

export const zombiesOf = (pid: number): number[] =>
  childrenOf(pid).filter((child) => field(child, 'State')?.startsWith('Z'));

function field(pid: number, name: string): string | undefined {
  try {
    return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined; // It has ended.
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
