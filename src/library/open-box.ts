/** An open container as the program sees it: the launcher's process, and the commands that it is asked for. */
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { ChangeList } from '../common/change-list.js';
import {
  type CommandRequest,
  type ControlAnswer,
  type ControlRequest,
  controlLine,
} from '../common/control.js';
import { defined } from '../common/defined.js';
import { Failure, usageFailure } from '../common/failure.js';
import { errnoWords, errorCode } from '../common/kernel/kernel-error.js';
import type {
  Box,
  Command,
  CommandOptions,
  CommandStream,
  CommandStreams,
  ExecOptions,
  ExecResult,
  SpawnOptions,
} from './box.js';
import { BoxCommand, type Taker } from './box-command.js';
import { Captured } from './captured.js';
import { checkedWindow, usualWindow, windowWithoutPty } from './checked-window.js';
import { commandEnvironment } from './command-environment.js';
import { commandLimits, limitKinds } from './command-limits.js';
import type { AskedCall, Ended, Started, Window } from './container.js';
import { ContainerEnded } from './container-ended.js';
import { readJsonLines } from './json-lines.js';
import { LateReadable, LateWritable } from './late-streams.js';
import { runOptionKinds } from './launch-options.js';
import { limited } from './limited.js';
import { openPipe } from './open-pipe.js';
import { checkOptions, checkValue, type KindName } from './option-kinds.js';
import type { RunningContainer } from './running-container.js';
import { failureFrom } from './status.js';

/** Milliseconds for what is left in the pipes of a command that was killed. */
const rest = 50;

/** Milliseconds that what is not urgent may wait. */
const soon = 5;

const ofCommands = {
  cwd: 'path',
  user: 'user',
  env: 'environment',
  timeout: 'number',
  signal: 'signal',
  maxOutput: 'count',
  overflow: 'overflow',
  watch: 'flag or value',
  ...limitKinds,
} as const satisfies Record<keyof CommandOptions, KindName>;

const ofExec = {
  ...ofCommands,
  input: 'content',
  encoding: 'encoding',
} as const satisfies Record<keyof ExecOptions, KindName>;

const ofSpawn = {
  ...ofCommands,
  stdio: 'commandStreams',
  pty: 'flag',
  window: 'window',
} as const satisfies Record<keyof SpawnOptions, KindName>;

/** Where an option belongs that is not one of these. */
function nextFor(name: string): string | undefined {
  if (Object.hasOwn(ofSpawn, name)) return 'It is one of spawn().';
  if (Object.hasOwn(ofExec, name)) return 'It is one of exec().';
  if (name === 'onCall')
    return 'Start a command whose calls you decide about by launch(); here there is watch.';
  return Object.hasOwn(runOptionKinds, name) ? 'It is about the container: pass it to open().' : undefined;
}

export class OpenBox implements Box {
  pid = 0;
  namespaces: Readonly<Record<string, string>> = {};
  private readonly commands = new Map<number, BoxCommand>();
  private last = 0;
  /** The program waits for the end of the container, and so must not end before. */
  private isAwaited = false;
  private readonly later: ControlRequest[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** The container has ended. */
  private gone: ContainerEnded | undefined;
  /** Resolves when that is known, and every command has been told. */
  private readonly over: Promise<void>;
  private isReady: () => void = () => {};
  private readonly ready = new Promise<void>((done) => {
    this.isReady = done;
  });

  constructor(
    private readonly launcher: ChildProcess,
    private readonly container: RunningContainer,
    private readonly control: Socket,
  ) {
    // That the launcher is gone is noticed by its end.
    control.on('error', () => {});
    const heard = readJsonLines(control, (document) => this.hear(document as ControlAnswer));
    this.over = heard.then(() => this.lose());
  }

  /** Resolves when commands can be asked for. @throws Failure when the launch has failed */
  async whenOpen(): Promise<this> {
    const started = await Promise.race([
      Promise.all([this.container.started, this.ready]).then(([first]) => first as Started),
      this.container.ended.then((): never => {
        throw new ContainerEnded('the container ended before it was open');
      }),
    ]);
    Object.assign(this, started);
    this.hold();
    return this;
  }

  get ended(): Promise<Ended> {
    this.isAwaited = true;
    this.hold();
    return this.container.ended;
  }

  get steps(): Box['steps'] {
    return this.container.steps;
  }

  get calls(): Box['calls'] {
    return this.container.calls;
  }

  get records(): Box['records'] {
    return this.container.records;
  }

  async exec(
    argv: readonly string[],
    options?: ExecOptions & { encoding?: 'utf8' | 'latin1' },
  ): Promise<ExecResult>;
  async exec(
    argv: readonly string[],
    options: ExecOptions & { encoding: 'buffer' },
  ): Promise<ExecResult<Buffer>>;
  async exec(argv: readonly string[], all: ExecOptions = {}): Promise<ExecResult<string | Buffer>> {
    checkOptions('exec()', all, ofExec, nextFor);
    checkValue('argv of exec()', argv, 'texts');
    const { input, encoding = 'utf8', ...options } = all;
    const { timeout, signal, maxOutput = Number.POSITIVE_INFINITY } = options;
    const beyond = (): void => command.overflow();
    const [stdout, stderr] = [new Captured(maxOutput, beyond), new Captured(maxOutput, beyond)] as const;
    const deadline = Date.now() + (timeout ?? 0) * 1000;
    const takers = [input === undefined ? undefined : written(input), stdout, stderr];
    const { command } = this.begin(argv, takers, options);
    const ended = await command.ended;
    const cut = await untilClosed([stdout, stderr], {
      ...defined({ signal }),
      ...defined({
        milliseconds: command.wasForced ? rest : timeout && Math.max(rest, deadline - Date.now()),
      }),
    });
    const content = ({ content: bytes }: Captured): string | Buffer =>
      encoding === 'buffer' ? bytes : bytes.toString(encoding);
    const reason = command.wasForced || cut === undefined ? ended.reason : cut;
    return { ...ended, reason, stdout: content(stdout), stderr: content(stderr), ...command.watchedSoFar() };
  }

  spawn<const Streams extends CommandStreams = 'pipe'>(
    argv: readonly string[],
    all: SpawnOptions<Streams> = {},
  ): Command<Streams> {
    checkOptions('spawn()', all, ofSpawn, nextFor);
    checkValue('argv of spawn()', argv, 'texts');
    const { stdio, pty, window, ...options } = all;
    if (window !== undefined && !pty) throw windowWithoutPty();
    const size = pty ? (window ?? usualWindow) : undefined;
    const kinds = kindsOf(size === undefined ? stdio : ['pipe', 'pipe', 'ignore']);
    const stdin = kinds[0] === 'pipe' ? new LateWritable() : null;
    const outputs = kinds.slice(1).map((kind) => (kind === 'pipe' ? new LateReadable() : null));
    const takers = [stdin, ...outputs].map((taker) => taker ?? undefined);
    const { command, number } = this.begin(argv, takers, options, { tellsStart: true, window: size });
    const beyond = (): void => command.overflow();
    const [stdout, stderr] = outputs.map((stream) => stream && limited(stream, options.maxOutput, beyond));
    const { started, ended } = command;
    const kill = (signal = 'SIGTERM'): void => command.kill(signal);
    const resize = (columns: number, rows: number): void => {
      if (size === undefined)
        throw usageFailure('a command without pty has no terminal to resize', 'Pass pty: true to spawn().');
      checkedWindow({ columns, rows });
      this.ask({ type: 'resize', number, window: { columns, rows } });
    };
    // A terminal shows both outputs in one stream, and the other has nothing.
    const error = size === undefined ? stderr : Readable.from([]);
    // Which streams are pipes is what the type says of the options.
    return {
      stdin,
      stdout,
      stderr: error,
      started,
      ended,
      get watched() {
        return command.watched;
      },
      kill,
      resize,
    } as unknown as Command<Streams>;
  }

  async changes(): Promise<ChangeList> {
    if (this.gone !== undefined) throw this.gone;
    return this.container.changes().catch(async (error) => {
      if (this.container.hasEnded) await this.over;
      throw this.gone ?? error;
    });
  }

  async close(): Promise<void> {
    this.isAwaited = true;
    this.hold();
    this.control.end();
    await this.container.ended.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Asks for a command. */
  private begin(
    argv: readonly string[],
    takers: readonly (Taker | undefined)[],
    options: CommandOptions,
    further: Pick<CommandRequest, 'tellsStart'> & { readonly window?: Window | undefined } = {},
  ): { command: BoxCommand; number: number } {
    const { cwd, user, env, watch } = options;
    if (argv.length === 0 || argv[0] === '') throw usageFailure('a command has at least one word');
    const { whole, entries } = commandEnvironment(env, false);
    const limits = commandLimits(options);
    this.last += 1;
    const number = this.last;
    const send = (signal: string): void => this.ask({ type: 'signal', number, signal });
    const command = new BoxCommand(takers, options, send);
    if (this.gone !== undefined) {
      command.fail(this.gone);
      return { command, number };
    }
    this.commands.set(number, command);
    if (this.commands.size === 1) this.hold();
    const request: ControlRequest = {
      type: 'exec',
      number,
      argv,
      streams: command.kinds,
      ...defined({
        directory: cwd,
        // Where no types are checked it may be a number, as for launch().
        user: user?.toString(),
        environment: entries.length > 0 ? entries : undefined,
        wholeEnvironment: whole || undefined,
        limits,
        watch: watch === true ? 'all' : watch || undefined,
        ...further,
      }),
    };
    this.ask(request);
    return { command, number };
  }

  private ask(request: ControlRequest): void {
    this.later.push(request);
    this.flush();
  }

  /** With what is asked for next, or soon: each write wakes the launcher. */
  private askLater(request: ControlRequest): void {
    this.later.push(request);
    this.timer ??= setTimeout(() => this.flush(), soon);
  }

  private flush(): void {
    const lines = this.later.splice(0).map(controlLine).join('');
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.gone === undefined && this.control.writable) this.control.write(lines);
  }

  private hear(answer: ControlAnswer): void {
    if (answer.type === 'ready') this.isReady();
    else {
      const command = this.commands.get(answer.number);
      if (command !== undefined) this.tell(command, answer);
    }
  }

  private tell(command: BoxCommand, answer: Exclude<ControlAnswer, { type: 'ready' }>): void {
    const { number } = answer;
    if (answer.type === 'started') command.hasStarted(answer.pid);
    else if (answer.type === 'streams') void this.attach(command, number, answer.descriptors);
    else if (answer.type === 'watched') command.hasAsked(answer.call as AskedCall);
    else {
      this.forget(number);
      if (answer.type === 'failed') command.fail(failureFrom(answer.failure));
      else command.hasEnded(answer);
    }
  }

  /** Without its pipes a command is not what was asked for: it ends. In the main thread this waits for nothing. */
  private async attach(
    command: BoxCommand,
    number: number,
    descriptors: readonly (number | null)[],
  ): Promise<void> {
    const pipes: (Socket | undefined)[] = [];
    try {
      for (const [index, descriptor] of descriptors.entries()) {
        const pipe = this.opened(descriptor, index === 0);
        pipes.push(pipe instanceof Promise ? await pipe : pipe);
      }
      command.attach(pipes);
    } catch (cause) {
      for (const pipe of pipes) pipe?.destroy();
      this.ask({ type: 'signal', number, signal: 'SIGKILL' });
      this.forget(number);
      command.fail(
        new Failure(`the pipes of the command cannot be opened: ${errnoWords(cause)}`, {
          next: 'Run fewer commands at a time, or let this program open more files: ulimit -n.',
          cause,
        }),
      );
    }
    // Until the launcher has closed its own ends, a command does not see the end of what it reads.
    if (descriptors[0] === null) this.askLater({ type: 'opened', number });
    else this.ask({ type: 'opened', number });
  }

  /**
   * A pipe of the launcher's, opened once more. Node can take no descriptor from another process. Undefined where there is
   * none, or the launcher is gone.
   * @throws where this program may open no more files
   */
  private opened(
    descriptor: number | null,
    isInput: boolean,
  ): Socket | undefined | Promise<Socket | undefined> {
    if (descriptor === null) return undefined;
    const way = isInput ? constants.O_WRONLY : constants.O_RDONLY;
    const socketOf = (fd: number): Socket =>
      new Socket({ fd, readable: !isInput, writable: isInput }).on('error', () => {});
    const none = (error: unknown): undefined => {
      if (['EMFILE', 'ENFILE'].includes(errorCode(error) ?? '')) throw error;
    };
    try {
      const fd = openPipe(`/proc/${this.launcher.pid}/fd/${descriptor}`, way | constants.O_NONBLOCK);
      return typeof fd === 'number' ? socketOf(fd) : fd.then(socketOf, none);
    } catch (error) {
      return none(error);
    }
  }

  private forget(number: number): void {
    this.commands.delete(number);
    if (this.commands.size === 0) this.hold();
  }

  /** The launcher is gone, and everything in the container. */
  private async lose(): Promise<void> {
    const reason = await this.container.ended.then(
      ({ status }) => new ContainerEnded('the container has ended', { status }),
      // The reason of an AbortSignal may be anything.
      (cause: unknown) =>
        new ContainerEnded(
          `the container has ended${cause instanceof Error ? `: ${cause.message}` : ''}`,
          defined({ ...(cause instanceof Failure && { status: cause.status, next: cause.next }), cause }),
        ),
    );
    this.gone = reason;
    const left = [...this.commands.values()];
    this.commands.clear();
    for (const command of left) command.fail(reason);
  }

  /** A program that waits for nothing ends, and its container with it. */
  private hold(): void {
    const wanted = this.isAwaited || this.commands.size > 0;
    for (const handle of [this.launcher, ...this.launcher.stdio.slice(3)]) {
      const held = handle as unknown as { ref?: () => void; unref?: () => void } | null;
      if (wanted) held?.ref?.();
      else held?.unref?.();
    }
  }
}

const kindsOf = (stdio: CommandStreams = 'pipe'): readonly CommandStream[] =>
  typeof stdio === 'string' ? [stdio, stdio, stdio] : stdio;

/** Gives a command what it is to read. */
const written = (input: string | Uint8Array): Taker => ({
  attach: (pipe) => {
    pipe?.end(input);
  },
});

/**
 * Waits until nobody writes to these any more, or no longer.
 * @returns why it was no longer, where it was not
 */
async function untilClosed(
  streams: readonly Captured[],
  { milliseconds, signal }: { milliseconds?: number; signal?: AbortSignal },
): Promise<'timeout' | 'abort' | undefined> {
  let cut: 'timeout' | 'abort' | undefined;
  const stop = (reason: 'timeout' | 'abort') => (): void => {
    cut = reason;
    for (const stream of streams) stream.stop();
  };
  const timer = milliseconds === undefined ? undefined : setTimeout(stop('timeout'), milliseconds);
  const abort = stop('abort');
  signal?.addEventListener('abort', abort, { once: true });
  await Promise.all(streams.map(({ done }) => done));
  clearTimeout(timer);
  signal?.removeEventListener('abort', abort);
  return cut;
}
