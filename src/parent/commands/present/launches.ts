/** The launches that are followed: found by their logs, read as these grow, and forgotten when there are too many. */
import { type FSWatcher, rmSync, statSync, watch } from 'node:fs';
import {
  type LaunchState,
  type ListedLaunch,
  launchState,
  type ShownLaunch,
} from '../../presenter/launch-state.js';
import { asNumber } from '../../recorded/fields.js';
import type { LaunchLog } from '../../recorded/launch-log.js';
import { launchOf } from '../../recorded/read-log.js';
import { listing } from '../../state/listing.js';
import { isAlive } from '../../state/process-identity.js';
import type { Following, FoundLog } from './following.js';
import { LogTail } from './log-tail.js';

/** More launches than these are in no list that somebody would read. */
const most = 60;

export class FollowedLaunch implements ShownLaunch, ListedLaunch {
  private readonly tail: LogTail;
  /** When it began, milliseconds since 1970. */
  began = Date.now();
  /** Whether nothing more will come. */
  over = false;
  /** Whether the launcher is gone without a last word in the log. */
  cutOff = false;
  /** Why the log cannot be shown, a sentence. */
  complaint: string | undefined;
  log: LaunchLog | undefined;
  /** The command, and where the launch is: known also of one whose log is not kept in memory. */
  command = '';
  state: LaunchState = { kind: 'works', words: 'begins' };
  /** Whether it has waited for a key. */
  private walked = false;

  constructor(readonly found: FoundLog) {
    this.tail = new LogTail(found.path);
  }

  /**
   * Reads what is new, and checks whether the launcher is alive.
   * @returns whether anything changed
   */
  look(): boolean {
    if (this.over && this.log !== undefined) return false;
    // Asked before the log is read: what it wrote last is then in it.
    const alive = isAlive(this.found.launcher);
    const grown = this.grown();
    const said = this.log?.ended !== undefined || this.log?.failure !== undefined;
    const over = !alive || said;
    const changed = grown || over !== this.over;
    this.over = over;
    this.cutOff = over && !said;
    if (changed) this.remember();
    return changed;
  }

  get id(): string {
    return this.found.id;
  }

  get name(): string {
    return this.found.name;
  }

  /** Whether somebody goes through it step by step, and is not at its end. */
  get isWalked(): boolean {
    return this.walked && !this.over && this.state.kind !== 'runs';
  }

  private remember(): void {
    this.state = launchState(this);
    this.command = this.log?.command.join(' ') ?? this.command;
    this.walked ||= this.log?.stop !== undefined;
  }

  /** What is wrong with the log, a sentence each. */
  get lacks(): string[] {
    const { damaged, tooLong, cut } = this.tail;
    return [
      ...(damaged > 0 ? ['Lines of the log that are no records were passed over.'] : []),
      ...(tooLong ? ['The log is longer than that of any launch, and was read no further.'] : []),
      ...(cut && this.cutOff ? ['The last line of the log is cut off: what it said is missing here.'] : []),
    ];
  }

  /** Gives the memory back, when nobody looks at it. */
  forget(): void {
    this.tail.forget();
    this.log = undefined;
  }

  private grown(): boolean {
    try {
      if (!this.tail.read()) return false;
      const { records } = this.tail;
      this.log = records.length === 0 ? undefined : launchOf(records, 'The log');
      this.complaint = undefined;
      this.began = asNumber(records[0]?.time) || this.began;
      return true;
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      const complaint = code === undefined ? message : `The log cannot be read any more (${code})`;
      const changed = complaint !== this.complaint;
      this.complaint = complaint;
      return changed;
    }
  }
}

export class Launches {
  private readonly known = new Map<string, FollowedLaunch>();
  private current: FollowedLaunch | undefined;
  private watcher: FSWatcher | undefined;
  /** Which folder the watcher watches, by Following.made. */
  private watched = 0;

  /** @param changed told when a file in the folder changes, as far as the kernel can tell; look() says what did */
  constructor(
    private readonly following: Following,
    private readonly changed: () => void,
  ) {}

  /** In the order in which they began. */
  get all(): FollowedLaunch[] {
    return [...this.known.values()].sort((a, b) => a.began - b.began);
  }

  /** The one that the page follows: the newest, but a walk keeps the page from those that begin meanwhile. */
  get followed(): FollowedLaunch | undefined {
    return this.current ?? this.all.at(-1);
  }

  /** Those that began after the one that the page follows. */
  get others(): FollowedLaunch[] {
    const { followed } = this;
    return this.all.filter(({ began }) => followed !== undefined && began > followed.began);
  }

  byId(id: string): FollowedLaunch | undefined {
    return this.known.get(id);
  }

  /**
   * Takes in the containers that run already, as far as they write a log file.
   * @returns the names of the others, whose steps were not written down
   */
  takeRunning(): string[] {
    return listing().containers.flatMap(({ name, launcher, log }) => {
      const id = `${name}.${launcher.pid}.${launcher.startTime}`;
      if (this.known.has(id)) return [];
      // Reading from a pipe or a terminal would take the log away from whom it is for.
      if (log === undefined || !statSync(log, { throwIfNoEntry: false })?.isFile()) return [name];
      this.known.set(id, new FollowedLaunch({ id, name, launcher, path: log }));
      return [];
    });
  }

  /**
   * Finds new logs and reads what was added to the others.
   * @returns whether anything changed
   * @throws Failure when the state folder must not be believed
   */
  look(): boolean {
    const fresh: FollowedLaunch[] = [];
    const files = this.following.announce();
    this.watch();
    for (const found of this.following.logs(files)) {
      if (this.known.has(found.id)) continue;
      fresh.push(new FollowedLaunch(found));
      this.known.set(found.id, fresh.at(-1) as FollowedLaunch);
    }
    let changed = fresh.length > 0;
    for (const launch of this.known.values()) {
      if (launch.over) continue;
      changed = launch.look() || changed;
    }
    if (fresh.length > 0 && !this.current?.isWalked)
      this.current = fresh.sort((a, b) => a.began - b.began).at(-1);
    return this.dropOldest() || changed;
  }

  end(): void {
    this.watcher?.close();
    this.following.end();
  }

  /** inotify(7) has limits; where it is not to be had, looking from time to time has to do. */
  private watch(): void {
    if (this.watched === this.following.made) return;
    this.watched = this.following.made;
    this.watcher?.close();
    try {
      this.watcher = watch(this.following.folder, this.changed).on('error', () => this.watcher?.close());
    } catch {
      this.watcher = undefined;
    }
  }

  private dropOldest(): boolean {
    const over = this.all.filter((launch) => launch.over);
    const dropped = over.slice(0, Math.max(0, this.known.size - most));
    for (const { found } of dropped) {
      this.known.delete(found.id);
      if (this.current?.found === found) this.current = undefined;
      if (found.path.startsWith(`${this.following.folder}/`)) rmSync(found.path, { force: true });
    }
    return dropped.length > 0;
  }
}
