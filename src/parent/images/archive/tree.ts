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
  fstatSync,
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
import { type Moment, setTimes, setTimesOfOpen } from '../../../common/kernel/file-attributes.js';
import { type Found, mostLinks, walkDown } from '../../../common/path-walk.js';
import type { Waiting } from './byte-source.js';
import { longestName, longestPath, refusal, requireTarget, splitName } from './entry-name.js';
import { dropOtherAttributes, keepAttributes } from './extended-attributes.js';
import type { Body, TarEntry } from './tar-entries.js';

/**
 * A place in the tree: the path from its root, no name on it a symbolic link except perhaps the last. The root's is empty.
 */
type Place = string;

type Path = string | Buffer;
const isPlain = /^[ -~]*$/;
/** A name, neither `.` nor `..`, without anything that has to be looked at more closely. */
const isPlainName = /^(?!\.\.?$)[ -.0-~]+$/;

const below = (place: Place, name: string): Place => (place === '' ? name : `${place}/${name}`);

interface LastFolder {
  /** Its names, with `/` between them. */
  readonly name: string;
  readonly place: Place;
  /** What the entry's name had before its last name. */
  spelled: string | undefined;
}

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
  /** What the present layer made, so that its whiteouts spare it; undefined in the first, which has nothing to hide. */
  private made: Set<Place> | undefined;
  private layers = 0;
  /** What this place makes of a new file: its first one tells. */
  private usual: NewFile | undefined;
  /** Whether a folder of the tree gives its group to what is made in it: the set-group-ID bit of inode(7). */
  private passesGroupsOn = false;
  /** Where something was left out for its type, and nothing is since. */
  private readonly skipped = new Set<Place>();
  /** When each folder was last changed: set at the end, as everything that is made in one changes it. */
  private readonly folderTimes = new Map<Place, Moment>();
  /**
   * The folder of the last entry, by its name in the archive; undefined once something was removed, which may have been on
   * the way.
   */
  private lastFolder: LastFolder | undefined;
  /** Whether any entry had extended attributes. */
  private gaveAttributes = false;
  /** What the archive says of / itself: it is given its mode and owner at the end, and closed to others until then. */
  private top: Pick<TarEntry, 'mode' | 'uid' | 'gid'> = { mode: 0o755, uid: 0, gid: 0 };
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
    this.layers += 1;
    this.made = this.layers > 1 ? new Set() : undefined;
  }

  /**
   * Gives every folder its time, and the root its mode and owner; nothing may be made afterwards.
   * @param closed whether nobody but the present owner of the root is to be let in
   */
  finish(closed: boolean): void {
    const path = this.path('');
    const mode = this.top.mode & 0o1777;
    if (!closed) this.giveAway(path, this.top);
    chmodSync(path, closed ? mode & 0o700 : mode);
    for (const [place, time] of this.folderTimes) setTimes(this.path(place), time);
  }

  /** Makes a folder, or gives one that is there its new mode. */
  makeDirectory(entry: TarEntry): void {
    const place = this.placeToMake(entry);
    // So that its owner can always fill and remove it. Root in the container needs no permission anyway.
    const mode = this.keepsOwners ? entry.mode : entry.mode | 0o700;
    this.folderTimes.set(place, entry.modified);
    if (place === '') {
      this.top = { ...entry, mode };
      if (this.gaveAttributes) dropOtherAttributes(this.path(''), entry.attributes);
      this.keepAttributes('', entry);
      return;
    }
    const path = this.path(place);
    const isNew = this.unlessTaken(place, () => isMade(path, mode & 0o777), 'a folder may stay') ?? false;
    if (this.gaveAttributes) dropOtherAttributes(path, entry.attributes);
    if (!isNew || !this.isOwnedBy(entry)) this.giveAway(path, entry);
    // In a folder that gives its group to what is made in it, a new folder does so too.
    if (!isNew || this.passesGroupsOn || !this.isGivenMode(mode)) chmodSync(path, mode);
    if ((mode & 0o2000) !== 0) this.passesGroupsOn = true;
    this.keepAttributes(place, entry);
    this.remember(place);
  }

  /** Makes a regular file; one that is there is replaced, not written to, as other names may lead to it. */
  *makeFile(entry: TarEntry): Waiting<void> {
    const place = this.placeBelowRoot(entry);
    const path = this.path(place);
    // Set-user-ID, it would run on the host with the rights of whoever unpacked it.
    const mode = entry.mode & (this.options.privileges ? 0o7777 : 0o1777);
    const { usual } = this;
    const asked = usual === undefined ? 0o777 : mode & 0o777;
    const file = this.unlessTaken(place, () => openSync(path, asNew, asked)) as number;
    try {
      if (usual === undefined) this.lookAtFirst(file);
      yield* writeBody(file, entry);
      if (!this.isOwnedBy(entry)) this.giveAway(file, entry);
      if (usual === undefined || !this.isGivenMode(mode)) fchmodSync(file, mode);
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
    const target = isPlain.test(entry.target) ? entry.target : Buffer.from(entry.target, 'latin1');
    this.unlessTaken(place, () => symlinkSync(target, path));
    if (!this.isOwnedBy(entry)) this.giveAway(path, entry);
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
    if (target !== undefined && this.skipped.has(target)) {
      this.skip(entry);
      return false;
    }
    const found = target === undefined ? undefined : this.look(target);
    if (target === undefined || found === undefined || found.isDirectory()) {
      throw refusal(entry.name, 'is a hard link to a file that the archive did not bring before');
    }
    if (target === this.placeToMake(entry)) return true;
    const place = this.vacantPlaceOf(entry);
    linkSync(this.path(target), this.path(place));
    this.remember(place);
    return true;
  }

  /** Leaves an entry out for its type. What was there before is gone all the same: it was replaced. */
  skip(entry: TarEntry): void {
    const place = this.vacantPlaceOf(entry);
    this.remember(place);
    this.skipped.add(place);
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
    for (const name of this.namesIn(place)) this.removeOlder(below(place, name));
  }

  /** Removes what is at the top under a name, whoever brought it. */
  removeFromTop(name: string): void {
    this.vacate(name);
  }

  /**
   * The path on the host of a file in the tree, every symbolic link followed inside the tree.
   * @returns undefined if there is no such regular file
   */
  fileAt(name: string): Path | undefined {
    const place = this.find({ name }, splitName(name), 'followed');
    return place !== undefined && this.look(place)?.isFile() ? this.path(place) : undefined;
  }

  /** For the kernel: as a string where Node writes the same bytes for it, which is faster than a Buffer. */
  private path(place: Place): Path {
    const path = place === '' ? this.root : `${this.root}/${place}`;
    return isPlain.test(path) ? path : Buffer.from(path, 'latin1');
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
  private giveAway(file: Path | number, { uid, gid }: Pick<TarEntry, 'uid' | 'gid'>): void {
    if (!this.keepsOwners) return;
    try {
      if (typeof file === 'number') fchownSync(file, uid, gid);
      else lchownSync(file, uid, gid);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      this.lostOwners += 1;
    }
  }

  private lookAtFirst(file: number): void {
    this.usual = newFile(file);
    if ((lstatSync(this.path('')).mode & 0o2000) !== 0) this.passesGroupsOn = true;
  }

  /** Whether what is made belongs to whoever the entry says, without more. */
  private isOwnedBy({ uid, gid }: TarEntry): boolean {
    return uid === this.usual?.uid && gid === this.usual.gid && !this.passesGroupsOn;
  }

  /** Whether what is made with a mode has it, without more. */
  private isGivenMode(mode: number): boolean {
    return this.usual !== undefined && (mode & ~this.usual.modes) === 0;
  }

  private keepAttributes(place: Place, entry: TarEntry): void {
    if (entry.attributes.size === 0) return;
    this.gaveAttributes = true;
    this.lostAttributes += keepAttributes(this.path(place), entry.attributes, this.options.privileges);
  }

  private remember(place: Place): void {
    if (this.skipped.size > 0) this.skipped.delete(place);
    if (this.made === undefined) return;
    for (let path = place; path !== '' && !this.made.has(path); path = folderOf(path)) this.made.add(path);
  }

  private removeOlder(place: Place): void {
    const found = this.look(place);
    if (found === undefined) return;
    if (this.made?.has(place) === false) this.vacate(place);
    else if (found.isDirectory()) {
      for (const name of this.namesIn(place)) this.removeOlder(below(place, name));
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
    for (const name of this.namesIn(place)) this.vacate(below(place, name));
    rmdirSync(this.path(place));
    // Its time is not for what comes in its place, which may be a link to somewhere else.
    this.folderTimes.delete(place);
  }

  /** The place that an entry's name means, with nothing there. */
  private vacantPlaceOf(entry: TarEntry): Place {
    const place = this.placeBelowRoot(entry);
    this.vacate(place);
    return place;
  }

  private placeBelowRoot(entry: TarEntry): Place {
    const place = this.placeToMake(entry);
    if (place === '') throw refusal(entry.name, 'would replace the root folder');
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
    const beside = this.placeBeside(entry.name);
    if (beside !== undefined) return beside;
    const names = splitName(entry.name);
    const last = names.pop();
    if (last === undefined) return '';
    const name = names.join('/');
    if (this.root.length + name.length + last.length + 2 > longestPath) {
      throw refusal(entry.name, `makes a path of more than ${longestPath} bytes in this folder`);
    }
    // Mostly that of the entry before; nothing was removed since, so it leads to the same place.
    if (this.lastFolder?.name !== name) {
      this.lastFolder = { name, place: this.folderToMake(entry, names), spelled: undefined };
    }
    // As it is spelled, so that the name of the next entry need not be taken apart.
    if (entry.name.endsWith(`/${last}`)) this.lastFolder.spelled = entry.name.slice(0, -last.length);
    return below(this.lastFolder.place, last);
  }

  /** The place of a name in the folder of the last entry; undefined where it may be in another, or takes a closer look. */
  private placeBeside(name: string): Place | undefined {
    const { spelled, place = '' } = this.lastFolder ?? {};
    if (spelled === undefined || !name.startsWith(spelled)) return undefined;
    const last = name.slice(spelled.length);
    const isShort = last.length <= longestName && this.root.length + name.length + 2 <= longestPath;
    return isShort && isPlainName.test(last) ? below(place, last) : undefined;
  }

  private folderToMake(entry: Named, names: readonly string[]): Place {
    const made = this.follow(entry, names, (place) => {
      this.vacate(place);
      mkdirSync(this.path(place), 0o755);
      return true;
    });
    return made ?? '';
  }

  /** The place that some names mean, or undefined if a folder on the way to it is missing. */
  private find(entry: Named, names: readonly string[], last: 'followed' | 'as it stands'): Place | undefined {
    const split = last === 'followed' ? names.length : names.length - 1;
    const folder = this.follow(entry, names.slice(0, split), () => false, last === 'followed');
    return folder === undefined ? undefined : names.slice(split).reduce(below, folder);
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
    const walked = walkDown(names, (next, isLast): Found => {
      const place = next.join('/');
      const found = this.look(place);
      if (found?.isSymbolicLink()) return { link: readlinkSync(this.path(place), 'latin1') };
      if (found?.isDirectory() || (found !== undefined && any && isLast)) return 'here';
      return make(place) ? 'here' : 'nothing';
    });
    if (walked === 'loop') throw refusal(entry.name, `leads through more than ${mostLinks} symbolic links`);
    return walked === 'nothing' ? undefined : walked.join('/');
  }
}

/** There is nothing at the place, and nothing is followed. */
const asNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

const folderOf = (place: Place): Place => place.slice(0, Math.max(place.lastIndexOf('/'), 0));

function isMade(path: Path, mode: number): true {
  mkdirSync(path, mode);
  return true;
}

/** What the kernel makes of a new file: umask(2), access control lists of the folder (acl(5)) and mount options have a say. */
interface NewFile {
  /** The permissions that it gets if all are asked for. */
  readonly modes: number;
  readonly uid: number;
  readonly gid: number;
}

function newFile(file: number): NewFile {
  const { mode, uid, gid } = fstatSync(file);
  return { modes: mode & 0o777, uid, gid };
}

/** Writes a body, its parts each to its place; what lies between is a hole: lseek(2). */
function* writeBody(file: number, { body, size, sparse }: TarEntry): Waiting<void> {
  if (sparse === undefined) {
    yield* writePart(file, body, 0, size);
    return;
  }
  for (const { offset, length } of sparse.extents) yield* writePart(file, body, offset, offset + length);
  ftruncateSync(file, sparse.size);
}

function* writePart(file: number, body: Body, from: number, end: number): Waiting<void> {
  for (let at = from; at < end; ) {
    let chunk = body.here(end - at);
    if (chunk.length === 0) chunk = yield* body.next(end - at);
    writeAll(file, chunk, at);
    at += chunk.length;
  }
}

function writeAll(file: number, chunk: Buffer, at: number): void {
  for (let done = 0; done < chunk.length; ) {
    done += writeSync(file, chunk, done, chunk.length - done, at + done);
  }
}
