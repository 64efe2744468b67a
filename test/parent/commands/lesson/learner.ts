/** Where a learner in a test keeps things, and what a lesson has left there or on the machine. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { folder, type User } from '../../../gontainer.js';

/** A place of its own for what a learner leaves behind. */
export function home(user: User): Record<string, string> {
  const path = folder(user);
  return { TMPDIR: path, XDG_STATE_HOME: path };
}

/** The folders of lessons that are left, and the processes that were started with this TMPDIR. */
export function leftIn({ TMPDIR = '' }: Record<string, string>): string[] {
  const processes = readdirSync('/proc').filter((name) => {
    try {
      return (
        /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'utf8').includes(`TMPDIR=${TMPDIR}\0`)
      );
    } catch {
      return false;
    }
  });
  return [...readdirSync(TMPDIR).filter((name) => name.startsWith('gontainer-lesson-')), ...processes];
}

/** What a user has of the machine's shared memory, semaphores and message queues; proc_sysvipc(5), shm_overview(7). */
export function sharedBy({ uid }: User): string[] {
  const systemV = ['shm', 'sem', 'msg'].flatMap((kind) => {
    const [heading = '', ...lines] = readFileSync(`/proc/sysvipc/${kind}`, 'utf8').trimEnd().split('\n');
    const column = heading.trim().split(/\s+/).indexOf('cuid');
    return lines
      .filter((line) => Number(line.trim().split(/\s+/)[column]) === uid)
      .map((line) => `${kind} ${line}`);
  });
  const files = readdirSync('/dev/shm').filter(
    (name) => statSync(join('/dev/shm', name), { throwIfNoEntry: false })?.uid === uid,
  );
  return [...systemV, ...files];
}
