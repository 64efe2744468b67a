/**
 * Which process a process ID stands for. The kernel gives an ID to another process once it is free; the ID together
 * with the moment the process started names one process for good.
 */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in clock ticks since the boot: field 22 of proc_pid_stat(5). */
  readonly startTime: number;
}

/** The process that has this ID now; undefined when there is none, or it has ended and only waits to be reaped. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 2, the name, is in parentheses and may hold blanks and parentheses itself: field 3 begins after the last.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0] as string;
    return 'ZX'.includes(state) ? undefined : { pid, startTime: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

/** Whether this process is still there. */
export const isAlive = ({ pid, startTime }: ProcessIdentity): boolean =>
  identify(pid)?.startTime === startTime;
