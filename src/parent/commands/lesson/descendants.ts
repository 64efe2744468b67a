/** The processes that a lesson started, found in /proc, so that none outlives it. */
import { readdirSync, readFileSync } from 'node:fs';
import { waitForProcess } from '../../../common/kernel/processes.js';
import { Recorder } from '../../../common/kernel/recorder.js';

const pauseMilliseconds = 2;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly zombie: boolean;
}

/**
 * From here on a process below this one that loses its parent becomes this one's child and not init's
 * (PR_SET_CHILD_SUBREAPER(2const)), so that it can still be found.
 */
export function adoptOrphans(): void {
  new Recorder('parent', 0n, () => {}).call('prctl', {
    option: 'PR_SET_CHILD_SUBREAPER',
    arg2: 1,
    arg3: 0,
    arg4: 0,
    arg5: 0,
  });
}

/** Ends every process below this one except those named, and returns when they are gone. */
export function endDescendants(except: readonly number[] = []): void {
  for (;;) {
    const living = descendants().filter(({ pid, zombie }) => !zombie && !except.includes(pid));
    if (living.length === 0) return;
    for (const { pid } of living) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended in this moment, which is what was wanted.
      }
    }
    // They are not children of this process, so there is no event to wait for.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMilliseconds);
  }
}

/** Waits for adopted processes that have ended; those that Node started itself are named and left to it. */
export function reapOrphans(startedByNode: readonly number[]): void {
  for (const { pid, parent, zombie } of descendants()) {
    if (zombie && parent === process.pid && !startedByNode.includes(pid)) waitForProcess(pid, false);
  }
}

/** Every process below this one. */
function descendants(): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processOf(Number(name)) ?? []);
  const found = new Set([process.pid]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => pid !== process.pid && found.has(pid));
}

/** proc_pid_stat(5): the state and the parent follow the name, which is in parentheses and may hold any character. */
function processOf(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(parent), zombie: state === 'Z' || state === 'X' };
  } catch {
    return undefined;
  }
}
