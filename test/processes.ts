/** The processes of the host, as its /proc shows them. */
import { readdirSync, readFileSync } from 'node:fs';

/** The process IDs, as the host numbers them, of the processes whose command line matches. */
export const processesLike = (pattern: RegExp): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return pattern.test(readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' '));
      } catch {
        return false; // It ended meanwhile.
      }
    })
    .map(Number);

/**
 * The one of them that made the others: copies of a launcher, and shells in front of their execve(2), have its command line.
 * Their process IDs need not be higher, as the kernel begins anew after the highest.
 */
export function firstLike(pattern: RegExp): number | undefined {
  const all = processesLike(pattern);
  return all.find((pid) => {
    try {
      return !all.includes(parentOf(pid));
    } catch {
      return false; // It has ended.
    }
  });
}

export const parentOf = (pid: number): number =>
  Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Whether a signal is on its way to a process: proc_pid_status(5). A second one of the same kind would be lost then. */
export const isPending = (pid: number): boolean =>
  !/^ShdPnd:\s+0+$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
