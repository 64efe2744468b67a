/**
 * The launcher's end of `--watch` (docs/watch.md): holds the listener, looks at each call and lets it go on. It sits in the
 * launcher, whose PID namespace is an ancestor of the command's, or it would see no process IDs; and whose end is that of
 * the container: without anybody who answers, the kernel says ENOSYS to everything that is watched.
 *
 * Namespaces enforce; the listener explains. What it lets go on the kernel looks at anew, and may find other arguments
 * than those that were read.
 */
import { constants } from 'node:os';
import { Failure } from '../../common/failure.js';
import { errnoName } from '../../common/kernel/errno.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import { type CallAnswer, Listener, type Notification, type Trip } from '../../common/kernel/listener.js';
import { drop, pipe } from '../../common/kernel/pipe.js';
import { takeDescriptor } from '../../common/kernel/take-descriptor.js';
import type { LaunchSpec } from '../../common/spec.js';
import type { WatchKind } from '../../common/watch/watched-calls.js';
import type { Log } from '../log/log.js';
import { decisionWords } from '../recorded/launch-log.js';
import { type CallRead, CallReader, type NamedCall } from './call-reader.js';
import { type Decider, decided, type Errno, undecided } from './decider.js';
import { callLine, summaryLine, Tally } from './tally.js';
import type { WatchedRecord } from './watched-record.js';

/** What comes after so many calls, or after so many characters of records, is counted and has none: a log is not to fill a disk. */
export const mostRecords = 20_000;
const mostCharacters = 16 * 1024 * 1024;
/** After so many more calls that wait for a decision it is looked which of their callers still wait. */
const mostUnlooked = 256;
/** Milliseconds: after so many the event loop has its turn. */
const turn = 5;

/** A call that waits for its answer; what the filter does not name has no name, and what could not be read was not. */
interface Held {
  readonly notification: Notification;
  readonly call: NamedCall | undefined;
  readonly read: CallRead | undefined;
  readonly hearer: Hearer | undefined;
}

/** One that was answered, or is about to be. */
interface Answered extends CallAnswer {
  readonly held: Held;
  /** Who decided about it. */
  readonly by?: Decider['name'] | undefined;
}

const answerTo = (held: Held, errno: Errno, by?: Decider['name']): Answered => ({
  id: held.notification.id,
  errno,
  held,
  by,
});

const refused = (by: Decider['name'], errno: Errno): Failure =>
  new Failure(`the command was not started: ${decisionWords(by, errnoName(errno))}`, { status: 126 });

/** Hears of calls, also of those that have no record any more. */
export interface Hearer {
  /** Of these kinds. */
  readonly kinds: readonly WatchKind[];
  /** @param pid of the process that makes it, as the host numbers it */
  hear(record: WatchedRecord, pid: number): void;
}

/** What a watcher has beside the log. */
interface Beside {
  /** Who hears of the calls of this thread, as long as it waits; those that nobody hears of are not looked at. */
  readonly hearerOf?: ((thread: number) => Hearer | undefined) | undefined;
  /** Decides whether a call goes on; without one all do. */
  readonly decider?: Decider | undefined;
}

export class Watcher {
  private reader: CallReader | undefined;
  private listener: Listener | undefined;
  private descriptors: number[] = [];
  private served: Promise<void> = Promise.resolve();
  private readonly tally = new Tally();
  private characters = 0;
  /** Whether the command's execve(2) went on. */
  private executes = false;
  /** Why the command could not be started, where somebody had its execve(2) fail. */
  refusedStart: Failure | undefined;
  private kernel: Kernel | undefined;
  /** Rejected where the calls cannot be answered any more: then the container has to end. */
  readonly broken: Promise<never>;
  private breaks: (reason: Error) => void = () => {};
  /** The calls that somebody decides about. */
  private readonly undecided = new Set<Held>();
  private unlooked = 0;

  constructor(
    private readonly spec: LaunchSpec,
    private readonly log: Log,
    private readonly beside: Beside = {},
  ) {
    this.broken = new Promise((_, reject) => {
      this.breaks = reject;
    });
    this.broken.catch(() => {});
  }

  /**
   * Takes the listener out of the command's process, and answers from here on.
   * @param pid that process, as the host numbers it; it waits before its execve(2)
   */
  take(kernel: Kernel, pid: number, descriptor: number): void {
    this.hold(kernel, pid, takeDescriptor(kernel, pid, descriptor));
  }

  /**
   * Answers by a listener that this process has.
   * @param pid a process in the container's namespaces
   */
  hold(kernel: Kernel, pid: number, taken: number): void {
    this.kernel = kernel;
    const wake = pipe(kernel, 'wake');
    this.descriptors = [taken, ...wake];
    this.reader = new CallReader(this.spec, pid);
    this.listener = new Listener(taken, wake);
    this.beside.decider?.begin(this.breaks);
    this.served = this.serve(this.listener).catch((error) => this.breaks(error as Error));
  }

  /** Everything inside has ended. */
  async end(): Promise<void> {
    this.beside.decider?.end();
    this.undecided.clear();
    if (this.listener === undefined) return;
    // Without this Node would wait for the thread that waits.
    this.listener.interrupt();
    await this.served;
    this.listener = undefined;
    this.reader?.release();
    if (this.kernel !== undefined) {
      this.kernel.step = ''; // It belongs to none, as what is done before the first.
      drop(this.kernel, ...this.descriptors);
    }
    const summary = this.tally.summary();
    const fields = { stage: 'parent', pid: process.pid, watch: summary };
    this.log.add('info', summaryLine(summary), fields);
  }

  /** Until nobody is left who has the filter, or this is woken. */
  private async serve(listener: Listener): Promise<void> {
    let state = 'quiet' as Trip['next'];
    while (state !== 'over') {
      await listener.wait();
      do {
        await this.log.together(async () => {
          state = this.serveForAWhile(listener);
        });
        await new Promise(setImmediate);
      } while (typeof state === 'object');
    }
  }

  /** One call after the other: each is answered on the way to the next. @returns what there was when time was up */
  private serveForAWhile(listener: Listener): Trip['next'] {
    const until = performance.now() + turn;
    let due: Answered | undefined;
    for (;;) {
      const { answered, next } = listener.travel(due);
      if (due !== undefined && answered) this.wentOn(due);
      if (typeof next !== 'object') return next;
      due = this.consider(listener, next);
      if (performance.now() < until) continue;
      if (due !== undefined && listener.answer(due)) this.wentOn(due);
      return next;
    }
  }

  /** @returns what the call is answered with, whatever happens here; undefined where it waits for a decision */
  private consider(listener: Listener, notification: Notification): Answered | undefined {
    const call = this.reader?.callOf(notification);
    const { decider, hearerOf } = this.beside;
    const hearer = hearerOf?.(notification.thread);
    const isLookedAt = hearerOf === undefined || hearer !== undefined;
    const read = isLookedAt && call !== undefined ? this.look(notification, call) : undefined;
    if (read === 'nothing') return answerTo({ notification, call: undefined, read: undefined, hearer }, 0);
    const held = { notification, call, read, hearer };
    // What was asked through a ring would be seen by nobody.
    if (call?.name === 'io_uring_setup') return answerTo(held, constants.errno.ENOSYS);
    if (decider === undefined || !this.isDecidedOn(call, decider)) return answerTo(held, 0);
    void this.ask(listener, held, decider);
    return undefined;
  }

  /** With --as-pid-1 the child itself makes calls until its execve(2), which are the launch's. */
  private isDecidedOn(call: NamedCall | undefined, { decidesOnStart }: Decider): boolean {
    if (call === undefined || !this.isWanted(call)) return false;
    return this.executes || (decidesOnStart && call.name === 'execve');
  }

  /** Whether the execve(2) that starts the command waits for a decision: until then no signal reaches anybody inside. */
  get holdsStart(): boolean {
    return !this.executes && this.undecided.size > 0;
  }

  private isWanted({ kind }: Pick<NamedCall, 'kind'>): boolean {
    return this.spec.watch?.kinds.includes(kind) === true;
  }

  /** The others go on meanwhile. What cannot be shown nobody can decide about. */
  private async ask(listener: Listener, held: Held, decider: Decider): Promise<void> {
    this.undecided.add(held);
    this.unlooked += 1;
    if (this.unlooked > mostUnlooked) this.forgetEnded(listener);
    const errno = held.read === undefined ? undecided : await decider.decide(held.read);
    // Its caller, or all of the container, may have ended.
    if (!this.undecided.delete(held)) return;
    const answered = answerTo(held, errno, decider.name);
    if (listener.answer(answered)) this.wentOn(answered);
  }

  /** Nobody may ever decide about calls whose callers have ended. */
  private forgetEnded(listener: Listener): void {
    this.unlooked = 0;
    for (const held of this.undecided) if (!listener.waits(held.notification.id)) this.undecided.delete(held);
  }

  /** The call was answered while its caller waited: otherwise what was read may be another's. */
  private wentOn({ held: { notification, call, read, hearer }, errno, by }: Answered): void {
    if (call === undefined) return;
    const starts = !this.executes && call.name === 'execve';
    if (starts && by !== undefined && errno !== 0) this.refusedStart = refused(by, errno);
    if (read !== undefined && (this.executes || starts))
      this.note(by === undefined ? read : decided(read, by, errno), hearer);
    this.executes ||= starts && errno === 0;
    this.reader?.goesOn(notification, call);
  }

  private look(notification: Notification, call: NamedCall): CallRead | 'nothing' | undefined {
    try {
      return this.reader?.read(notification, call);
    } catch {
      this.tally.unread += 1;
      return undefined;
    }
  }

  /** Writes the record, where its kind was asked for and there is room. */
  private note({ record, pid }: CallRead, hearer: Hearer | undefined): void {
    if (!(hearer ?? this.spec.watch)?.kinds.includes(record.kind)) return;
    this.tally.add(record, pid);
    hearer?.hear(record, pid);
    if (!this.log.wanted) return;
    if (this.tally.calls > mostRecords || this.characters > mostCharacters) {
      this.tally.notKept += 1;
      return;
    }
    const line = callLine(record);
    const written = `"stage":"parent","pid":${pid},${JSON.stringify(record).slice(1, -1)}`;
    this.characters += line.length + written.length;
    this.log.addWritten('info', line, { ...record }, written);
  }
}
