/** One command of an open container, as the program sees it. */
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { EndedAnswer, StreamKind } from '../common/control.js';
import { defined } from '../common/defined.js';
import { usageFailure } from '../common/failure.js';
import { grace, wrongTimeLimit } from '../common/time-limit.js';
import type { CommandEnded, CommandOptions } from './box.js';
import type { AskedCall } from './container.js';
import { Story } from './story.js';

/** Takes a pipe when it is there; undefined where the command was not started. */
export interface Taker {
  attach(pipe: Socket | undefined): void;
}

/** What the command's own reason is, before anybody has done something. */
type Reason = CommandEnded['reason'];

export class BoxCommand {
  readonly started: Promise<{ readonly pid: number }>;
  readonly ended: Promise<CommandEnded>;
  private start: (started: { readonly pid: number }) => void = () => {};
  private resolve: (ended: CommandEnded) => void = () => {};
  private reject: (reason: Error) => void = () => {};
  private forced: Reason | undefined;
  private over = false;
  private attached = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly asked = new Story<AskedCall>();

  /**
   * @param takers of standard input, output and error; undefined where there is no pipe
   * @param send sends it a signal
   * @throws Failure (status 2) for a timeout that there cannot be; the reason of a signal that is aborted
   */
  constructor(
    private readonly takers: readonly (Taker | undefined)[],
    private readonly options: CommandOptions,
    private readonly send: (signal: string) => void,
  ) {
    const { timeout, signal } = options;
    signal?.throwIfAborted();
    const wrong = timeout === undefined ? undefined : wrongTimeLimit(timeout);
    if (wrong !== undefined) throw usageFailure(`timeout ${wrong}`);
    this.started = new Promise((resolve) => {
      this.start = resolve;
    });
    this.ended = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.started = Promise.race([this.started, this.ended.then(() => this.started)]) as BoxCommand['started'];
    // Whoever does not ask for one of them need not be ready for its failure.
    for (const promise of [this.started, this.ended]) promise.catch(() => {});
    if (timeout !== undefined) this.timer = setTimeout(() => this.end('timeout'), timeout * 1000);
    signal?.addEventListener('abort', this.abort, { once: true });
  }

  /** With `watch`: its calls, from the first on. */
  get watched(): AsyncIterable<AskedCall> {
    return this.asked.read();
  }

  /** The same as a list, as far as there are some. */
  watchedSoFar(): { readonly watched?: readonly AskedCall[] } {
    return this.options.watch ? { watched: this.asked.soFar } : {};
  }

  /** Whether somebody had it end. */
  get wasForced(): boolean {
    return this.forced !== undefined;
  }

  get kinds(): readonly [StreamKind, StreamKind, StreamKind] {
    const [input, output, error] = this.takers.map((taker) => (taker === undefined ? 'ignore' : 'pipe'));
    return [input as StreamKind, output as StreamKind, error as StreamKind];
  }

  kill(signal: string): void {
    if (!(signal in constants.signals)) throw usageFailure(`“${signal}” is not the name of a signal`);
    if (this.over) return;
    if (signal === 'SIGKILL') this.forced ??= 'killed';
    this.send(signal);
  }

  /** It wrote more than it may. */
  overflow(): void {
    if (this.over || this.options.overflow === 'truncate') return;
    this.forced ??= 'output';
    this.send('SIGKILL');
  }

  /** Its time is up, or somebody wants it to end. */
  private end(reason: Reason): void {
    if (this.over) return;
    this.forced ??= reason;
    this.send('SIGTERM');
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send('SIGKILL'), grace);
  }

  private readonly abort = (): void => this.end('abort');

  /** Its pipes are open. */
  attach(pipes: readonly (Socket | undefined)[]): void {
    // It has failed meanwhile.
    if (this.attached) for (const pipe of pipes) pipe?.destroy();
    if (this.attached) return;
    this.attached = true;
    this.takers.forEach((taker, index) => {
      taker?.attach(pipes[index]);
    });
  }

  hasAsked(call: AskedCall): void {
    this.asked.add(call);
  }

  hasStarted(pid: number): void {
    this.start({ pid });
  }

  hasEnded({ status, signal, reason, usage, asked }: EndedAnswer): void {
    this.finish();
    const own = reason ?? (signal === undefined ? 'exit' : 'signal');
    this.resolve({
      status,
      signal: signal as NodeJS.Signals | undefined,
      reason: this.forced ?? own,
      ...defined({ usage, asked }),
    });
  }

  fail(reason: Error): void {
    this.finish();
    this.reject(reason);
    if (!this.attached) this.attach([]);
  }

  private finish(): void {
    this.over = true;
    this.asked.end();
    clearTimeout(this.timer);
    this.options.signal?.removeEventListener('abort', this.abort);
  }
}
