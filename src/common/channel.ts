/**
 * What parent and child say to each other: lines of JSON over a pair of sockets that only they hold. End-of-file tells
 * each that the other is gone. Sockets and not pipes, because whoever may look into the child could open a pipe once
 * more by its name, /proc/1/fd/3; a socket cannot be opened so (ENXIO: open(2)).
 */
import type { CallRecord } from './kernel/kernel.js';
import type { KernelErrorData } from './kernel/kernel-error.js';
import type { LaunchSpec } from './spec.js';
import type { Evidence, StepResult } from './step.js';
import type { ListenerPlace } from './steps/command-context.js';
import type { OpenLayers } from './steps/overlay-layers.js';

/** Where the child finds its end: after standard input, output and error. */
export const channelDescriptor = 3;

/**
 * Whether an error of read(2) or write(2) says that the other end is closed. It is ECONNRESET where something was on its
 * way to that end and nobody read it.
 */
export const otherEndIsClosed = (error: unknown): boolean =>
  ['EPIPE', 'ECONNRESET'].includes((error as NodeJS.ErrnoException).code ?? '');

/** From the parent. */
export type ControlMessage =
  | {
      readonly type: 'launch';
      readonly spec: LaunchSpec;
      /** When the launch began: CLOCK_MONOTONIC of the parent, nanoseconds in decimal. */
      readonly origin: string;
      /** Whether to ask before each step. */
      readonly paused: boolean;
    }
  /** The answer to `pause`, `terminal`, `overlay`, `enter-group` and `ready`. */
  | { readonly type: 'continue' }
  /** A signal for the command, and the number by which the child confirms it. */
  | { readonly type: 'signal'; readonly signal: NodeJS.Signals; readonly number: number }
  /** The command goes on after it was stopped; with the terminal if it is `foreground`. */
  | { readonly type: 'resume'; readonly foreground: boolean };

/** From the child. */
export type RecordMessage =
  | { readonly type: 'call'; readonly record: CallRecord }
  | { readonly type: 'step'; readonly result: StepResult }
  /** The child is about to do a step and waits. `known` is what a rehearsal has only names for (kernel/rehearsal.ts). */
  | {
      readonly type: 'pause';
      readonly step: string;
      readonly evidence: Evidence;
      readonly known: Readonly<Record<string, number>>;
    }
  /** The child opened a terminal, and waits until the parent holds its master too (pty(7)). */
  | { readonly type: 'terminal'; readonly descriptor: number; readonly number: number }
  /** The layers of an overlay are open, and the child waits until the parent has opened them too. */
  | { readonly type: 'overlay'; readonly layers: OpenLayers }
  /** The command's process is to be put into the control groups, and the child waits for that. */
  | { readonly type: 'enter-group'; readonly pid: number }
  /**
   * The command's process stands before its execve(2), and the child waits until all of the log is written, and the
   * listener is taken where there is one. With --as-pid-1 the listener comes after this message, or a failure does.
   */
  | { readonly type: 'ready'; readonly listener?: ListenerPlace }
  /** The child becomes the command: its execve(2), as it is if neither a failure nor anything else follows. */
  | { readonly type: 'executes'; readonly record: CallRecord }
  | { readonly type: 'failure'; readonly failure: FailureData }
  /** A signal was passed on to the command. */
  | { readonly type: 'passed'; readonly number: number }
  | { readonly type: 'stopped'; readonly signal: NodeJS.Signals }
  /** The command has ended: with this exit status, or killed by this signal. */
  | { readonly type: 'ended'; readonly status: number; readonly signal?: NodeJS.Signals };

/** A Failure as data. */
export interface FailureData {
  readonly message: string;
  readonly status: number;
  readonly next?: string;
  readonly kernel?: KernelErrorData;
  readonly stack?: string;
}

export const line = (message: ControlMessage | RecordMessage): string => `${JSON.stringify(message)}\n`;
