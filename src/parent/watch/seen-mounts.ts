/** The mounts that a process sees. A host can have thousands, and every watched call with a path asks for one of them. */
import { posix } from 'node:path';
import { type Mount, mountAbove } from '../../common/mount-table.js';

/** More folders than this are not kept. */
const mostKept = 1024;

export class SeenMounts {
  /** Whether there is one that nothing can be written to. */
  readonly someReadOnly: boolean;
  private readonly points: ReadonlySet<string>;
  private readonly known = new Map<string, Mount | undefined>();

  constructor(private readonly table: readonly Mount[]) {
    this.someReadOnly = table.some((mount) => mount.readOnly);
    this.points = new Set(table.map(({ mountPoint }) => mountPoint));
  }

  /** The mount that an absolute path leads to, by its text alone. */
  above(path: string): Mount | undefined {
    const place = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    // What is no mount point itself is on the mount of its folder.
    const asked = this.points.has(place) ? place : posix.dirname(place);
    if (this.known.has(asked)) return this.known.get(asked);
    if (this.known.size >= mostKept) this.known.clear();
    const found = mountAbove(asked, this.table);
    this.known.set(asked, found);
    return found;
  }
}
