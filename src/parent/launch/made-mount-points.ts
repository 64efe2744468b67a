/**
 * The mount points that a launch made in the user's own root file system are removed when the container is gone. But
 * not while another container lives there: removing a directory detaches what is mounted on it in every mount namespace
 * (mount_namespaces(7)). So each launch holds a lock of the root directory, and whoever is alone removes what it made.
 */

import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../common/failure.js';
import type { CallRecord, Kernel } from '../../common/kernel/kernel.js';
import { KernelError } from '../../common/kernel/kernel-error.js';
import { namesOf } from '../../common/path-walk.js';
import type { LaunchSpec, NewRoot, RequestedMount } from '../../common/spec.js';
import { kindOf, mountPointsStep } from '../../common/steps/mount-points.js';
import { type LeftMountPoints, openFolder, removeIfAlone } from '../state/left-mount-points.js';
import {
  type HeldPlaceholder,
  holdPlaceholder,
  type PlaceholderKind,
  releasePlaceholder,
} from '../state/placeholders.js';

export class MountPoints {
  private readonly made: string[] = [];
  private readonly lock: number;
  /** Of the folders that keep changes of overlays in the new root. */
  private readonly others: number[] = [];
  /** Of the folders of the host that the container sees. */
  private readonly held: HeldPlaceholder[] = [];

  /**
   * @throws Failure when the changes of an overlay are in use by another container
   */
  constructor(
    private readonly root: NewRoot,
    private readonly kernel: Kernel,
  ) {
    const keptIn = root.overlay?.keptIn;
    this.lock = openFolder(keptIn ?? root.path);
    if (keptIn) this.lockChanges(this.lock, keptIn);
    else kernel.call('flock', { fd: this.lock, operation: 'LOCK_SH' });
    for (const mount of root.mounts) {
      if (mount.kind !== 'bind' || !mount.overlay?.keptIn) continue;
      this.others.push(openFolder(mount.overlay.keptIn));
      this.lockChanges(this.others.at(-1) as number, mount.overlay.keptIn);
    }
  }

  /** Two overlays that write to one folder would spoil it. */
  private lockChanges(fd: number, folder: string): void {
    try {
      this.kernel.call('flock', { fd, operation: ['LOCK_EX', 'LOCK_NB'] });
    } catch (error) {
      if (!(error instanceof KernelError) || error.data.errno !== 'EAGAIN') throw error;
      throw new Failure(`another container keeps its changes in ${folder} at the moment`, {
        next: 'Choose another folder for --overlay, or wait until that container has ended.',
      });
    }
  }

  /**
   * Makes those that lie in a folder of the host which is bound: in there the child would leave them behind.
   * @param register is told before anything is made
   */
  makeInFolders(register: (paths: readonly string[]) => void): void {
    const wanted = placesInFolders(this.root.mounts);
    if (wanted.size === 0) return;
    register([...wanted.keys()]);
    for (const [path, kind] of wanted) {
      const held = holdPlaceholder(this.kernel, path, kind);
      if (held !== undefined) this.held.push(held);
    }
  }

  /** Takes note of what the child made. */
  note({ step, call, args, ret }: CallRecord): void {
    if (step !== mountPointsStep.id || ret < 0) return;
    if (call === 'mkdir' || call === 'open') this.made.push(String(args.pathname));
  }

  /** What was made, as paths of the container. */
  get all(): readonly string[] {
    return this.made;
  }

  /** What is to be removed. What was made in memory is not part of it: it goes with the container. */
  get left(): LeftMountPoints | undefined {
    const { overlay, path } = this.root;
    if (this.made.length === 0 || overlay?.keptIn === null) return undefined;
    return overlay === undefined
      ? { folder: path, paths: this.made }
      : { folder: overlay.keptIn, paths: this.made.map((name) => join('/upper', name)) };
  }

  /** Removes what was made and is still empty, and gives the lock back. */
  remove(): void {
    this.kernel.step = ''; // It belongs to none, as what is done before the first.
    for (const held of this.held.reverse()) releasePlaceholder(this.kernel, held);
    if (this.left !== undefined) removeIfAlone(this.kernel, this.lock, this.left.paths);
    for (const lock of [this.lock, ...this.others]) closeSync(lock);
  }
}

type Folder = RequestedMount & { readonly kind: 'bind' };

/** The folder of the host that a mount lies in; what is in memory, or kept apart, or read-only, takes nothing. */
function folderOf({ target }: RequestedMount, mounts: readonly RequestedMount[]): Folder | undefined {
  const around = mounts.findLast((mount) => target.startsWith(`${mount.target}/`));
  return around?.kind === 'bind' && around.directory && !around.readOnly && around.overlay === undefined
    ? around
    : undefined;
}

/** What has to be in folders of the host for mounts to cover, directories before what lies in them. */
function placesInFolders(mounts: readonly RequestedMount[]): ReadonlyMap<string, PlaceholderKind> {
  const wanted = new Map<string, PlaceholderKind>();
  for (const mount of mounts) {
    const folder = folderOf(mount, mounts);
    if (folder === undefined) continue;
    let path = folder.source;
    for (const name of namesOf(mount.target.slice(folder.target.length))) {
      path = join(path, name);
      wanted.set(path, 'directory');
    }
    wanted.set(path, kindOf(mount));
  }
  return wanted;
}

export const mountPointsIn = (spec: LaunchSpec, kernel: Kernel): MountPoints | undefined =>
  spec.root && new MountPoints(spec.root, kernel);
