/** Exit statuses of gontainer itself; everything else is the command's own (docs/exit-status.md). */
export const exitStatus = {
  /** The command line is wrong: nothing was started. */
  usage: 2,
  /** The launcher failed: the command was not started, or was lost. */
  launcher: 125,
  /** The command exists but cannot be executed. */
  notExecutable: 126,
  /** The command does not exist inside the container. */
  notFound: 127,
} as const;

/** Longer than this, a name of a signal is added to 128: bash(1), "the exit status is 128+n". */
export const statusOfSignal = (signal: number): number => 128 + signal;

/**
 * A failure written for the person who meets it. The message is one sentence: what was being done and what the
 * kernel said; `next` says what to do about it. A stack trace is shown only at log level trace.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** The exit status that gontainer ends with. */
  readonly status: number;
  /** What the reader can do next, one sentence. */
  readonly next: string | undefined;

  constructor(
    message: string,
    options: { status?: number; next?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status ?? exitStatus.launcher;
    this.next = options.next;
  }
}

/** By its name: the parts of the program that are loaded when they are needed have this class once each. */
export const isFailure = (error: unknown): error is Failure =>
  error instanceof Error && error.name === 'Failure';

/** A command line that cannot be carried out: status 2, nothing was started. */
export const usageFailure = (message: string, next?: string): Failure =>
  new Failure(message, { status: exitStatus.usage, next });

/**
 * What to do when a process was killed that did nothing wrong.
 * @param signal where it is known
 */
export const nextAfterKill = (signal?: string | null): string =>
  signal === 'SIGSYS'
    ? 'A seccomp filter, as in a container, kills who makes the next call: gontainer doctor tries them; run gontainer on the host, or start the container with --security-opt seccomp=unconfined.'
    : 'If nobody killed it, memory was short: see the last lines of dmesg, and the limits of memory and processes of the cgroup.';
