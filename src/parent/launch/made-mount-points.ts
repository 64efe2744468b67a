/**
 * The mount points that a launch made in the user's own root file system are removed when the container is gone. But
 * not while another container lives there: removing a directory detaches what is mounted on it in every mount namespace
 * (mount_namespaces(7)). So each launch holds a lock of the root directory, and whoever is alone removes what it made.
 */

import { closeSync, constants, lstatSync, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathOf } from '../../common/byte-text.js';
import { Failure } from '../../common/failure.js';
import type { CallRecord, Kernel } from '../../common/kernel/kernel.js';
import { KernelError } from '../../common/kernel/kernel-error.js';
import type { LaunchSpec, NewRoot } from '../../common/spec.js';
import { mountPointsStep } from '../../common/steps/mount-points.js';

export class MountPoints {
  private readonly made: string[] = [];
  private readonly lock: number;

  /**
   * @throws Failure when the changes of an overlay are in use by another container
   */
  constructor(
    private readonly root: NewRoot,
    private readonly kernel: Kernel,
  ) {
    const keptIn = root.overlay?.keptIn;
    this.lock = openSync(pathOf(keptIn ?? root.path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      kernel.call('flock', { fd: this.lock, operation: keptIn ? ['LOCK_EX', 'LOCK_NB'] : 'LOCK_SH' });
    } catch (error) {
      if (!(error instanceof KernelError) || error.data.errno !== 'EAGAIN') throw error;
      throw new Failure(`another container keeps its changes in ${keptIn} at the moment`, {
        next: 'Choose another folder for --overlay, or wait until that container has ended.',
      });
    }
  }

  /** Takes note of what the child made. */
  note({ step, call, args, ret }: CallRecord): void {
    if (step !== mountPointsStep.id || ret < 0) return;
    if (call === 'mkdir' || call === 'open') this.made.push(String(args.pathname));
  }

  /** Removes what was made and is still empty, and gives the lock back. */
  remove(): void {
    const { overlay } = this.root;
    // What was made in memory is gone.
    const layer = overlay === undefined ? '/' : overlay.keptIn && '/upper';
    this.kernel.step = ''; // It belongs to none, as what is done before the first.
    if (layer && this.made.length > 0 && this.alone())
      for (const path of this.made.reverse()) removeEmpty(this.lock, join(layer, path));
    closeSync(this.lock);
  }

  private alone(): boolean {
    try {
      this.kernel.call('flock', { fd: this.lock, operation: ['LOCK_EX', 'LOCK_NB'] });
      return true;
    } catch {
      return false;
    }
  }
}

export const mountPointsIn = (spec: LaunchSpec, kernel: Kernel): MountPoints | undefined =>
  spec.root && new MountPoints(spec.root, kernel);

/**
 * Removes an empty directory or file below an open directory. Folder by folder through descriptors, as openat(2) does
 * it, so that no symbolic link that was put there meanwhile leads out.
 */
function removeEmpty(root: number, path: string): void {
  const folders = [root];
  const below = (name: string) => pathOf(`/proc/self/fd/${folders.at(-1)}/${name}`);
  const names = path.split('/').filter(Boolean);
  const last = names.pop() as string;
  try {
    for (const name of names)
      folders.push(openSync(below(name), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW));
    const found = lstatSync(below(last));
    if (found.isDirectory()) rmdirSync(below(last));
    else if (found.isFile() && found.size === 0) unlinkSync(below(last));
  } catch {
    // Something was put in it, or it is gone already: it is not ours any more.
  } finally {
    for (const folder of folders.slice(1)) closeSync(folder);
  }
}
