/**
 * Commands of an open container whose calls are watched. They are started by an F of their own (forker.ts), which has the
 * filter of src/common/steps/watch.ts: whatever it starts inherits that, and one listener hears of them all. A call is told to
 * the command whose process, or whose descendant, makes it.
 */
import { Failure } from '../../common/failure.js';
import { ownListeners } from '../../common/kernel/listener-comes.js';
import type { Recorder } from '../../common/kernel/recorder.js';
import { processStatOrNone } from '../../common/process-files.js';
import type { LaunchSpec, Watch } from '../../common/spec.js';
import { serveStep } from '../../common/steps/serve.js';
import type { WatchKind } from '../../common/watch/watched-calls.js';
import type { Log } from '../log/log.js';
import type { WatchedRecord } from '../watch/watched-record.js';
import { type Hearer, mostRecords, Watcher } from '../watch/watcher.js';
import { Forker } from './forker.js';

/** Of so many processes it is remembered whose they are. */
const mostKnown = 4_096;
/** A chain of processes each of which is the parent of the next is not followed any further. */
const mostAbove = 64;

/** What one command has asked the kernel. */
export class WatchedCommand implements Hearer {
  /** How many calls it has made. */
  asked = 0;

  constructor(
    readonly kinds: readonly WatchKind[],
    private readonly told: (pid: number, record: WatchedRecord) => void,
  ) {}

  hear(record: WatchedRecord, pid: number): void {
    this.asked += 1;
    if (this.asked <= mostRecords) this.told(pid, record);
  }
}

export class WatchedCommands {
  readonly forker: Forker;
  private readonly watcher: Watcher;
  /** By their processes, which lead their sessions. */
  private readonly commands = new Map<number, WatchedCommand>();
  /** By process ID and start time: their descendants may leave the session, and lose their parents. */
  private readonly known = new Map<string, WatchedCommand>();
  private starting: WatchedCommand | undefined;

  /**
   * @param child the container's first process
   * @param broken told when their calls cannot be answered any more
   * @throws KernelError where the filter cannot be installed
   */
  constructor(
    spec: LaunchSpec & { readonly watch: Watch },
    kernel: Recorder,
    log: Log,
    child: number,
    isReaped: (pid: number) => boolean,
    broken: (reason: Error) => void,
  ) {
    // What F opens is open here, too.
    const before = ownListeners();
    this.forker = new Forker(spec, kernel, child, isReaped);
    const listener = ownListeners().find((fd) => !before.includes(fd));
    if (listener === undefined) {
      this.forker.end();
      throw new Failure(`step ${serveStep.id}: the filter of the watched commands has no listener`);
    }
    this.watcher = new Watcher(spec, log, { hearerOf: (thread) => this.commandOf(thread) });
    this.watcher.hold(kernel, child, listener);
    this.watcher.broken.catch(broken);
  }

  /** It is the turn of this one: the next process that F makes is to become it. */
  begins(command: WatchedCommand): void {
    this.starting = command;
  }

  /** It runs, as this process. */
  runs(command: WatchedCommand, pid: number): void {
    this.commands.set(pid, command);
  }

  /** It has ended. What it has left behind goes on, and is nobody's any more. */
  ended(pid: number): void {
    const command = this.commands.get(pid);
    if (command === undefined) return;
    this.commands.delete(pid);
    for (const [key, known] of this.known) if (known === command) this.known.delete(key);
  }

  /** Resolves when nothing is asked any more. */
  async end(): Promise<void> {
    this.forker.end();
    await this.watcher.end();
    this.forker.release();
  }

  private commandOf(thread: number): WatchedCommand | undefined {
    const known = this.commands.get(thread);
    if (known !== undefined) return known;
    // Its process, until it executes the program, does the launcher's bidding.
    if (thread === this.forker.underWay && !hasExecuted(thread)) return undefined;
    let [at, key] = [thread, ''];
    for (let above = 0; at > 1 && above < mostAbove; above += 1) {
      // Before its turn is over nobody has said which process it is.
      if (at === this.forker.underWay) return this.starting;
      const stat = processStatOrNone(at);
      if (stat === undefined) return undefined;
      const own = `${at} ${stat.startTime}`;
      if (above === 0) key = own;
      const found = this.commands.get(at) ?? this.commands.get(stat.session) ?? this.known.get(own);
      if (found !== undefined) return this.remembered(key, found);
      at = stat.parent;
    }
    return undefined;
  }

  private remembered(key: string, command: WatchedCommand): WatchedCommand {
    if (this.known.size >= mostKnown) this.known.clear();
    this.known.set(key, command);
    return command;
  }
}

/** Whether a process has executed a program since it was made: PF_FORKNOEXEC of include/linux/sched.h is taken away then. */
const hasExecuted = (pid: number): boolean => ((processStatOrNone(pid)?.flags ?? 0) & 0x40) === 0;
