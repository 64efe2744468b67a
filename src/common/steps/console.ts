/**
 * /dev/console in a new root: the caller's terminal, where the command shares it. Its own name, /dev/pts/3, is one of the
 * host's devpts; without another one below /dev, ttyname(3) and tty(1) find none.
 */
import { fstatSync, readlinkSync, statSync } from 'node:fs';
import { isTerminal } from '../kernel/processes.js';
import { type LaunchSpec, newSession } from '../spec.js';

/**
 * Where the terminal is, as an absolute path of the host; undefined where the command shares none, or it has no path.
 * @param host what leads to the host's root: empty where that is the working directory (root.ts), `/` for a rehearsal
 */
export function sharedTerminal(spec: LaunchSpec, host: '' | '/'): string | undefined {
  const descriptor = newSession(spec) ? undefined : [0, 1, 2].find(isTerminal);
  if (descriptor === undefined) return undefined;
  try {
    const path = readlinkSync(`${host}proc/self/fd/${descriptor}`);
    const [held, named] = [fstatSync(descriptor), statSync(`${host}${path.slice(1)}`)];
    return held.dev === named.dev && held.ino === named.ino ? path : undefined;
  } catch {
    return undefined; // It comes from another mount namespace.
  }
}
