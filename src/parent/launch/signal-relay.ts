import { Failure, statusOfSignal } from '../../common/failure.js';
import { signalName, signalNumber } from '../../common/kernel/processes.js';
import { onNumberedSignals } from '../../common/numbered-signals.js';
import { endingSignals, isDeadly, otherPassedSignals } from '../../common/passed-signals.js';
import type { LaunchSpec } from '../../common/spec.js';
import { ignoredNames, inherited } from '../spec/inherited.js';

/**
 * Signals sent to the parent. Before the command runs, one of them gives the launch up; from then on they reach the
 * command, and the parent lives on until the command has ended.
 */
export class SignalRelay {
  private readonly early: NodeJS.Signals[] = [];
  private pass: ((signal: NodeJS.Signals) => void) | undefined;
  private interrupt: ((failure: Failure) => void) | undefined;

  // What the caller ignored is ignored by the command too; there is nothing to pass on.
  private readonly ignored = ignoredNames();

  /** From here on no signal that is sent to have somebody end does that to this process. */
  constructor() {
    this.handle(endingSignals);
  }

  /**
   * The same for all others, those that have no names in Node included. Called while this process has to wait in any case:
   * it takes a millisecond.
   */
  listenToOthers(): void {
    this.handle(otherPassedSignals);
    onNumberedSignals((number) => this.take(signalName(number)), inherited().ignoredSignals);
  }

  private handle(signals: readonly NodeJS.Signals[]): void {
    for (const signal of signals) if (!this.ignored.includes(signal)) process.on(signal, this.take);
  }

  /**
   * From here on every signal goes to `pass`. Not SIGCONT where the command has the terminal: a command that was stopped
   * there has stopped the launcher too, which continues it when it goes on itself.
   */
  passTo(pass: (signal: NodeJS.Signals) => void, use: LaunchSpec['terminal']): void {
    this.pass = (signal) => {
      if (use !== 'foreground' || signal !== 'SIGCONT') pass(signal);
    };
  }

  /** Rejects when a signal comes before the command runs. */
  interrupted(): Promise<never> {
    return new Promise((_, reject) => {
      this.interrupt = reject;
      const [signal] = this.early;
      if (signal !== undefined) reject(givenUp(signal));
    });
  }

  /**
   * There is nothing left to give up or to pass on, and this process is about to end by itself. The handlers stay: to
   * take them off needs hundreds of system calls, and a signal that comes meanwhile would end it without its status.
   */
  release(): void {
    this.pass = () => {};
  }

  private readonly take = (signal: NodeJS.Signals): void => {
    if (this.pass !== undefined) {
      this.pass(signal);
      return;
    }
    if (!isDeadly(signal)) return;
    this.early.push(signal);
    this.interrupt?.(givenUp(signal));
  };
}

/** The failure of a launch that a signal ended before its command ran. */
export const givenUp = (signal: NodeJS.Signals): Failure =>
  new Failure(`given up because of ${signal}, before the command was started`, {
    status: statusOfSignal(signalNumber(signal)),
  });
