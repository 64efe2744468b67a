/** The processes that a lesson started, found in /proc, so that none outlives it. */
import { visibleProcesses } from '../../../common/evidence.js';
import { waitForProcess } from '../../../common/kernel/processes.js';
import { Recorder } from '../../../common/kernel/recorder.js';
import { pause } from '../../../common/pause.js';
import { hasEnded, type ProcessStat, processStatOrNone } from '../../../common/process-files.js';

const pauseMilliseconds = 2;

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
  // They are not children of this process, so there is no event to wait for.
  while (killDescendants(except)) pause(pauseMilliseconds);
}

/**
 * Sends SIGKILL to every process below this one except those named.
 * @returns whether there was any
 */
export function killDescendants(except: readonly number[]): boolean {
  const living = descendants().filter((found) => !hasEnded(found) && !except.includes(found.pid));
  for (const { pid } of living) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended in this moment, which is what was wanted.
    }
  }
  return living.length > 0;
}

/** Waits for adopted processes that have ended; those that Node started itself are named and left to it. */
export function reapOrphans(startedByNode: readonly number[]): void {
  for (const found of descendants()) {
    const { pid, parent } = found;
    if (hasEnded(found) && parent === process.pid && !startedByNode.includes(pid)) waitForProcess(pid, false);
  }
}

/** Every process below this one. */
function descendants(): ProcessStat[] {
  const all = visibleProcesses().flatMap((pid) => processStatOrNone(pid) ?? []);
  const found = new Set([process.pid]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => pid !== process.pid && found.has(pid));
}
