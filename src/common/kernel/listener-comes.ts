import { readdirSync, readlinkSync } from 'node:fs';
import { hasEnded, processStatOrNone } from '../process-files.js';

/** Milliseconds from one look to the next, and how many looks something else may be there. */
const [pause, mostOthers] = [2, 250];
/** Looks: a process that is stopped is not waited for any longer. */
const mostLooks = 15_000;

/**
 * Waits until a descriptor of another process is the listener of a filter (seccomp_unotify(2)). No event tells of it: the
 * thread that has the filter may wait for an answer from then on, and could not say so.
 * @param pid the process, as this one numbers it
 * @returns false where something else stays there, which says that no listener comes; true also where the process has ended,
 *   which the kernel tells whoever takes it
 */
export async function listenerComes(pid: number, descriptor: number): Promise<boolean> {
  let others = 0;
  for (let looks = 0; looks < mostLooks && others < mostOthers; looks += 1) {
    const stat = processStatOrNone(pid);
    if (stat === undefined || hasEnded(stat)) return true;
    const link = linkOf(pid, descriptor);
    if (link === listenerLink) return true;
    others = link === undefined ? 0 : others + 1;
    await new Promise((done) => setTimeout(done, pause));
  }
  return others === 0;
}

/** The listeners that this process has open. */
export const ownListeners = (): number[] =>
  readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => linkOf('self', descriptor) === listenerLink);

/** proc_pid_fd(5) */
const listenerLink = 'anon_inode:seccomp notify';

/** Undefined where there is none, and where the process has ended. */
function linkOf(process: number | 'self', descriptor: number): string | undefined {
  try {
    return readlinkSync(`/proc/${process}/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}
