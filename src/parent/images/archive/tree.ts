/**
 * A folder that stands for / of a container, and the only way in which archives write to it. No path of an archive is
 * ever handed to the kernel as it is: every name is looked up with lstat(2), and a symbolic link on the way is
 * followed by hand inside the folder, as chroot(2) would. The folder must be one that nobody else may enter meanwhile.
 *
 * Names are bytes: in strings, each character is one.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { setTimes, setTimesOfOpen } from '../../../common/kernel/file-attributes.js';
import { type Found, mostLinks, walkDown } from '../../../common/path-walk.js';
import { longestPath, refusal, requireTarget, splitName } from './entry-name.js';
import { keepAttributes } from './extended-attributes.js';
import type { Extent } from './sparse-map.js';
import type { TarEntry } from './tar-entries.js';

/** A place in the tree: names from its root, none of them a symbolic link except perhaps the last. */
type Place = readonly string[];

/** Whatever has a name to show in an error. */
interface Named {
  readonly name: string;
}

export interface TreeOptions {
  /**
   * Whether set-user-ID and set-group-ID bits and file capabilities are kept: on the host they give rights to whoever can
   * reach the file, so only where nobody else can.
   */
  readonly privileges: boolean;
}

export class Tree {
  private readonly root: string;
  private readonly options: TreeOptions;
  /** Only root may give files away: chown(2). */
  private readonly keepsOwners = process.geteuid?.() === 0;
  /** What the present layer made, so that its whiteouts spare it. */
  private made = new Set<string>();
  /** Where something was left out for its type, and nothing is since. */
  private readonly skipped = new Set<string>();
  /** When each folder was last changed: set at the end, as everything that is made in one changes it. */
  private readonly folderTimes = new Map<string, bigint>();
  /** Where the folder of the last entry is; undefined once something was removed, which may have been on the way. */
  private lastFolder: { readonly key: string; readonly place: Place } | undefined;
  /** The mode that the archive gives to / itself. */
  rootMode = 0o755;
  /** Owners that could not be kept, as they are not mapped in this user namespace. */
  lostOwners = 0;
  /** Extended attributes that could not be kept. */
  lostAttributes = 0;

  constructor(root: string, options: TreeOptions = { privileges: false }) {
    this.root = Buffer.from(root).toString('latin1');
    this.options = options;
  }

  /** From here on, a whiteout hides what was there before. */
  beginLayer(): void {
    this.made = new Set();
  }

  /** Gives every folder its time; nothing may be made afterwards. */
  finish(): void {
    for (const [path, time] of this.folderTimes) {
      const place = path === '' ? [] : path.split('/');
      if (this.look(place)?.isDirectory()) setTimes(this.path(place), time);
    }
  }

  /** Makes a folder, or gives one that is there its new mode. */
  makeDirectory(entry: TarEntry): void {
    const place = this.placeToMake(entry);
    // So that its owner can always fill and remove it. Root in the container needs no permission anyway.
    const mode = this.keepsOwners ? entry.mode : entry.mode | 0o700;
    this.folderTimes.set(place.join('/'), entry.modified);
    if (place.length === 0) {
      this.rootMode = mode & 0o1777;
      return;
    }
    const path = this.path(place);
    this.unlessTaken(place, () => mkdirSync(path, 0o700), 'a folder may stay');
    this.giveAway(path, entry);
    chmodSync(path, mode);
    this.keepAttributes(place, entry);
    this.remember(place);
  }

  /** Makes a regular file; one that is there is replaced, not written to, as other names may lead to it. */
  async makeFile(entry: TarEntry): Promise<void> {
    const place = this.placeBelowRoot(entry);
    const path = this.path(place);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = this.unlessTaken(place, () => openSync(path, flags, 0o600)) as number;
    try {
      await writeBody(file, entry);
      this.giveAway(file, entry);
      // Set-user-ID, it would run on the host with the rights of whoever unpacked it.
      fchmodSync(file, entry.mode & (this.options.privileges ? 0o7777 : 0o1777));
      this.keepAttributes(place, entry);
      setTimesOfOpen(file, entry.modified);
    } finally {
      closeSync(file);
    }
    this.remember(place);
  }

  /** Makes a symbolic link; its target is text and is not looked at. */
  makeSymbolicLink(entry: TarEntry): void {
    requireTarget(entry.name, entry.target);
    const place = this.placeBelowRoot(entry);
    const path = this.path(place);
    this.unlessTaken(place, () => symlinkSync(Buffer.from(entry.target, 'latin1'), path));
    this.giveAway(path, entry);
    this.keepAttributes(place, entry);
    setTimes(path, entry.modified);
    this.remember(place);
  }

  /**
   * Gives a file that the archive brought before one more name: link(2) does not follow symbolic links.
   * @returns false if the file was left out for its type, and the link with it
   */
  makeHardLink(entry: TarEntry): boolean {
    const target = this.find(entry, splitName(entry.target), 'as it stands');
    if (target !== undefined && this.skipped.has(target.join('/'))) {
      this.skip(entry);
      return false;
    }
    const found = target && this.look(target);
    if (target === undefined || found === undefined || found.isDirectory()) {
      throw refusal(entry.name, 'is a hard link to a file that the archive did not bring before');
    }
    if (this.key(target) === this.key(this.placeToMake(entry))) return true;
    const place = this.vacantPlaceOf(entry);
    linkSync(this.path(target), this.path(place));
    this.remember(place);
    return true;
  }

  /** Leaves an entry out for its type. What was there before is gone all the same: it was replaced. */
  skip(entry: TarEntry): void {
    const place = this.vacantPlaceOf(entry);
    this.remember(place);
    this.skipped.add(this.key(place));
  }

  /** Removes what layers before this one brought at `names`: a whiteout. */
  hide(entry: TarEntry, names: readonly string[]): void {
    const place = this.find(entry, names, 'as it stands');
    if (place !== undefined) this.removeOlder(place);
  }

  /** Empties the folder at `names` of what layers before this one brought: an opaque whiteout. */
  hideContents(entry: TarEntry, names: readonly string[]): void {
    const place = this.find(entry, names, 'followed');
    if (place === undefined || !this.look(place)?.isDirectory()) return;
    for (const name of this.namesIn(place)) this.removeOlder([...place, name]);
  }

  /** Removes what is at the top under a name, whoever brought it. */
  removeFromTop(name: string): void {
    this.vacate([name]);
  }

  /**
   * The path on the host of a file in the tree, every symbolic link followed inside the tree.
   * @returns undefined if there is no such regular file
   */
  fileAt(name: string): Buffer | undefined {
    const place = this.find({ name }, splitName(name), 'followed');
    return place !== undefined && this.look(place)?.isFile() ? this.path(place) : undefined;
  }

  private key(place: Place): string {
    return place.join('/');
  }

  private path(place: Place): Buffer {
    return Buffer.from([this.root, ...place].join('/'), 'latin1');
  }

  private look(place: Place): Stats | undefined {
    try {
      return lstatSync(this.path(place), { throwIfNoEntry: false });
    } catch (error) {
      // Below something that is not a folder there is nothing.
      if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  private namesIn(place: Place): string[] {
    return readdirSync(this.path(place), { encoding: 'latin1' });
  }

  /** An ID that the user namespace does not map can own nothing: chown(2), EINVAL. */
  private giveAway(file: Buffer | number, { uid, gid }: TarEntry): void {
    if (!this.keepsOwners) return;
    try {
      if (typeof file === 'number') fchownSync(file, uid, gid);
      else lchownSync(file, uid, gid);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      this.lostOwners += 1;
    }
  }

  private keepAttributes(place: Place, entry: TarEntry): void {
    if (entry.attributes.size === 0) return;
    this.lostAttributes += keepAttributes(this.path(place), entry.attributes, this.options.privileges);
  }

  private remember(place: Place): void {
    if (this.skipped.size > 0) this.skipped.delete(this.key(place));
    for (let length = place.length; length > 0; length--) {
      const key = this.key(place.slice(0, length));
      // Then what it lies in is there too.
      if (this.made.has(key)) return;
      this.made.add(key);
    }
  }

  private removeOlder(place: Place): void {
    const found = this.look(place);
    if (found === undefined) return;
    if (!this.made.has(this.key(place))) this.vacate(place);
    else if (found.isDirectory()) {
      for (const name of this.namesIn(place)) this.removeOlder([...place, name]);
    }
  }

  /** Removes whatever is at a place; symbolic links are removed, never followed. */
  private vacate(place: Place): void {
    const found = this.look(place);
    if (found === undefined) return;
    this.lastFolder = undefined;
    if (!found.isDirectory()) {
      unlinkSync(this.path(place));
      return;
    }
    for (const name of this.namesIn(place)) this.vacate([...place, name]);
    rmdirSync(this.path(place));
    // Its time is not for what comes in its place, which may be a link to somewhere else.
    this.folderTimes.delete(this.key(place));
  }

  /** The place that an entry's name means, with nothing there. */
  private vacantPlaceOf(entry: TarEntry): Place {
    const place = this.placeBelowRoot(entry);
    this.vacate(place);
    return place;
  }

  private placeBelowRoot(entry: TarEntry): Place {
    const place = this.placeToMake(entry);
    if (place.length === 0) throw refusal(entry.name, 'would replace the root folder');
    return place;
  }

  /** Makes something where mostly nothing is; the kernel says so if something is (EEXIST), and that is removed first. */
  private unlessTaken<Made>(place: Place, make: () => Made, folder?: 'a folder may stay'): Made | undefined {
    try {
      return make();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (folder !== undefined && this.look(place)?.isDirectory()) return undefined;
    this.vacate(place);
    return make();
  }

  /** The place that an entry's name means; folders on the way to it are made, also where something else is. */
  private placeToMake(entry: TarEntry): Place {
    const names = splitName(entry.name);
    if (this.path(names).length > longestPath) {
      throw refusal(entry.name, `makes a path of more than ${longestPath} bytes in this folder`);
    }
    const above = names.slice(0, -1);
    const key = this.key(above);
    // Mostly that of the entry before; nothing was removed since, so it leads to the same place.
    const known = this.lastFolder?.key === key ? this.lastFolder.place : undefined;
    const folder =
      known ??
      this.follow(entry, above, (place) => {
        this.vacate(place);
        mkdirSync(this.path(place), 0o755);
        return true;
      });
    if (folder === undefined) return [];
    this.lastFolder = { key, place: folder };
    return [...folder, ...names.slice(-1)];
  }

  /** The place that some names mean, or undefined if a folder on the way to it is missing. */
  private find(entry: Named, names: readonly string[], last: 'followed' | 'as it stands'): Place | undefined {
    const split = last === 'followed' ? names.length : names.length - 1;
    const folder = this.follow(entry, names.slice(0, split), () => false, last === 'followed');
    return folder && [...folder, ...names.slice(split)];
  }

  /**
   * Walks down from the root, following symbolic links inside it.
   * @param make is called where there is no folder; if it makes none, the walk ends with undefined
   * @param any whether the last name may be of anything, not only a folder
   */
  private follow(
    entry: Named,
    names: readonly string[],
    make: (place: Place) => boolean,
    any = false,
  ): Place | undefined {
    const place = walkDown(names, (next, isLast): Found => {
      const found = this.look(next);
      if (found?.isSymbolicLink()) return { link: readlinkSync(this.path(next), 'latin1') };
      if (found?.isDirectory() || (found !== undefined && any && isLast)) return 'here';
      return make(next) ? 'here' : 'nothing';
    });
    if (place === 'loop') throw refusal(entry.name, `leads through more than ${mostLinks} symbolic links`);
    return place === 'nothing' ? undefined : place;
  }
}

/** Writes a body, its parts each to its place; what lies between is a hole: lseek(2). */
async function writeBody(file: number, entry: TarEntry): Promise<void> {
  const extents: readonly Extent[] = entry.sparse?.extents ?? [
    { offset: 0, length: Number.MAX_SAFE_INTEGER },
  ];
  const waiting = extents.filter(({ length }) => length > 0);
  let at = 0;
  for await (const chunk of entry.body) {
    for (let done = 0; done < chunk.length; ) {
      const [extent] = waiting;
      if (extent === undefined) throw new Error('a body is longer than its map of holes says');
      const part = chunk.subarray(done, done + extent.length - at);
      const written = writeSync(file, part, 0, part.length, extent.offset + at);
      done += written;
      at += written;
      if (at === extent.length) {
        waiting.shift();
        at = 0;
      }
    }
  }
  if (entry.sparse !== undefined) ftruncateSync(file, entry.sparse.size);
}
