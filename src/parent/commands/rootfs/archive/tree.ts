/**
 * A folder that stands for / of a container, and the only way in which archives write to it. No path of an archive is
 * ever handed to the kernel as it is: every name is looked up with lstat(2), and a symbolic link on the way is
 * followed by hand inside the folder, as chroot(2) would. The folder must be one that nobody else may enter meanwhile.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { mostLinks, walkDown } from '../../../../common/path-walk.js';
import { longestPath, refusal, requireTarget, splitName } from './entry-name.js';
import type { TarEntry } from './tar-entries.js';

/** A place in the tree: names from its root, none of them a symbolic link except perhaps the last. */
type Place = readonly string[];

/** Whatever has a name to show in an error. */
interface Named {
  readonly name: string;
}

export class Tree {
  private readonly root: string;
  /** Only root may give files away: chown(2). */
  private readonly keepsOwners = process.geteuid?.() === 0;
  /** What the present layer made, so that its whiteouts spare it. */
  private made = new Set<string>();
  /** The mode that the archive gives to / itself. */
  rootMode = 0o755;

  constructor(root: string) {
    this.root = root;
  }

  /** From here on, a whiteout hides what was there before. */
  beginLayer(): void {
    this.made = new Set();
  }

  /** Makes a folder, or gives one that is there its new mode. */
  makeDirectory(entry: TarEntry): void {
    const place = this.placeToMake(entry);
    // So that its owner can always fill and remove it. Root in the container needs no permission anyway.
    const mode = this.keepsOwners ? entry.mode : entry.mode | 0o700;
    if (place.length === 0) {
      this.rootMode = mode & 0o1777;
      return;
    }
    const path = this.path(place);
    if (!this.look(place)?.isDirectory()) {
      this.vacate(place);
      mkdirSync(path, 0o700);
    }
    if (this.keepsOwners) lchownSync(path, entry.uid, entry.gid);
    chmodSync(path, mode);
    this.remember(place);
  }

  /** Makes a regular file; one that is there is replaced, not written to, as other names may lead to it. */
  async makeFile(entry: TarEntry): Promise<void> {
    const place = this.vacantPlaceOf(entry);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = openSync(this.path(place), flags, 0o600);
    try {
      for await (const chunk of entry.body) {
        for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
      }
      if (this.keepsOwners) fchownSync(file, entry.uid, entry.gid);
      // Never set-user-ID: on the host it would run with the rights of whoever unpacked it.
      fchmodSync(file, entry.mode & 0o777);
      futimesSync(file, entry.modified, entry.modified);
    } finally {
      closeSync(file);
    }
    this.remember(place);
  }

  /** Makes a symbolic link; its target is text and is not looked at. */
  makeSymbolicLink(entry: TarEntry): void {
    requireTarget(entry.name, entry.target);
    const place = this.vacantPlaceOf(entry);
    symlinkSync(entry.target, this.path(place));
    if (this.keepsOwners) lchownSync(this.path(place), entry.uid, entry.gid);
    lutimesSync(this.path(place), entry.modified, entry.modified);
    this.remember(place);
  }

  /** Gives a file that the archive brought before one more name: link(2) does not follow symbolic links. */
  makeHardLink(entry: TarEntry): void {
    const target = this.find(entry, splitName(entry.target), 'as it stands');
    const found = target && this.look(target);
    if (target === undefined || found === undefined || found.isDirectory()) {
      throw refusal(entry.name, 'is a hard link to a file that the archive did not bring before');
    }
    if (this.path(target) === this.path(this.placeToMake(entry))) return;
    const place = this.vacantPlaceOf(entry);
    linkSync(this.path(target), this.path(place));
    this.remember(place);
  }

  /** Removes what layers before this one brought at `names`: a whiteout. */
  hide(entry: TarEntry, names: readonly string[]): void {
    const place = this.find(entry, names, 'as it stands');
    if (place !== undefined) this.removeOlder(place);
  }

  /** Empties the folder at `names` of what layers before this one brought: an opaque whiteout. */
  hideContents(entry: TarEntry, names: readonly string[]): void {
    const place = this.find(entry, names, 'followed');
    if (place === undefined || !lstatSync(this.path(place)).isDirectory()) return;
    for (const name of readdirSync(this.path(place))) this.removeOlder([...place, name]);
  }

  /**
   * The path on the host of a file in the tree, every symbolic link followed inside the tree.
   * @returns undefined if there is no such regular file
   */
  fileAt(name: string): string | undefined {
    const place = this.find({ name }, splitName(name), 'followed');
    return place !== undefined && this.look(place)?.isFile() ? this.path(place) : undefined;
  }

  private path(place: Place): string {
    return join(this.root, ...place);
  }

  private look(place: Place): Stats | undefined {
    return lstatSync(this.path(place), { throwIfNoEntry: false });
  }

  private remember(place: Place): void {
    for (let length = place.length; length > 0; length--) this.made.add(place.slice(0, length).join('/'));
  }

  private removeOlder(place: Place): void {
    const found = this.look(place);
    if (found === undefined) return;
    if (!this.made.has(place.join('/'))) this.vacate(place);
    else if (found.isDirectory()) {
      for (const name of readdirSync(this.path(place))) this.removeOlder([...place, name]);
    }
  }

  /** Removes whatever is at a place: rm(1) does not follow symbolic links. */
  private vacate(place: Place): void {
    rmSync(this.path(place), { recursive: true, force: true });
  }

  /** The place that an entry's name means, with nothing there. */
  private vacantPlaceOf(entry: TarEntry): Place {
    const place = this.placeToMake(entry);
    if (place.length === 0) throw refusal(entry.name, 'would replace the root folder');
    this.vacate(place);
    return place;
  }

  /** The place that an entry's name means; folders on the way to it are made. */
  private placeToMake(entry: TarEntry): Place {
    const names = splitName(entry.name);
    if (Buffer.byteLength(this.path(names)) > longestPath) {
      throw refusal(entry.name, `makes a path of more than ${longestPath} bytes in this folder`);
    }
    const folder = this.follow(entry, names.slice(0, -1), (place) => mkdirSync(this.path(place), 0o755));
    return folder === undefined ? [] : [...folder, ...names.slice(-1)];
  }

  /** The place that some names mean, or undefined if a folder on the way to it is missing. */
  private find(entry: Named, names: readonly string[], last: 'followed' | 'as it stands'): Place | undefined {
    const split = last === 'followed' ? names.length : names.length - 1;
    const folder = this.follow(entry, names.slice(0, split), () => undefined);
    return folder && [...folder, ...names.slice(split)];
  }

  /**
   * Walks down from the root, following symbolic links inside it.
   * @param make is called for a name that is not there; if it makes nothing, the walk ends with undefined
   */
  private follow(entry: Named, names: readonly string[], make: (place: Place) => unknown): Place | undefined {
    const place = walkDown(names, (next, isLast) => {
      if (this.look(next) === undefined) make(next);
      const found = this.look(next);
      if (found === undefined) return 'nothing';
      if (found.isSymbolicLink()) return { link: readlinkSync(this.path(next)) };
      if (found.isDirectory() || isLast) return 'here';
      throw refusal(entry.name, 'lies below something that is not a folder');
    });
    if (place === 'loop') throw refusal(entry.name, `leads through more than ${mostLinks} symbolic links`);
    return place === 'nothing' ? undefined : place;
  }
}
