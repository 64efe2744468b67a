import { Failure, statusOfSignal } from '../../common/failure.js';
import { signalName, signalNumber } from '../../common/kernel/processes.js';
import { onNumberedSignals } from '../../common/numbered-signals.js';
import { isDeadly, passedSignals } from '../../common/passed-signals.js';
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
  private endNumbered = (): void => {};

  constructor() {
    // What the caller ignored is ignored by the command too; there is nothing to pass on.
    const ignored = ignoredNames();
    for (const signal of passedSignals) if (!ignored.includes(signal)) process.on(signal, this.take);
  }

  /** Listens to the rest, which have no names in Node. Called while this process has to wait: it takes half a millisecond. */
  listenByNumber(): void {
    const take = (number: number): void => this.take(signalName(number));
    this.endNumbered = onNumberedSignals(take, inherited().ignoredSignals);
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

  release(): void {
    for (const signal of passedSignals) process.off(signal, this.take);
    this.endNumbered();
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
