/** What /proc says of processes: the one place that reads proc_pid_stat(5) and the lists of children. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errorCode } from './kernel/kernel-error.js';

/** The fields of proc_pid_stat(5) that are used here. */
export interface ProcessStat {
  readonly pid: number;
  /** One letter: R, S, D, T (stopped), t (stopped by a tracer), Z (ended, not waited for) or X. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The device number of the controlling terminal, 0 without one. */
  readonly terminal: number;
  /** The process group that has that terminal, -1 without one. */
  readonly foreground: number;
  /** PF_ of the kernel's include/linux/sched.h. */
  readonly flags: number;
  /** Clock ticks since the boot. */
  readonly startTime: number;
}

/**
 * Reads /proc/PID/stat.
 * @throws ENOENT or ESRCH when there is no such process
 */
export function processStat(process: number | 'self'): ProcessStat {
  const text = readFileSync(`/proc/${process}/stat`, 'utf8');
  // Field 2, the name, is in parentheses and may hold blanks and parentheses itself: field 3 begins after the last.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ', 20);
  const number = (field: number): number => Number(fields[field - 3]);
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0] ?? '',
    parent: number(4),
    group: number(5),
    session: number(6),
    terminal: number(7),
    foreground: number(8),
    flags: number(9),
    startTime: number(22),
  };
}

/** Where a stretch of memory begins, and how many bytes it has. */
interface Stretch {
  readonly start: number;
  readonly length: number;
}

/** Where the strings lie that this process was started with: fields 48 to 51 of proc_pid_stat(5). */
export function stringsArea(): { readonly arguments: Stretch; readonly environment: Stretch } {
  const text = readFileSync('/proc/self/stat', 'utf8');
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const between = (first: number): Stretch => {
    const [start = 0, end = 0] = fields.slice(first - 3, first - 1);
    return { start, length: end - start };
  };
  return { arguments: between(48), environment: between(50) };
}

/**
 * The number by which /proc knows this process or a child of it. It is another one where /proc is that of an outer PID
 * namespace, as in a container that may not mount one of its own.
 * @returns -1 for a child that has ended
 */
export function numberInProc(pid: number): number {
  const own = ownNumberInProc();
  if (own === process.pid) return pid;
  return pid === process.pid ? own : (childrenOf(own).find((child) => innermostPid(child) === pid) ?? -1);
}

/** The number by which /proc knows this process. */
export function ownNumberInProc(): number {
  try {
    return Number(readlinkSync('/proc/self'));
  } catch {
    return process.pid; // There is no /proc.
  }
}

/** The process ID that a process has in its own PID namespace: the line NSpid of proc_pid_status(5). */
export function innermostPid(process: number): number {
  const [, pid] = /^NSpid:.*\s(\d+)$/m.exec(readFileSync(`/proc/${process}/status`, 'utf8')) ?? [];
  return Number(pid);
}

/**
 * Whether this process is the parent of another one.
 * @throws the error of a file that cannot be read, though there is such a process
 */
export function isParentOf(pid: number): boolean {
  try {
    return processStat(numberInProc(pid)).parent === ownNumberInProc();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(String(errorCode(error)))) return false;
    throw error;
  }
}

/** The same, undefined when there is no such process, or it may not be seen. */
export function processStatOrNone(process: number): ProcessStat | undefined {
  try {
    return processStat(process);
  } catch {
    return undefined;
  }
}

/** Whether a process has ended and only waits to be reaped. */
export const hasEnded = ({ state }: Pick<ProcessStat, 'state'>): boolean => state === 'Z' || state === 'X';

/** Whether a process is stopped, by a signal or by whoever traces it. */
export const isStopped = ({ state }: Pick<ProcessStat, 'state'>): boolean => state === 'T' || state === 't';

/**
 * The children of a process, by whichever of its threads they were made, in the order in which they came: proc_pid_task(5).
 * None when it has ended, or the kernel has no such lists (CONFIG_PROC_CHILDREN).
 */
export function childrenOf(parent: number): number[] {
  try {
    return readdirSync(`/proc/${parent}/task`).flatMap((thread) => childrenOfThread(parent, thread));
  } catch {
    return [];
  }
}

/**
 * Those that one thread of it made; its first thread has the number of the process.
 * @throws ENOENT or ESRCH when there is no such thread
 */
export const childrenOfThread = (parent: number, thread: number | string): number[] =>
  readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
