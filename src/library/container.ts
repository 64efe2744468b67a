/** What launch() takes and gives: the types of the library that are written by hand. */
import type { Readable, Stream, Writable } from 'node:stream';
import type { ChangeList } from '../common/change-list.js';
import type { EnvironmentOption } from './command-environment.js';
import type { RunOptions } from './launch-options.js';
import type { CallRecord, LogRecord, StepRecord, Usage, WatchedRecord } from './records.js';

/** Where one of the command's standard streams leads, as in node:child_process; a number is a file descriptor. */
export type StandardStream = 'pipe' | 'inherit' | 'ignore' | number | Stream;

/** One for all three standard streams, or one for each: input, output, error. */
export type StandardStreams =
  | 'pipe'
  | 'inherit'
  | 'ignore'
  | readonly [input: StandardStream, output: StandardStream, error: StandardStream];

export interface LaunchOptions<Streams extends StandardStreams = StandardStreams> extends RunOptions {
  /** The command and its arguments; `/bin/sh` when it is left out. */
  command?: readonly string[] | undefined;
  /** `pipe` when it is left out. */
  stdio?: Streams | undefined;
  /** Where relative paths begin, and, without a new root, the command; the program's own when it is left out. */
  cwd?: string | undefined;
  /** Ends the container: SIGTERM to the command, and SIGKILL two seconds later. */
  signal?: AbortSignal | undefined;
  /**
   * The command's environment: an object is all of it; a list, `NAME=VALUE` or `NAME` for the program's own, adds to what
   * the command gets anyway. No value is on a command line that others can read.
   */
  env?: EnvironmentOption | undefined;
  /** With `pty`: how large its window is at first; 80 columns and 24 rows when it is left out. */
  window?: Window | undefined;
  /** How many bytes of each of standard output and standard error are read at most, where they are pipes. */
  maxOutput?: number | undefined;
  /** What happens beyond that: `end` (the default) kills the command, `truncate` throws away what follows. */
  overflow?: 'end' | 'truncate' | undefined;
  /**
   * Decides about each call of the command that is watched, and has them watched: all, unless `watch` names kinds. The
   * caller waits meanwhile, and every other process goes on. The first is the execve(2) that starts the command.
   *
   * **This is no wall: namespaces enforce; the listener explains.** A call that goes on is read by the kernel anew
   * (SECCOMP_USER_NOTIF_FLAG_CONTINUE), and until then another thread, or whoever shares the memory, may have put another
   * path or address in the place of the one that was decided about. So `continue` allows the call, and not what was shown of
   * it. What must not happen, have the namespaces, mounts and capabilities of the launch forbid: seccomp_unotify(2).
   * An errno is as good as it looks: such a call never reaches the kernel.
   *
   * A function that throws, rejects, or answers something else has its call fail with EPERM, and the container killed;
   * `ended` rejects with the reason. One that never answers keeps the caller waiting until the container ends.
   */
  onCall?: ((call: AskedCall) => CallDecision | Promise<CallDecision>) | undefined;
  /** Has changes() give what was changed in overlays after the end too. */
  changes?: boolean | undefined;
}

/** A call that waits for a decision: its record as far as it is known by then. */
export type AskedCall = Pick<
  WatchedRecord,
  | 'pid'
  | 'watched'
  | 'kind'
  | 'args'
  | 'paths'
  | 'address'
  | 'process'
  | 'answer'
  | 'known'
  | 'refusal'
  | 'architecture'
>;

/** The call goes on, or fails with an errno, by its name or number: errno(3). */
export type CallDecision = 'continue' | { readonly errno: string | number };

/** The size of a terminal's window, in characters: 1 to 65,535. */
export interface Window {
  readonly columns: number;
  readonly rows: number;
}

/** The container's first process, and its namespaces as /proc/PID/ns names them, for example `user:[4026532177]`. */
export interface Started {
  /** Its process ID on the host. */
  readonly pid: number;
  readonly namespaces: Readonly<Record<string, string>>;
}

/**
 * `exit`: by itself. `signal`: by a signal from somebody else. `timeout`: its time was up. `output`: it wrote more than
 * maxOutput. `killed`: by kill('SIGKILL'). `memory`: memory reached its limit. `abort`: an AbortSignal ended it.
 */
export type EndReason = 'exit' | 'signal' | 'timeout' | 'output' | 'killed' | 'memory' | 'abort';

/** How the command ended. */
export interface Ended {
  /** Its exit status; 128+N if signal N ended it. */
  readonly status: number;
  /** The signal that ended it. */
  readonly signal: NodeJS.Signals | undefined;
  /** Why it ended. */
  readonly reason: EndReason;
  /** With limits: what was used, and what hit them. */
  readonly usage?: Usage;
}

/** The signals that a launcher passes on to the command, and the one that nothing survives. */
export type ContainerSignal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2' | 'SIGKILL';

export type InputOf<Streams> = Streams extends 'pipe' | readonly ['pipe', ...unknown[]] ? Writable : null;
export type OutputOf<Streams> = Streams extends 'pipe' | readonly [unknown, 'pipe', unknown]
  ? Readable
  : null;
export type ErrorOf<Streams> = Streams extends 'pipe' | readonly [unknown, unknown, 'pipe'] ? Readable : null;

export interface Container<Streams extends StandardStreams = StandardStreams> {
  /** The command's standard input, where it is a pipe. */
  readonly stdin: InputOf<Streams>;
  /** The command's standard output, where it is a pipe. */
  readonly stdout: OutputOf<Streams>;
  /** The command's standard error, where it is a pipe. */
  readonly stderr: ErrorOf<Streams>;
  /** Resolves right before the command is executed; rejects like `ended` when it never is. */
  readonly started: Promise<Started>;
  /**
   * Resolves when the command has ended, and nothing of the container is left. Rejects with a Failure when the launch
   * failed or the container was lost, a KernelError where a kernel call failed; with the reason of the AbortSignal when
   * that ended it.
   */
  readonly ended: Promise<Ended>;
  /** How the command ended, once that is known: also where `ended` rejects because of an abort. */
  readonly outcome: Ended | undefined;
  /** Each step of the launch when it is done, from the first on, whenever reading begins. */
  readonly steps: AsyncIterable<StepRecord>;
  /** The same for each kernel call. */
  readonly calls: AsyncIterable<CallRecord>;
  /** With `watch`: each call of the command that is watched, as it comes. */
  readonly watched: AsyncIterable<WatchedRecord>;
  /** The same for every record of the log. */
  readonly records: AsyncIterable<LogRecord>;
  /**
   * With `watch`: what may explain why the command failed. Resolves when it has ended, with the calls before its end that
   * were foreseen to be refused, or that `onCall` had fail, the last 20 of them, each with the reason and the option that
   * would allow it. None where it ended with status 0.
   */
  explain(): Promise<readonly WatchedRecord[]>;
  /**
   * What was changed in the container's overlays so far, or with `changes: true` until it ended. Rejects with a Failure
   * where there is no overlay, and after the end without `changes`.
   */
  changes(): Promise<ChangeList>;
  /** Sends a signal to the command; before it runs, gives the launch up. SIGTERM when none is named. */
  kill(signal?: ContainerSignal): void;
  /**
   * With `pty`: gives the command's terminal another size, and the command SIGWINCH.
   * @throws Failure (status 2) without `pty`, or for a size that no window has
   */
  resize(columns: number, rows: number): void;
}
