/** The file system as a watched process sees it: its paths, its mounts, and what lies at a path. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs';
import { posix } from 'node:path';
import { pathOf } from '../../common/byte-text.js';
import { isWithin } from '../../common/is-within.js';
import { constants as kernelConstants } from '../../common/kernel/constants.js';
import type { Notification } from '../../common/kernel/listener.js';
import { openInRoot } from '../../common/kernel/open-in-root.js';
import { type Mount, mountTable } from '../../common/mount-table.js';
import type { WatchedCall } from '../../common/watch/watched-calls.js';
import { SeenMounts } from './seen-mounts.js';
import { type ReadCall, workingDirectory } from './shown-arguments.js';
import { link } from './watched-processes.js';

/** Calls by which there comes to be a file system that was not there before. */
const makesFileSystem: ReadonlySet<string> = new Set(['mount', 'fsmount']);

/**
 * File systems that nobody but the kernel answers for. Behind FUSE, a network or an overlay of one of them there may be a
 * process of the container, which waits for the launcher's answer to a call of its own while it is waited for.
 */
const kernelsOwn = new Set('tmpfs ramfs devtmpfs devpts proc sysfs mqueue cgroup cgroup2'.split(' '));

const fileSystemOf = ({ type, device }: Mount): string => `${type} ${device}`;

/** Those of more threads are not kept. */
const mostRoots = 256;

/** What a path leads to. */
export interface FoundFile {
  readonly stats: Stats;
  readonly mount: Mount | undefined;
}

/** Finds what is at a path; undefined where it leads nowhere. A symbolic link at its end is followed, unless that is false. */
export type Find = (path: string, follows?: boolean) => FoundFile | undefined;

/** A path as a call has it, and the directory descriptor that it is relative to. */
type CallPath = ReadCall['paths'][number];

export class ProcessView {
  /** The mounts by their namespaces. */
  private readonly tables = new Map<string, SeenMounts>();
  /** Where the root of a thread lies on the host. */
  private readonly roots = new Map<number, string>();
  /** The threads that are about to change one, each with the number of the call. */
  private readonly changing = new Map<number, number>();
  /** The file systems that were mounted before the command ran: none of its processes answers for those. */
  private readonly before: ReadonlySet<string>;
  /** Whether anybody inside may have made a file system since. */
  private hasMadeOne = false;

  /** @param pid a process of the container, before the command runs */
  constructor(pid: number) {
    this.before = new Set(mountTable(pid).all.map(fileSystemOf));
  }

  /** An absolute path in the root of the process; undefined where the directory cannot be seen. */
  absolute(thread: number, path: CallPath): string | undefined {
    const place = this.place(thread, path);
    if (place === undefined) return undefined;
    const normal = posix.normalize(place);
    return normal.length > 1 && normal.endsWith('/') && !path.path.startsWith('/')
      ? normal.slice(0, -1)
      : normal;
  }

  /** The same with each `..` in it, which leads elsewhere behind a symbolic link. */
  place(thread: number, { directory, path }: CallPath): string | undefined {
    if (path.startsWith('/')) return path;
    const from = directory === workingDirectory ? 'cwd' : `fd/${directory}`;
    const base = link(`/proc/${thread}/${from}`);
    if (!base.startsWith('/')) return undefined;
    // The launcher sees where the root lies on the host, unless it is a mount of its own.
    const root = this.rootOf(thread);
    const inside = root !== '/' && isWithin(base, root) ? base.slice(root.length) || '/' : base;
    return path === '' ? inside : `${inside}/${path}`;
  }

  private rootOf(thread: number): string {
    this.changing.delete(thread);
    const known = this.roots.get(thread);
    if (known !== undefined) return known;
    const root = link(`/proc/${thread}/root`);
    if (this.roots.size >= mostRoots) this.roots.clear();
    if (!this.isChanging()) this.roots.set(thread, root);
    return root;
  }

  /** @param namespace which mount namespace it is in */
  mounts(thread: number, namespace: string): SeenMounts {
    this.changing.delete(thread);
    const known = this.tables.get(namespace);
    if (known !== undefined) return known;
    const mounts = new SeenMounts(mountsOf(thread));
    if (!this.isChanging()) this.tables.set(namespace, mounts);
    return mounts;
  }

  /** This thread makes a call that changes mounts, which takes effect once it was answered. */
  changes({ thread, number }: Notification, { name }: WatchedCall): void {
    this.tables.clear();
    this.roots.clear();
    this.changing.set(thread, number);
    this.hasMadeOne ||= makesFileSystem.has(name);
  }

  /** Whether one of those calls may not have taken effect yet. */
  private isChanging(): boolean {
    for (const [thread, number] of this.changing) {
      if (isStillIn(thread, number)) return true;
      this.changing.delete(thread);
    }
    return false;
  }

  /**
   * Whether nobody inside has made a file system: then none of its processes can be asked for a file, wherever a path
   * leads.
   */
  get mayGlance(): boolean {
    return !this.hasMadeOne;
  }

  /** Whether the kernel alone is asked for a file below the root that these mounts are seen from. */
  private mayLook(mounts: readonly Mount[]): boolean {
    if (this.mayGlance) return true;
    // Where the root is no mount point, what it lies on is not in the table.
    return (
      !this.isChanging() &&
      mounts.some(({ mountPoint }) => mountPoint === '/') &&
      mounts.every((mount) => kernelsOwn.has(mount.type) || this.before.has(fileSystemOf(mount)))
    );
  }

  /**
   * What seems to be at a path: a link to an absolute path is followed on the host, so this is for what is looked at more
   * closely where it would be refused. Only while `mayGlance`. Undefined where nothing is there.
   */
  glance(thread: number, path: string): Stats | undefined {
    try {
      return statSync(pathOf(`/proc/${thread}/root${path}`), { throwIfNoEntry: false });
    } catch {
      return undefined; // A folder that this process may not enter.
    }
  }

  /**
   * Has somebody look more closely at what is at paths: openat2(2), and the mount by its number. It takes ten times as long
   * as reading the call.
   * @returns undefined where a process of the container may be the one to answer, too
   */
  looking<Seen>(thread: number, look: (find: Find) => Seen): Seen | undefined {
    const mounts = mountsOf(thread);
    if (!this.mayLook(mounts)) return undefined;
    let root: number | undefined;
    try {
      root = openSync(`/proc/${thread}/root`, kernelConstants.O_PATH | constants.O_DIRECTORY);
      const from = root;
      return look((path, follows = true) => fileAt(from, path, follows, mounts));
    } catch {
      return undefined; // The process has ended.
    } finally {
      if (root !== undefined) closeSync(root);
    }
  }
}

function fileAt(
  root: number,
  path: string,
  follows: boolean,
  mounts: readonly Mount[],
): FoundFile | undefined {
  const file = openInRoot(root, path, follows);
  if (file === undefined) return undefined;
  try {
    const [, id] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${file}`, 'latin1')) ?? [];
    return { stats: fstatSync(file), mount: mounts.find((one) => one.id === Number(id)) };
  } finally {
    closeSync(file);
  }
}

/** The mount table of a process; none where it has ended. */
function mountsOf(thread: number): readonly Mount[] {
  try {
    return mountTable(thread).all;
  } catch {
    return [];
  }
}

/** Whether a thread may still be in a call that it was let go on with: proc_pid_syscall(5). */
function isStillIn(thread: number, call: number): boolean {
  try {
    const [number] = readFileSync(`/proc/${thread}/syscall`, 'latin1').split(/\s/);
    return number === 'running' || Number(number) === call;
  } catch {
    return existsSync(`/proc/${thread}`); // A process that may not be looked into, or that has ended.
  }
}
