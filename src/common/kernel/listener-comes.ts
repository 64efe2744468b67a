import { readlinkSync } from 'node:fs';
import { errorCode } from './kernel-error.js';

/** Milliseconds from one look to the next, and how many looks something else may be there. */
const [pause, mostOthers] = [2, 250];
/** Looks: a process that is stopped, or has ended, is not waited for any longer. */
const mostLooks = 15_000;

/**
 * Waits until a descriptor of another process is the listener of a filter (seccomp_unotify(2)). No event tells of it: the
 * thread that has the filter may wait for an answer from then on, and could not say so.
 * @param pid the process, as this one numbers it
 * @returns false where something else stays there, which says that no listener comes
 */
export async function listenerComes(pid: number, descriptor: number): Promise<boolean> {
  let others = 0;
  for (let looks = 0; looks < mostLooks && others < mostOthers; looks += 1) {
    const link = linkOf(`/proc/${pid}/fd/${descriptor}`);
    if (link === 'anon_inode:seccomp notify') return true;
    others = link === undefined ? 0 : others + 1;
    await new Promise((done) => setTimeout(done, pause));
  }
  // Whoever takes it is told by the kernel what is the matter.
  return others === 0;
}

/** Undefined where there is none. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
