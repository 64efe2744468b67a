/**
 * Which watched calls on files will be refused: because of the mount (EROFS), or of owner and mode (EACCES). What the kernel
 * looks at first is looked at first: who makes a folder that is there already is told that, on whatever mount it is.
 */
import { constants } from 'node:fs';
import { posix } from 'node:path';
import { constants as kernelConstants } from '../../common/kernel/constants.js';
import { insideId, isHostTree, type LaunchSpec } from '../../common/spec.js';
import { type Answers, type Asked, may } from './answers.js';
import { type Change, changeOf, opening } from './changed-paths.js';
import { AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW, unnamed } from './flag-names.js';
import type { Find, FoundFile, ProcessView } from './process-view.js';
import type { WatchedProcess, WatchedProcesses } from './watched-processes.js';
import type { Refusal } from './watched-record.js';

/** Bits of the mode, and of what is asked for. */
const [wantsToRead, wantsToWrite] = [4, 2];

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } = constants;
const accessMode = 3;

/** A call with what is looked at for it. */
interface Looked {
  readonly asked: Asked;
  /** Its paths as the kernel takes them, `..` and all. */
  readonly places: readonly string[];
  readonly find: Find;
}

export class FileForesight {
  constructor(
    private readonly spec: LaunchSpec,
    private readonly processes: WatchedProcesses,
    private readonly view: ProcessView,
    private readonly answers: Answers,
  ) {}

  refusal(asked: Asked): Refusal | undefined {
    const { call, read, thread, paths } = asked;
    const flags = openFlags(asked);
    const change = changeOf.get(call.name);
    const wants = flags === undefined ? wantsToWrite : wantsOf(flags);
    if ((flags === undefined && change === undefined) || wants === 0 || paths.length === 0) return undefined;
    const mounts = this.view.mounts(thread, this.processes.namespace(thread, 'mnt'));
    const readOnly = wants !== wantsToRead && mounts.someReadOnly;
    // Root of the host is refused nothing else.
    if (!readOnly && (flags === undefined || this.answers.whose(thread, 'user') === 'host')) return undefined;
    if (!readOnly && this.view.mayGlance && this.seemsPermitted(asked, paths.at(-1) as string, wants))
      return undefined;
    return this.view.looking(thread, (find) => {
      const places = read.paths.flatMap((path) => this.view.place(thread, path) ?? []);
      if (places.length !== read.paths.length) return undefined;
      const looked = { asked, places, find };
      return flags === undefined ? change && this.ofChange(looked, change) : this.ofOpen(looked, flags);
    });
  }

  /** Most calls are, and to find out costs a tenth of what finding the reason does. */
  private seemsPermitted({ thread, process }: Asked, path: string, wants: number): boolean {
    const stats = this.view.glance(thread, path);
    // What is not there is not refused.
    return (
      stats === undefined || (permitted(process, stats) & wants) === wants || this.overrides(process, stats)
    );
  }

  /** open(2): of what is there already, before what its folder allows. */
  private ofOpen(looked: Looked, flags: number): Refusal | undefined {
    const { asked, find, places } = looked;
    const place = places.at(-1) as string;
    const isNew = (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL);
    const found = find(place, !isNew && (flags & O_NOFOLLOW) === 0);
    if (found === undefined)
      // A link that leads nowhere makes what it leads to.
      return flags & O_CREAT && find(place, false) === undefined ? this.ofFolder(looked, place) : undefined;
    const { stats } = found;
    const wants = wantsOf(flags & ~O_CREAT);
    if (isNew || stats.isSymbolicLink()) return undefined;
    if (stats.isDirectory() && wants !== wantsToRead)
      return unnamed(flags) ? this.onReadOnlyMount(asked, found) : undefined;
    const writes = (wants & wantsToWrite) !== 0 && stats.isFile();
    const readOnly = writes ? this.onReadOnlyMount(asked, found) : undefined;
    return this.first(asked, found, wants, readOnly, (flags & O_TRUNC) !== 0);
  }

  private ofChange(looked: Looked, change: Change): Refusal | undefined {
    const { asked, find, places } = looked;
    const [place = '', other] = places.toReversed();
    if (change === 'made' || change === 'removed') {
      // A second path comes before it.
      if (other !== undefined && !comesSoFar(looked, change, other, place)) return undefined;
      return change === 'made' && find(place, false) !== undefined ? undefined : this.ofFolder(looked, place);
    }
    const follows = change !== 'link' && ((asked.read.atFlags ?? 0) & AT_SYMLINK_NOFOLLOW) === 0;
    const found = find(place, follows);
    if (found === undefined) return undefined;
    const readOnly = this.onReadOnlyMount(asked, found);
    if (change !== 'contents') return readOnly;
    return found.stats.isFile() ? this.first(asked, found, wantsToWrite, readOnly, false) : undefined;
  }

  /** A name is made and removed where its folder is. */
  private ofFolder({ asked, find }: Looked, place: string): Refusal | undefined {
    if (!isName(place)) return undefined;
    const folder = find(posix.dirname(place));
    return folder?.stats.isDirectory() ? this.onReadOnlyMount(asked, folder) : undefined;
  }

  /** A file system that is read-only as a whole says so before it looks at owner and mode, a mount after that. */
  private first(
    asked: Asked,
    found: FoundFile,
    wants: number,
    readOnly: Refusal | undefined,
    cuts: boolean,
  ): Refusal | undefined {
    const comesFirst = cuts || found.mount?.superOptions.includes('ro') === true;
    return (comesFirst ? readOnly : undefined) ?? this.ofOwner(asked, found, wants) ?? readOnly;
  }

  private onReadOnlyMount({ paths }: Asked, { mount }: FoundFile): Refusal | undefined {
    if (mount?.readOnly !== true) return undefined;
    const { root } = this.spec;
    const path = paths.at(-1) as string;
    const asked = root?.readOnly === true && (mount.mountPoint === '/' || isHostTree(root));
    return {
      errno: 'EROFS',
      because: `${path} is on a read-only mount, ${mount.mountPoint}`,
      option: asked
        ? `without --read-only, or with --tmpfs or --bind for a folder, it can be written`
        : `--bind SRC:${mount.mountPoint === '/' ? path : mount.mountPoint} puts something there that can be written`,
    };
  }

  /** capabilities(7): CAP_DAC_OVERRIDE counts for files whose owner and group are in the map. */
  private ofOwner(
    { thread, process, paths }: Asked,
    { stats }: FoundFile,
    wants: number,
  ): Refusal | undefined {
    if (this.answers.whose(thread, 'user') !== 'container') return undefined;
    if ((permitted(process, stats) & wants) === wants) return undefined;
    if (this.overrides(process, stats)) return undefined;
    const path = paths.at(-1) as string;
    const mode = `0${(stats.mode & 0o7777).toString(8)}`;
    const because = this.isMapped(stats)
      ? `${path} has the mode ${mode}, and belongs to another user`
      : `${path} belongs to user ${stats.uid} and group ${stats.gid} of the host, who are not both in the map, and has the mode ${mode}`;
    return { errno: 'EACCES', because, option: `--bind FILE:${path} puts a file of your own there` };
  }

  private isMapped({ uid, gid }: FoundFile['stats']): boolean {
    const { maps } = this.spec;
    return insideId(maps?.uid ?? [], uid) !== undefined && insideId(maps?.gid ?? [], gid) !== undefined;
  }

  private overrides(process: WatchedProcess, stats: FoundFile['stats']): boolean {
    return may(process, 'CAP_DAC_OVERRIDE') && this.isMapped(stats);
  }
}

/** What a call that opens was asked for: creat(2) has no flags of its own. */
function openFlags({ call, read }: Asked): number | undefined {
  if (call.name === 'creat') return O_CREAT | O_WRONLY | O_TRUNC;
  return opening.test(call.name) ? read.flags : undefined;
}

/** Which bits of a file's mode an open(2) with these flags looks at; none with O_PATH. */
function wantsOf(flags: number): number {
  if (flags & kernelConstants.O_PATH) return 0;
  const access = flags & accessMode;
  const writes = access !== O_RDONLY || (flags & (O_CREAT | O_TRUNC)) !== 0;
  return (access === O_WRONLY ? 0 : wantsToRead) | (writes ? wantsToWrite : 0);
}

/** The bits of a file's mode that are for this process: path_resolution(7). */
function permitted(
  { uid, gid, groups }: WatchedProcess,
  { uid: owner, gid: group, mode }: FoundFile['stats'],
): number {
  if (uid === owner) return (mode >> 6) & 7;
  return gid === group || groups.includes(group) ? (mode >> 3) & 7 : mode & 7;
}

/** A path that ends otherwise can be neither made nor removed. */
const isName = (place: string): boolean => !['', '.', '..'].includes(posix.basename(place));

/** Whether what is looked at before the last path lets link(2) or rename(2) come to that. */
function comesSoFar({ asked, find }: Looked, change: 'made' | 'removed', from: string, to: string): boolean {
  if (change === 'made')
    return find(from, ((asked.read.atFlags ?? 0) & AT_SYMLINK_FOLLOW) !== 0) !== undefined;
  const [one, other] = [from, to].map((place) => find(posix.dirname(place))?.mount?.id);
  return isName(from) && one !== undefined && one === other; // Else EXDEV.
}
