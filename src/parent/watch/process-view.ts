/** The file system as a watched process sees it: its paths, its mounts, and what lies at a path. */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync } from 'node:fs';
import { posix } from 'node:path';
import { pathOf, textOf } from '../../common/byte-text.js';
import { openInRoot } from '../../common/kernel/open-in-root.js';
import { Mount } from '../../common/mount-table.js';
import { workingDirectory } from './shown-arguments.js';
import { link } from './watched-processes.js';

const O_PATH = 0o10000000; // open(2)

/** What a path leads to. */
export interface FoundFile {
  readonly stats: Stats;
  readonly mount: Mount | undefined;
  /** Whether it is the folder that the path lies in, because the path itself is not there. */
  readonly isFolderOf: boolean;
}

/** The mount that a path lies on, by its text alone: symbolic links are not followed. Of two in one place the later. */
const mountAbove = (path: string, mounts: readonly Mount[]): Mount | undefined =>
  mounts
    .filter(({ mountPoint }) => isBelow(path, mountPoint))
    .reduce<Mount | undefined>(
      (deepest, mount) =>
        deepest !== undefined && deepest.mountPoint.length > mount.mountPoint.length ? deepest : mount,
      undefined,
    );

const isBelow = (path: string, folder: string): boolean =>
  folder === '/' || path === folder || path.startsWith(`${folder}/`);

export class ProcessView {
  /** The mount tables by their namespaces. */
  private readonly tables = new Map<string, readonly Mount[]>();
  /** The threads that are about to change one. */
  private readonly changing = new Set<number>();

  /** An absolute path in the root of the process; undefined where the directory cannot be seen. */
  absolute(thread: number, { directory, path }: { directory: number; path: string }): string | undefined {
    if (path.startsWith('/')) return posix.normalize(path);
    const place = directory === workingDirectory ? 'cwd' : `fd/${directory}`;
    const base = link(`/proc/${thread}/${place}`);
    if (!base.startsWith('/')) return undefined;
    // The launcher sees where the root lies on the host, unless it is a mount of its own.
    const root = link(`/proc/${thread}/root`);
    const inside = root !== '/' && isBelow(base, root) ? base.slice(root.length) || '/' : base;
    return posix.normalize(`${inside}/${path}`).replace(/(?<=.)\/$/, '');
  }

  /** @param namespace which mount namespace it is in */
  mounts(thread: number, namespace: string): readonly Mount[] {
    this.changing.delete(thread);
    const known = this.tables.get(namespace);
    if (known !== undefined) return known;
    const table = mountsOf(thread);
    if (this.changing.size === 0) this.tables.set(namespace, table);
    return table;
  }

  mountOf(thread: number, namespace: string, path: string): Mount | undefined {
    return mountAbove(path, this.mounts(thread, namespace));
  }

  /** This thread makes a call that changes mounts, which takes effect once it was answered. */
  changes(thread: number): void {
    this.tables.clear();
    this.changing.add(thread);
    // One that ended in that call makes no other.
    if (this.changing.size > 64) this.changing.clear();
  }

  /**
   * What seems to be at a path: a link to an absolute path is followed on the host, so this is for what is looked at more
   * closely where it would be refused. Undefined where nothing is there.
   */
  glance(thread: number, path: string): Stats | undefined {
    try {
      return statSync(pathOf(`/proc/${thread}/root${path}`), { throwIfNoEntry: false });
    } catch {
      return undefined; // A folder that this process may not enter.
    }
  }

  /**
   * What is at a path, or the folder that it would be made in: openat2(2), and the mount by its number. It takes ten times
   * as long as reading the call.
   */
  find(thread: number, path: string): FoundFile | undefined {
    let root: number | undefined;
    try {
      root = openSync(`/proc/${thread}/root`, O_PATH | constants.O_DIRECTORY);
      const found = at(root, path, thread, false);
      return found ?? at(root, posix.dirname(path), thread, true);
    } catch {
      return undefined; // The process has ended.
    } finally {
      if (root !== undefined) closeSync(root);
    }
  }
}

function at(root: number, path: string, thread: number, isFolderOf: boolean): FoundFile | undefined {
  const file = openInRoot(root, path);
  if (file === undefined) return undefined;
  try {
    const [, id] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${file}`, 'latin1')) ?? [];
    const mount = mountsOf(thread).find((one) => one.id === Number(id));
    return { stats: fstatSync(file), mount, isFolderOf };
  } finally {
    closeSync(file);
  }
}

/** The mount table of another process, which is not remembered as that of the launch is. */
function mountsOf(thread: number): Mount[] {
  try {
    const table = textOf(readFileSync(`/proc/${thread}/mountinfo`));
    return table
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => new Mount(line));
  } catch {
    return [];
  }
}
