/** `gontainer wait`: until a container has ended, and how it did. */
import { closeSync, openSync } from 'node:fs';
import { Failure } from '../../../common/failure.js';
import { memory } from '../../../common/kernel/calls.js';
import type { Kernel } from '../../../common/kernel/kernel.js';
import { Recorder } from '../../../common/kernel/recorder.js';
import { print } from '../../../common/print.js';
import { readEntry } from '../../state/entry.js';
import { findContainer } from '../../state/find.js';
import { isAlive, type ProcessIdentity } from '../../state/process-identity.js';

const POLLIN = 1; // poll(2)

/**
 * Prints the exit status of a container's command once its launcher has ended.
 * @returns that status
 * @throws Failure when there is none: the launch failed, or the launcher was killed
 */
export function wait(word: string): number {
  const { name, path, launcher } = findContainer(word);
  // The name is given up when the container ends, but the file, once open, can still be read to its last line.
  const file = opened(path, name);
  try {
    waitForEnd(launcher, new Recorder('parent', 0n, () => {}));
    const { status } = readEntry(file);
    if (status === undefined) {
      throw new Failure(
        `${name} ended without an exit status: it was never started, or its launcher was killed`,
      );
    }
    print(String(status));
    return status;
  } finally {
    closeSync(file);
  }
}

function opened(path: string, name: string): number {
  try {
    return openSync(path, 'r');
  } catch {
    throw new Failure(`${name} has just ended`);
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
