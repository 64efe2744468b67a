/** A container as the program sees it: the launcher's process, and what comes over its two pipes. */
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';
import { json } from 'node:stream/consumers';
import type { ChangeList } from '../common/change-list.js';
import { defined } from '../common/defined.js';
import { Failure, statusOfSignal, usageFailure } from '../common/failure.js';
import { errnoWords } from '../common/kernel/kernel-error.js';
import { killProcess } from '../common/kill-process.js';
import { endingSignals, otherPassedSignals } from '../common/passed-signals.js';
import { grace } from '../common/time-limit.js';
import { decideCalls, type OnCall } from './call-decisions.js';
import { checkedWindow } from './checked-window.js';
import type { Container, ContainerSignal, Ended, LaunchOptions, Started } from './container.js';
import { readJsonLines } from './json-lines.js';
import { limited } from './limited.js';
import { listedChanges } from './listed-changes.js';
import type { CallRecord, LogRecord, StepRecord, WatchedRecord } from './records.js';
import { type Exited, failureOf, type StartedChange, type StatusChange, silentEnd } from './status.js';
import { Story } from './story.js';

/** So many refused calls may explain a failure; those before them were survived. */
const mostExplained = 20;

const sendable: readonly string[] = [...endingSignals, ...otherPassedSignals, 'SIGKILL'];

/** What a container has beside its launcher. */
interface Beside extends Pick<LaunchOptions, 'signal' | 'maxOutput' | 'overflow'> {
  /** Takes the sizes of its window, with `pty`. */
  readonly sizes?: Writable;
  /** Asks about each watched call, with `onCall`. */
  readonly questions?: Duplex;
  readonly onCall?: OnCall;
  /** Gives what it has changed, when it has ended. */
  readonly changes?: Readable;
}

export class RunningContainer implements Container {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly started: Promise<Started>;
  readonly ended: Promise<Ended>;
  outcome: Ended | undefined;
  private readonly story = new Story<LogRecord>();
  /** The container's first process, as the launcher numbers it. */
  private init: number | undefined;
  /** The launcher has said that it starts the command. */
  private begun = false;
  private executed = false;
  private killed = false;
  private killedByUs = false;
  /** The execve(2) that starts the command waits for a decision. */
  private startIsHeld = false;
  private overflown = false;
  /** What made `onCall` fail. */
  private fault: { readonly reason: unknown } | undefined;
  private readonly sizes: Writable | undefined;
  private exited: Exited | undefined;
  private endedBy: string | undefined;
  private startedChange: StartedChange | undefined;
  private finalChanges: ChangeList | undefined;

  constructor(
    private readonly launcher: ChildProcess,
    { signal, maxOutput, overflow, sizes, changes, questions, onCall }: Beside,
  ) {
    this.sizes = sizes;
    this.stdin = launcher.stdin;
    // A command that reads no more is no fault of the program: whoever wants to hear of it listens.
    this.stdin?.on('error', () => {});
    const beyond = (): void => {
      if (overflow === 'truncate') return;
      this.overflown = true;
      this.kill('SIGKILL');
    };
    this.stdout = launcher.stdout && limited(launcher.stdout, maxOutput, beyond);
    this.stderr = launcher.stderr && limited(launcher.stderr, maxOutput, beyond);
    if (questions !== undefined && onCall !== undefined)
      decideCalls(questions, this.knowingTheStart(onCall), (reason) => {
        this.fault ??= { reason };
      });
    let start: (started: Started) => void = () => {};
    const startedOnce = new Promise<Started>((done) => {
      start = done;
    });
    this.ended = this.untilAborted(this.follow(start, changes), signal);
    const never = this.ended.then(() => startedOnce);
    this.started = Promise.race([startedOnce, never]);
    // Whoever does not ask for one of them need not be ready for its failure.
    for (const promise of [this.started, this.ended]) promise.catch(() => {});
  }

  get records(): AsyncIterable<LogRecord> {
    return this.story.read();
  }

  get steps(): AsyncIterable<StepRecord> {
    return filtered(this.story.read(), (record): record is StepRecord => 'shell' in record);
  }

  get calls(): AsyncIterable<CallRecord> {
    return filtered(this.story.read(), (record): record is CallRecord => 'call' in record);
  }

  get watched(): AsyncIterable<WatchedRecord> {
    return filtered(this.story.read(), (record): record is WatchedRecord => 'watched' in record);
  }

  async explain(): Promise<readonly WatchedRecord[]> {
    const { status } = await this.ended;
    if (status === 0) return [];
    const refused: WatchedRecord[] = [];
    for await (const call of this.watched) if (call.known !== 'asked') refused.push(call);
    return refused.slice(-mostExplained);
  }

  async changes(): Promise<ChangeList> {
    await this.started;
    if (this.exited !== undefined) return this.changesAfterTheEnd();
    if (this.startedChange?.overlays === undefined)
      throw new Failure('the container has no overlay, so what it changes is changed on the host', {
        next: 'Use ephemeral, overlay, or bind with :overlay.',
      });
    return listedChanges(this.startedChange).catch(async (error) => {
      // It may have ended in this moment.
      if (!this.hasEnded) throw error;
      await this.ended;
      return this.changesAfterTheEnd();
    });
  }

  get hasEnded(): boolean {
    const { exitCode, signalCode } = this.launcher;
    return this.exited !== undefined || exitCode !== null || signalCode !== null;
  }

  private changesAfterTheEnd(): ChangeList {
    if (this.finalChanges !== undefined) return this.finalChanges;
    throw new Failure('the container has ended, and what it changed in memory is gone with it', {
      next: 'Pass changes: true to launch(), or keep the changes in a folder: overlay=CHANGES.',
    });
  }

  kill(signal: ContainerSignal = 'SIGTERM'): void {
    if (!sendable.includes(signal))
      throw usageFailure(
        `“${signal}” is not the name of a signal that a launcher passes on`,
        `These are: ${sendable.join(', ')}.`,
      );
    if (this.exited !== undefined) return;
    if (signal !== 'SIGKILL') this.launcher.kill(signal);
    else if (this.executed) {
      this.killedByUs = true;
      killProcess(this.init as number);
    } else {
      this.killed = true;
      // The launcher gives up what has not begun. SIGKILL would be the end of its tidying up, too. Once the command is
      // about to run SIGTERM would be passed on to it, so its execve(2) is waited for, unless that waits for a decision.
      if (!this.begun || this.startIsHeld) this.launcher.kill('SIGTERM');
    }
  }

  resize(columns: number, rows: number): void {
    if (this.sizes === undefined)
      throw usageFailure('a container without pty has no terminal to resize', 'Pass pty: true to launch().');
    this.sizes.write(`${checkedWindow({ columns, rows })}\n`);
  }

  /** Where that is asked about, the execve(2) that starts the command is the first call of all. */
  private knowingTheStart(onCall: OnCall): OnCall {
    let isFirst = true;
    return async (call) => {
      const starts = isFirst && call.watched === 'execve';
      isFirst = false;
      if (!starts) return onCall(call);
      this.startIsHeld = true;
      if (this.killed) this.kill('SIGKILL');
      try {
        return await onCall(call);
      } finally {
        this.startIsHeld = false;
      }
    };
  }

  /** Listens to the launcher until it is gone. */
  private async follow(start: (started: Started) => void, changes?: Readable): Promise<Ended> {
    // There are none where this process may open no more files.
    const [status, log] = (this.launcher.stdio?.slice(3) ?? []) as Readable[];
    const gone = new Promise<[number | null, NodeJS.Signals | null]>((done, failed) => {
      this.launcher.on('exit', (code, signal) => done([code, signal]));
      this.launcher.on('error', failed);
    });
    const told = readJsonLines(status, (document) => {
      const change = document as StatusChange;
      if (change.state === 'started') {
        this.begun = true;
        this.init = change.pid;
        this.startedChange = change;
        start({ pid: change.pid, namespaces: change.namespaces });
      } else this.exited = change;
    });
    const listed = this.takeChanges(changes);
    const logged = readJsonLines(log, (document) => this.hear(document as LogRecord));
    try {
      const [code, signal] = await gone.catch((cause) => {
        throw new Failure(`the launcher cannot be started: ${errnoWords(cause)}`, {
          next: 'Processes, memory or open files may be short: see ulimit -u, ulimit -n and free.',
          cause,
        });
      });
      await Promise.all([told, logged, listed]);
      if (this.fault !== undefined) throw this.fault.reason;
      if (this.exited === undefined) throw silentEnd(code, signal);
      const failure = failureOf(this.exited);
      // The first process was killed, and everything inside with it: that was what the caller asked for.
      if (this.killedByUs && this.exited.status === statusOfSignal(constants.signals.SIGKILL))
        return {
          status: this.exited.status,
          signal: 'SIGKILL',
          reason: this.overflown ? 'output' : 'killed',
          ...defined({ usage: this.exited.usage }),
        };
      if (failure !== undefined) throw failure;
      const endedBy = this.endedBy as NodeJS.Signals | undefined;
      const reason = this.exited.reason ?? (endedBy === undefined ? 'exit' : 'signal');
      return {
        status: this.exited.status,
        signal: endedBy,
        reason,
        ...defined({ usage: this.exited.usage }),
      };
    } finally {
      this.story.end();
    }
  }

  private async takeChanges(changes: Readable | undefined): Promise<void> {
    if (changes === undefined) return;
    // A launcher that was killed says nothing here.
    this.finalChanges = (await json(changes).catch(() => undefined)) as ChangeList | undefined;
  }

  private hear(record: LogRecord): void {
    if ('shell' in record && record.step === 'exec') {
      this.executed = true;
      if (this.killed) this.kill('SIGKILL');
    }
    if ('ended' in record) this.endedBy = record.ended.signal;
    this.story.add(record);
    // Whatever follows is of commands, of which there may be many.
    if ('shell' in record && record.step === 'serve') this.story.seal();
  }

  /** Ends the container when the signal is aborted, and then rejects with its reason. */
  private async untilAborted(ended: Promise<Ended>, signal: AbortSignal | undefined): Promise<Ended> {
    let timer: NodeJS.Timeout | undefined;
    const abort = () => {
      this.kill('SIGTERM');
      timer = setTimeout(() => this.kill('SIGKILL'), grace);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const known = await ended.catch(() => undefined);
      if (timer === undefined) {
        this.outcome = known;
        return await ended;
      }
      this.outcome = known && { ...known, reason: 'abort' };
      throw signal?.reason;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }
}

async function* filtered<Kind extends LogRecord>(
  records: AsyncIterable<LogRecord>,
  isWanted: (record: LogRecord) => record is Kind,
): AsyncGenerator<Kind, void, undefined> {
  for await (const record of records) if (isWanted(record)) yield record;
}
