/** What open() takes and gives: the types of the library that are written by hand. */
import type { ChangeList } from '../common/change-list.js';
import type { EnvironmentOption } from './command-environment.js';
import type { AskedCall, ContainerSignal, Ended, ErrorOf, InputOf, OutputOf, Window } from './container.js';
import type { RunOptions } from './launch-options.js';
import type { CallRecord, LogRecord, StepRecord } from './records.js';

/** What is about the command that a launch starts itself: a container that is open has none. */
export type OfTheCommand = 'asPid1' | 'pty' | 'newSession' | 'entrypoint' | 'watch';

export interface OpenOptions extends Omit<RunOptions, OfTheCommand> {
  /** Everything in the container ends with it. */
  pid: true;
  /** Where relative paths begin, and, without a new root, the commands; the program's own when it is left out. */
  cwd?: string | undefined;
  /** What every command gets: as for launch(). */
  env?: EnvironmentOption | undefined;
  /** Ends the container. */
  signal?: AbortSignal | undefined;
}

export interface CommandOptions extends CommandLimitOptions {
  /** A directory of the container, where the command starts; that of the container when it is left out. */
  cwd?: string | undefined;
  /** `UID` or `UID:GID`, by number or by a name of the container's root; that of the container when it is left out. */
  user?: string | undefined;
  /** An object is the whole environment; a list, `NAME=VALUE` or `NAME` for the program's own, adds to the container's. */
  env?: EnvironmentOption | undefined;
  /** Seconds, such as 0.5: then SIGTERM, and SIGKILL two seconds later, to the command and its process group. */
  timeout?: number | undefined;
  /** Does the same when it is aborted. */
  signal?: AbortSignal | undefined;
  /** How many bytes of each of standard output and standard error are read at most. */
  maxOutput?: number | undefined;
  /** What happens beyond that: `end` (the default) kills the command, `truncate` throws away what follows. */
  overflow?: 'end' | 'truncate' | undefined;
  /** Has its calls told, and those of its descendants: all, or the kinds that are named, such as `files,network`. */
  watch?: boolean | string | undefined;
}

/** The limits of `gontainer run`, for one command; those of the container hold all the same. */
export type CommandLimitOptions = Pick<
  RunOptions,
  'ulimit' | 'memory' | 'memorySwap' | 'pidsLimit' | 'cpus' | 'cpuWeight' | 'ioWeight'
>;

export interface ExecOptions extends CommandOptions {
  /** What the command reads from its standard input; /dev/null when it is left out. */
  input?: string | Uint8Array | undefined;
  /** How its output is given; `utf8` when it is left out. */
  encoding?: 'utf8' | 'latin1' | 'buffer' | undefined;
}

/** Where a standard stream of a command leads: to a stream of the program, or to /dev/null. */
export type CommandStream = 'pipe' | 'ignore';

export interface SpawnOptions<Streams extends CommandStreams = CommandStreams> extends CommandOptions {
  /** One for all three standard streams, or one for each: input, output, error. `pipe` when it is left out. */
  stdio?: Streams | undefined;
  /** A terminal of its own, in the place of `stdio`: what is typed is `stdin`, and what it shows is `stdout`; `stderr` is empty. */
  pty?: boolean | undefined;
  /** With `pty`: how large its window is at first; 80 columns and 24 rows when it is left out. */
  window?: Window | undefined;
}
export type CommandStreams =
  | CommandStream
  | readonly [input: CommandStream, output: CommandStream, error: CommandStream];

/** How a command of an open container ended. */
export interface CommandEnded extends Ended {
  /** With `watch`: how many calls it has made, of those kinds. */
  readonly asked?: number;
}

export interface ExecResult<Output = string> extends CommandEnded {
  /** With `watch`: its calls until it ended, 20,000 of them at most. */
  readonly watched?: readonly AskedCall[];
  readonly stdout: Output;
  readonly stderr: Output;
}

/** A command in an open container. */
export interface Command<Streams extends CommandStreams = CommandStreams> {
  /** Its standard input, where it is a pipe. */
  readonly stdin: InputOf<Streams>;
  /** Its standard output, where it is a pipe. */
  readonly stdout: OutputOf<Streams>;
  /** Its standard error, where it is a pipe. */
  readonly stderr: ErrorOf<Streams>;
  /** Resolves when it runs, with its process ID on the host; rejects like `ended` when it never does. */
  readonly started: Promise<{ readonly pid: number }>;
  /**
   * Resolves when it has ended. Rejects with a KernelError or another Failure when it was not started, with
   * ContainerEnded when the container ended before it.
   */
  readonly ended: Promise<CommandEnded>;
  /** With `watch`: each of its calls, as it comes, until it has ended. */
  readonly watched: AsyncIterable<AskedCall>;
  /** Sends a signal to the command and its process group; SIGTERM when none is named. */
  kill(signal?: ContainerSignal): void;
  /**
   * With `pty`: gives the command's terminal another size, and the command SIGWINCH.
   * @throws Failure (status 2) without `pty`, or for a size that no window has
   */
  resize(columns: number, rows: number): void;
}

/** A container that is open for commands. */
export interface Box extends AsyncDisposable {
  /** The container's first process, its init, as the host numbers it. */
  readonly pid: number;
  /** Its namespaces as /proc/PID/ns names them, for example `user:[4026532177]`. */
  readonly namespaces: Readonly<Record<string, string>>;
  /**
   * Runs a command to its end, and gives its output. Whatever its status, that resolves; it rejects as `ended` of a command
   * does.
   */
  exec(
    argv: readonly string[],
    options?: ExecOptions & { encoding?: 'utf8' | 'latin1' },
  ): Promise<ExecResult>;
  exec(argv: readonly string[], options: ExecOptions & { encoding: 'buffer' }): Promise<ExecResult<Buffer>>;
  /**
   * Starts a command, and gives its streams.
   * @throws Failure (status 2) for an option that there is not; the reason of an AbortSignal that is aborted already
   */
  spawn<const Streams extends CommandStreams = 'pipe'>(
    argv: readonly string[],
    options?: SpawnOptions<Streams>,
  ): Command<Streams>;
  /**
   * What was changed in the container's overlays so far. Rejects with a Failure where there is none, with ContainerEnded when
   * the container has ended.
   */
  changes(): Promise<ChangeList>;
  /** Ends the container and everything in it. Resolves when nothing of it is left. */
  close(): Promise<void>;
  /**
   * Resolves when the container has ended and nothing of it is left. Rejects with a Failure when something else than the
   * program ended it.
   */
  readonly ended: Promise<Ended>;
  /** Each step of the launch; the records of it are kept, those of the commands are given to whoever reads. */
  readonly steps: AsyncIterable<StepRecord>;
  readonly calls: AsyncIterable<CallRecord>;
  readonly records: AsyncIterable<LogRecord>;
}
