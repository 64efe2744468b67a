/**
 * Which process a process ID stands for. The kernel gives an ID to another process once it is free; the ID together
 * with the moment the process started names one process for good.
 */
import { hasEnded, processStatOrNone } from '../../common/process-files.js';

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in clock ticks since the boot: field 22 of proc_pid_stat(5). */
  readonly startTime: number;
}

/** Whether somebody has written down a process. */
export const isIdentity = (value: unknown): value is ProcessIdentity => {
  const { pid, startTime } = (value ?? {}) as Partial<ProcessIdentity>;
  return Number.isInteger(pid) && Number.isInteger(startTime);
};

/** The process that has this ID now; undefined when there is none, or it has ended and only waits to be reaped. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = processStatOrNone(pid);
  return stat === undefined || hasEnded(stat) ? undefined : { pid, startTime: stat.startTime };
}

let own: ProcessIdentity | undefined;

/** This process, which does not change. Undefined where /proc does not show it. */
export function ownIdentity(): ProcessIdentity | undefined {
  own ??= identify(process.pid);
  return own;
}

/** Whether this process is still there. */
export const isAlive = ({ pid, startTime }: ProcessIdentity): boolean =>
  identify(pid)?.startTime === startTime;
