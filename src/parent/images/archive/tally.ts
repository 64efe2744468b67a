/** Counts what an archive brought, and what of it could not be kept. */
import { counted } from '../../../common/counted.js';
import { readableSize } from '../../../common/readable-size.js';
import type { TarEntry } from './tar-entries.js';
import type { TreeOptions } from './tree.js';

export class Tally {
  private readonly keepsOwners = process.geteuid?.() === 0;
  private readonly keepsPrivileges: boolean;
  files = 0;
  /** Bytes of regular files. */
  size = 0;
  /** Entries that belong to someone else than root, which only root can keep: chown(2). */
  owners = 0;
  /** The same for an owner that the user namespace does not map. */
  unmapped = 0;
  /** Device nodes and fifos, which have no place in a container's root, and hard links to them. */
  devices = 0;
  /** Extended attributes that mean nothing here, or that the file system or the user's rights do not allow. */
  attributes = 0;
  /** Files that were set-user-ID or set-group-ID, where that is not kept. */
  setIds = 0;

  /** @param options those of the tree that is filled */
  constructor({ privileges }: TreeOptions) {
    this.keepsPrivileges = privileges;
  }

  /** @param made whether the entry was made, or left out for its type */
  count(entry: TarEntry, made: boolean): void {
    if (!made) {
      this.devices += 1;
      return;
    }
    if (entry.type === 'file') {
      this.files += 1;
      this.size += entry.size;
      if (!this.keepsPrivileges && (entry.mode & 0o6000) !== 0) this.setIds += 1;
    }
    if (!this.keepsOwners && (entry.uid !== 0 || entry.gid !== 0)) this.owners += 1;
  }

  /** What it brought: `5 files, 12.0 KiB`. */
  get contents(): string {
    return `${counted(this.files, 'file')}, ${readableSize(this.size)}`;
  }

  /** One sentence about what was lost, or undefined if nothing was. */
  get losses(): string | undefined {
    const counts: readonly (readonly [count: number, one: string, many: string])[] = [
      [this.owners + this.unmapped, 'owner', 'owners'],
      [this.setIds, 'set-user-ID or set-group-ID bit', 'set-user-ID or set-group-ID bits'],
      [this.devices, 'device node or fifo', 'device nodes or fifos'],
      [this.attributes, 'extended attribute', 'extended attributes'],
    ];
    const lost = counts.filter(([count]) => count > 0);
    if (lost.length === 0) return undefined;
    return `Not kept: ${lost.map(([count, one, many]) => `${count} ${count === 1 ? one : many}`).join(', ')}.`;
  }
}
