/** `gontainer wait`: until a container has ended, and how it did. */
import { closeSync, openSync } from 'node:fs';
import { Failure } from '../../../common/failure.js';
import { memory } from '../../../common/kernel/calls.js';
import type { Kernel } from '../../../common/kernel/kernel.js';
import { Recorder } from '../../../common/kernel/recorder.js';
import { print } from '../../../common/print.js';
import { type EndedContainer, endedContainers } from '../../state/ended.js';
import { readEntry } from '../../state/entry.js';
import { findContainerOrEnd } from '../../state/find.js';
import { isAlive, type ProcessIdentity } from '../../state/process-identity.js';

const POLLIN = 1; // poll(2)

/**
 * Prints the exit status of a container's command once its launcher has ended, or at once for one that ended before.
 * @returns that status
 * @throws Failure when there is none: the launch failed, or the launcher was killed
 */
export function wait(word: string): number {
  const found = findContainerOrEnd(word);
  if ('ended' in found) return told(found);
  const { name, path, launcher } = found;
  // The name is given up when the container ends, but the file, once open, can still be read to its last line.
  const file = opened(path);
  if (file === undefined) return told(endedNamed(name));
  try {
    waitForEnd(launcher, new Recorder('parent', 0n, () => {}));
    return told(readEntry(file));
  } finally {
    closeSync(file);
  }
}

function told({ name, status }: Pick<EndedContainer, 'name'> & { readonly status?: number | null }): number {
  if (typeof status !== 'number') {
    throw new Failure(
      `${name} ended without an exit status: it was never started, or its launcher was killed`,
    );
  }
  print(String(status));
  return status;
}

/** One that ended while we looked; a launch that failed leaves nothing. */
const endedNamed = (wanted: string): Pick<EndedContainer, 'name'> =>
  endedContainers().find(({ name }) => name === wanted) ?? { name: wanted };

function opened(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

/** A pidfd becomes readable when its process ends: pidfd_open(2). */
function waitForEnd(launcher: ProcessIdentity, kernel: Kernel): void {
  const pidfd = heldProcess(launcher, kernel);
  if (pidfd === undefined) return;
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt32LE(pidfd, 0);
  pollfd.writeInt16LE(POLLIN, 4);
  kernel.call('poll', {
    fds: memory(pollfd, { fd: pidfd, events: 'POLLIN' }),
    nfds: 1,
    timeout: -1,
  });
  kernel.call('close', { fd: pidfd });
}

/** A pidfd of a process; undefined when that has ended. */
function heldProcess(identity: ProcessIdentity, kernel: Kernel): number | undefined {
  try {
    const pidfd = kernel.call('pidfd_open', { pid: identity.pid, flags: 0 });
    if (isAlive(identity)) return pidfd;
    // By now its ID is another process's.
    kernel.call('close', { fd: pidfd });
    return undefined;
  } catch (error) {
    if (isAlive(identity)) throw error;
    return undefined;
  }
}
