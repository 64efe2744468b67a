/**
 * The launcher's end of `--watch` (docs/watch.md): holds the listener, looks at each call and lets it go on. It sits in the
 * launcher, whose PID namespace is an ancestor of the command's, or it would see no process IDs; and whose end is that of
 * the container: without anybody who answers, the kernel says ENOSYS to everything that is watched.
 *
 * Namespaces enforce; the listener explains. What it lets go on the kernel looks at anew, and may find other arguments
 * than those that were read.
 */
import { constants } from 'node:os';
import type { Kernel } from '../../common/kernel/kernel.js';
import { Listener, type Notification } from '../../common/kernel/listener.js';
import { drop, pipe } from '../../common/kernel/pipe.js';
import { takeDescriptor } from '../../common/kernel/take-descriptor.js';
import type { LaunchSpec } from '../../common/spec.js';
import type { Log } from '../log/log.js';
import { type CallRead, CallReader, type NamedCall } from './call-reader.js';
import { callLine, summaryLine, Tally } from './tally.js';
import type { WatchedRecord } from './watched-record.js';

/** What comes after so many calls, or after so many characters of records, is counted and has none: a log is not to fill a disk. */
const [mostRecords, mostCharacters] = [20_000, 16 * 1024 * 1024];
/** Milliseconds: for so long a next call is waited for here, and after so many the event loop has its turn. */
const [linger, turn] = [1, 5];

export class Watcher {
  private reader: CallReader | undefined;
  private listener: Listener | undefined;
  private descriptors: number[] = [];
  private served: Promise<void> = Promise.resolve();
  private readonly tally = new Tally();
  private characters = 0;
  /** Whether the command's execve(2) was seen. */
  private executes = false;
  private kernel: Kernel | undefined;
  /** Rejected where the calls cannot be answered any more: then the container has to end. */
  readonly broken: Promise<never>;
  private breaks: (reason: Error) => void = () => {};

  constructor(
    private readonly spec: LaunchSpec,
    private readonly log: Log,
    /** Told of every call, also of those that have no record. */
    private readonly told: (record: WatchedRecord) => void = () => {},
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
    this.kernel = kernel;
    const taken = takeDescriptor(kernel, pid, descriptor);
    const wake = pipe(kernel, 'wake');
    this.descriptors = [taken, ...wake];
    this.reader = new CallReader(this.spec, pid);
    this.listener = new Listener(taken, wake);
    this.served = this.serve(this.listener).catch((error) => this.breaks(error as Error));
  }

  /** Everything inside has ended. */
  async end(): Promise<void> {
    if (this.listener === undefined) return;
    // Without this Node would wait for the thread that waits.
    this.listener.interrupt();
    await this.served;
    this.listener = undefined;
    this.reader?.release();
    if (this.kernel !== undefined) drop(this.kernel, ...this.descriptors);
    const summary = this.tally.summary();
    const fields = { stage: 'parent', pid: process.pid, watch: summary };
    this.log.add('info', summaryLine(summary), fields);
  }

  /** Until nobody is left who has the filter, or this is woken. */
  private async serve(listener: Listener): Promise<void> {
    for (;;) {
      await listener.wait();
      let state = listener.look(0);
      while (state === 'call') {
        await this.log.together(async () => {
          const from = performance.now();
          while (state === 'call' && performance.now() - from < turn) {
            this.step(listener);
            state = listener.look(linger);
          }
        });
        await new Promise(setImmediate);
      }
      if (state === 'over') return;
    }
  }

  /** Answers one call, whatever happens here. */
  private step(listener: Listener): void {
    const notification = listener.receive();
    if (notification === undefined) return;
    const call = this.reader?.callOf(notification);
    const read = call && this.look(notification, call);
    // What was asked through a ring would be seen by nobody.
    const answered = listener.answer(
      notification.id,
      call?.name === 'io_uring_setup' ? constants.errno.ENOSYS : 0,
    );
    // Nobody waits any more: what was read may be another's.
    if (!answered || call === undefined) return;
    // With --as-pid-1 the child itself makes calls until its execve(2).
    this.executes ||= call.name === 'execve';
    if (read !== undefined && this.executes) this.note(read);
    this.reader?.goesOn(notification, call);
  }

  private look(notification: Notification, call: NamedCall): CallRead | undefined {
    try {
      return this.reader?.read(notification, call);
    } catch {
      this.tally.unread += 1;
      return undefined;
    }
  }

  /** Writes the record, where its kind was asked for and there is room. */
  private note({ record, pid }: CallRead): void {
    if (this.spec.watch?.kinds.includes(record.kind) !== true) return;
    this.tally.add(record, pid);
    this.told(record);
    const line = callLine(record);
    this.characters += JSON.stringify([line, record]).length;
    if (this.tally.calls > mostRecords || this.characters > mostCharacters) {
      this.tally.notKept += 1;
      return;
    }
    this.log.add('info', line, { stage: 'parent', pid, ...record });
  }
}
