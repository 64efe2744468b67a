/**
 * An end of the container that nothing inside can switch off. Signals reach the command by way of the child, which root
 * inside can stop (SIGSTOP, ptrace(2)), or whose messages it can take away. So the child confirms each signal that it has
 * passed on; where it does not, and where the time of --timeout is over, the launcher kills the child from the host. In a
 * PID namespace the kernel ends the rest; without one the rest becomes the launcher's own children, and it ends them.
 */
import { Failure, statusOfSignal } from '../../common/failure.js';
import { constants } from '../../common/kernel/constants.js';
import { endingSignals } from '../../common/passed-signals.js';
import { isStopped, processStatOrNone } from '../../common/process-files.js';
import type { ProcessHandOver } from './process-hand-over.js';

/** Milliseconds: how long a signal may be on its way with a child that is stopped, and with one that runs. */
const patience = { stopped: 2_000, running: 10_000 };

export class ForcedEnd {
  /** Resolves when the container was killed from the host: with the reason, where that was not asked for. */
  readonly over: Promise<Failure | undefined>;
  private resolve: (reason: Failure | undefined) => void = () => {};
  /** The signals that the child has not confirmed yet. */
  private readonly unconfirmed = new Map<number, NodeJS.Timeout>();
  private last = 0;

  constructor(private readonly handOver: ProcessHandOver) {
    this.over = new Promise((done) => {
      this.resolve = done;
    });
  }

  /**
   * A signal is sent to the child, to be passed on.
   * @returns the number by which the child confirms it
   */
  expect(signal: NodeJS.Signals): number {
    this.last += 1;
    if (!(endingSignals as readonly string[]).includes(signal)) return this.last;
    // Somebody asks for the second time, and nothing can have come of the first.
    if (this.unconfirmed.size > 0 && this.isChildStopped()) this.giveUpOn(signal);
    else this.watch(this.last, signal);
    return this.last;
  }

  /** The child has passed a signal on. */
  confirm(number: number): void {
    clearTimeout(this.unconfirmed.get(number));
    this.unconfirmed.delete(number);
  }

  /** Kills the child now. */
  end(reason?: Failure): void {
    this.release();
    this.handOver.kill();
    this.resolve(reason);
  }

  /** The child has said its last word. It may be forged: then it does not end. */
  endSoon(): void {
    this.release();
    this.unconfirmed.set(
      0,
      setTimeout(() => this.end(), patience.running),
    );
  }

  release(): void {
    for (const timer of this.unconfirmed.values()) clearTimeout(timer);
    this.unconfirmed.clear();
  }

  private watch(number: number, signal: NodeJS.Signals): void {
    const look = (): void => {
      if (this.isChildStopped()) this.giveUpOn(signal);
      else
        this.unconfirmed.set(
          number,
          setTimeout(() => this.giveUpOn(signal), patience.running - patience.stopped),
        );
    };
    this.unconfirmed.set(number, setTimeout(look, patience.stopped));
  }

  private giveUpOn(signal: NodeJS.Signals): void {
    const why = this.isChildStopped() ? 'is stopped' : 'does not answer';
    this.end(
      new Failure(
        `${signal} could not be passed on: the child ${why}. The container was ended from the host`,
        {
          status: statusOfSignal(constants.SIGKILL),
        },
      ),
    );
  }

  /** By a signal, or by whoever traces it. */
  private isChildStopped(): boolean {
    const stat = processStatOrNone(this.handOver.second);
    return stat !== undefined && isStopped(stat);
  }
}
