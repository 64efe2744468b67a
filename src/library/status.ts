/** What the launcher tells over --status-fd (docs/lifecycle.md). */
import { constants } from 'node:os';
import type { FailureData } from '../common/channel.js';
import { defined } from '../common/defined.js';
import { Failure, nextAfterKill, statusOfSignal } from '../common/failure.js';
import { failureFromData } from '../common/failure-data.js';
import type { KernelErrorData } from '../common/kernel/kernel-error.js';
import type { Started } from './container.js';
import { inProgramWords } from './option-words.js';
import type { Usage } from './records.js';

export type StatusChange = StartedChange | Exited;

/** With overlays it tells what `gontainer diff --status` needs. */
export interface StartedChange extends Started {
  readonly state: 'started';
  readonly overlays?: readonly unknown[];
}

export interface Exited {
  readonly state: 'exited';
  readonly status: number;
  /** There when its time was up, or memory reached its limit. */
  readonly reason?: 'timeout' | 'memory';
  /** There when it has limits. */
  readonly usage?: Usage;
  /** There when the launch failed, or the container was lost. */
  readonly failure?: { readonly message: string; readonly next?: string; readonly call?: KernelErrorData };
}

/** The failure as the launcher met it. */
export function failureOf({ status, failure }: Exited): Failure | undefined {
  if (failure === undefined) return undefined;
  const { message, next, call } = failure;
  return failureFrom({ message, status, ...defined({ next, kernel: call }) });
}

/** A failure of the launcher's, in the words of a program. */
export function failureFrom(failure: FailureData): Failure {
  const { message, next } = failure;
  return failureFromData({
    ...failure,
    message: inProgramWords(message),
    ...defined({ next: next === undefined ? undefined : inProgramWords(next) }),
  });
}

/** The launcher is gone without a word: somebody killed it, or it could not be loaded. */
export function silentEnd(status: number | null, signal: NodeJS.Signals | null): Failure {
  if (signal === null)
    return new Failure(`gontainer ended with status ${status} and said nothing`, {
      next: 'Run gontainer doctor by hand: it says whether gontainer works on this machine.',
    });
  return new Failure(`gontainer was killed by ${signal}, and everything in the container with it`, {
    status: statusOfSignal(constants.signals[signal]),
    next: nextAfterKill(signal),
  });
}
