/**
 * The commands that a program asks for over --control-fd (src/common/control.ts): started by F (forker.ts), each with pipes
 * of its own, in turn and at the same time. They are children of this process, which waits for them.
 */
import { closeSync, fchmodSync } from 'node:fs';
import { Socket } from 'node:net';
import type { FailureData } from '../../common/channel.js';
import {
  type CommandRequest,
  type ControlAnswer,
  type ControlRequest,
  controlLine,
  type StreamKind,
} from '../../common/control.js';
import { Failure, nextAfterKill, statusOfSignal, usageFailure } from '../../common/failure.js';
import { KernelError } from '../../common/kernel/kernel-error.js';
import { pipe } from '../../common/kernel/pipe.js';
import { type ProcessChange, signalNumber, waitForProcess } from '../../common/kernel/processes.js';
import { Recorder } from '../../common/kernel/recorder.js';
import { LineSplitter } from '../../common/line-splitter.js';
import type { LaunchSpec } from '../../common/spec.js';
import { mayHaveTerminals } from '../../common/steps/devpts.js';
import { serveStep } from '../../common/steps/serve.js';
import type { Log } from '../log/log.js';
import { CommandDefaults, inTurns, startFailure } from './command-start.js';
import { CommandTerminal } from './command-terminal.js';
import type { ContainerGroup } from './container-group.js';
import { checkedRequest, numberOfWrong } from './control-request.js';
import { statusOf } from './follow.js';
import { Forker } from './forker.js';
import type { ProcessHandOver } from './process-hand-over.js';

/** Bytes of a line: execve(2) takes 6 MiB of strings at most, and JSON may need some more for them. */
const longestLine = 16 * 1024 * 1024;

interface Command {
  readonly number: number;
  readonly argv: readonly string[];
  /** 0 before it runs. */
  pid: number;
  over: boolean;
  /** Signals that came before it ran. */
  readonly early: NodeJS.Signals[];
  terminal: CommandTerminal | undefined;
  /** Descriptors that the program opens once more; closed here when it has. */
  programs: readonly number[];
}

/** How the container is to end. */
export interface ServedEnd {
  readonly status: number;
  readonly signal?: NodeJS.Signals;
}

export class ServedCommands {
  /** Resolves when the program wants no more, or a signal ends it. @throws Failure where no command can be started any more */
  readonly over: Promise<ServedEnd>;
  private resolve: (end: ServedEnd) => void = () => {};
  private reject: (reason: Failure) => void = () => {};
  private readonly control: Socket;
  private readonly forker: Forker;
  private readonly defaults: CommandDefaults;
  /** Calls made from here on are none of the launch's. */
  private readonly kernel = new Recorder('parent', 0n, () => {});
  private readonly lines = new LineSplitter(longestLine);
  private readonly nothing: number;
  private readonly byNumber = new Map<number, Command>();
  private readonly byPid = new Map<number, Command>();
  /** How processes ended before it was known which command they were. */
  private readonly early = new Map<number, ProcessChange>();
  /** F, once it was waited for. */
  private reaped: number | undefined;
  private ended = false;

  constructor(
    private readonly spec: LaunchSpec,
    kernel: Recorder,
    private readonly log: Log,
    private readonly handOver: ProcessHandOver,
    descriptor: number,
    group: ContainerGroup | undefined,
  ) {
    this.over = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.over.catch(() => {});
    this.forker = new Forker(
      spec,
      kernel,
      handOver.second,
      (pid) => this.reaped === pid || this.early.has(pid),
    );
    // What F starts is born where F is.
    group?.enter(this.forker.pid, serveStep.id);
    this.defaults = new CommandDefaults(spec);
    this.nothing = this.kernel.call('open', {
      pathname: '/dev/null',
      flags: ['O_RDWR', 'O_CLOEXEC'],
      mode: 0,
    });
    this.control = new Socket({ fd: descriptor });
    process.on('SIGCHLD', this.reap);
    this.control.on('data', (bytes: Buffer) => this.take(bytes));
    // A program that was killed breaks off.
    this.control.on('error', () => {});
    this.control.on('close', () => this.resolve({ status: 0 }));
    this.tell({ type: 'ready' });
  }

  /** A signal that was sent to the launcher: there is no command that it would be for. */
  stop(signal: NodeJS.Signals): void {
    this.resolve({ status: statusOfSignal(signalNumber(signal)), signal });
  }

  /**
   * Ends everything inside. The container's first process ends only when everybody else in its PID namespace was waited for
   * (pid_namespaces(7)), and the commands are children of this process.
   */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    process.off('SIGCHLD', this.reap);
    this.control.destroy();
    this.forker.end();
    this.handOver.kill();
    const { underWay } = this.forker;
    const left = [...this.byPid.keys(), ...(underWay > 0 && !this.early.has(underWay) ? [underWay] : [])];
    for (const pid of left) waitForProcess(pid, true);
    this.forker.release();
  }

  /**
   * Whether the container's first process is about to end, or has. That kills every command, and none is started any more
   * (ENOMEM): they have ended with the container, which the program is told of all at once by the end of the launcher.
   */
  private get isEnding(): boolean {
    return this.handOver.isEnding();
  }

  private take(bytes: Buffer): void {
    for (const line of this.lines.take(bytes)) {
      try {
        this.answer(checkedRequest(line));
      } catch (error) {
        const number = numberOfWrong(error);
        if (number === undefined) this.reject(error as Failure);
        else this.fail(number, error as Error);
      }
    }
    if (this.lines.isTooLong) this.reject(new Failure('a line over --control-fd is too long'));
  }

  private answer(request: ControlRequest): void {
    if (request.type === 'exec') {
      try {
        this.start(request);
      } catch (error) {
        this.fail(request.number, error as Error);
      }
      return;
    }
    const command = this.byNumber.get(request.number);
    // What has ended needs neither.
    if (command === undefined) return;
    if (request.type === 'opened') {
      for (const fd of command.programs) closeSync(fd);
      command.programs = [];
      this.forget(command);
    } else if (request.type === 'resize') command.terminal?.resize(request.window);
    else this.signal(command, request.signal as NodeJS.Signals);
  }

  private start(request: CommandRequest): void {
    const { number, argv } = request;
    if (this.byNumber.has(number)) throw usageFailure(`there is a command ${number} already`);
    const chosen = this.defaults.userOf(request);
    const { now, later } = inTurns(this.defaults.wordsOf(request));
    const { commands, programs, terminal } = this.streamsOf(request, chosen.becomesUser);
    const command: Command = {
      number,
      argv,
      pid: 0,
      over: false,
      early: [],
      terminal,
      programs: programs.filter((fd): fd is number => fd !== null),
    };
    this.byNumber.set(number, command);
    this.tell({ type: 'streams', number, descriptors: programs });
    const attempt = (words: typeof now, rest: typeof later): void =>
      this.forker.start({
        words,
        ...chosen,
        descriptors: [0, 1, 2].map((index) =>
          terminal ? terminal.slave : (commands[index] ?? this.nothing),
        ),
        terminal: terminal !== undefined,
        started: (pid) => {
          close(commands);
          this.begun(command, pid, request);
        },
        failed: (reason, pid) => {
          if (pid !== 0 && !this.early.has(pid)) waitForProcess(pid, true);
          this.early.clear();
          const nowhere = reason !== 'stopped' && reason.errno === 'ENOENT' && reason.call !== 'clone';
          if (
            rest !== undefined &&
            nowhere &&
            typeof reason.call !== 'string' &&
            reason.call.call === 'execve'
          ) {
            const turn = inTurns(rest);
            return attempt(turn.now, turn.later);
          }
          close(commands);
          terminal?.end();
          if (reason !== 'stopped' && reason.call === 'clone' && this.isEnding) return;
          this.fail(number, startFailure(reason, request, words, `/proc/${this.handOver.second}/root`));
        },
      });
    attempt(now, later);
  }

  /** The same, and the command's ends are those of its terminal where it gets one. */
  private streamsOf(
    { streams, window }: CommandRequest,
    becomesUser: boolean,
  ): { commands: (number | null)[]; programs: (number | null)[]; terminal: CommandTerminal | undefined } {
    if (window === undefined) return { ...this.streams(streams, becomesUser), terminal: undefined };
    if (!mayHaveTerminals(this.spec))
      throw usageFailure(
        'a terminal needs user 0 and group 0 in the container: without them the kernel gives a user namespace no terminals',
        'Map them, for example by leaving out uidMap and gidMap.',
      );
    const { commands, programs } = this.streams(['pipe', 'pipe', 'ignore'], false);
    const [input, output] = commands as [number, number];
    let root: number | undefined;
    try {
      const pathname = `/proc/${this.handOver.second}/root`;
      root = this.kernel.call('open', { pathname, flags: ['O_PATH', 'O_CLOEXEC'], mode: 0 });
      const terminal = new CommandTerminal(this.kernel, root, window, { input, output });
      return { commands: [terminal.slave], programs, terminal };
    } catch (error) {
      close([...commands, ...programs]);
      throw error;
    } finally {
      if (root !== undefined) closeSync(root);
    }
  }

  /** The ends of the command and of the program, null where there is no pipe. */
  private streams(kinds: readonly StreamKind[], becomesUser: boolean) {
    const [commands, programs]: [(number | null)[], (number | null)[]] = [[], []];
    try {
      for (const [index, kind] of kinds.entries()) {
        const ends = kind === 'pipe' ? pipe(this.kernel, 'stream') : undefined;
        const [own, other] = index === 0 ? [0, 1] : [1, 0];
        commands.push(ends?.[own] ?? null);
        programs.push(ends?.[other] ?? null);
        // So that the command can open it once more, as /dev/stdout: standard-pipes.ts.
        if (ends !== undefined && becomesUser) fchmodSync(ends[own] as number, 0o666);
      }
      return { commands, programs };
    } catch (error) {
      close([...commands, ...programs]);
      throw error;
    }
  }

  private begun(command: Command, pid: number, request: CommandRequest): void {
    const { argv, directory, user } = request;
    command.pid = pid;
    const early = this.early.get(pid);
    this.early.clear();
    this.byPid.set(pid, command);
    this.log.commandStarted(command.number, pid, { command: argv, directory, user });
    if (request.tellsStart) this.tell({ type: 'started', number: command.number, pid });
    for (const signal of command.early) this.signal(command, signal);
    if (early !== undefined) this.finish(command, early);
  }

  private readonly reap = (): void => {
    for (let change = waitForProcess(-1, false); change !== undefined; change = waitForProcess(-1, false)) {
      if (change.stoppedBy !== undefined) continue;
      const command = this.byPid.get(change.pid);
      if (command !== undefined) this.finish(command, change);
      else if (this.handOver.notes(change)) continue;
      else if (change.pid === this.forker.pid) {
        this.reaped = change.pid;
        this.reject(new Failure('the process that starts commands was killed', { next: nextAfterKill() }));
      } else if (this.forker.busy) this.early.set(change.pid, change);
    }
  };

  private finish(command: Command, change: ProcessChange): void {
    this.byPid.delete(command.pid);
    const { number, pid } = command;
    const { killedBy: signal } = change;
    const status = statusOf(change);
    this.log.commandEnded(number, pid, status, signal);
    if (signal !== 'SIGKILL' || !this.isEnding)
      this.tell({ type: 'ended', number, status, ...(signal && { signal }) });
    command.over = true;
    this.forget(command);
  }

  /** Of a command that is over nothing is left when its pipes are the program's. */
  private forget(command: Command): void {
    if (command.over && command.programs.length === 0) this.byNumber.delete(command.number);
  }

  /** To its process group too: what it has started and left behind would keep its pipes open. */
  private signal({ pid, over, early }: Command, signal: NodeJS.Signals): void {
    if (pid === 0) early.push(signal);
    if (pid === 0 || over) return;
    try {
      process.kill(-pid, signalNumber(signal));
    } catch {
      // It is about to end.
    }
  }

  private fail(number: number, error: Error): void {
    const command = this.byNumber.get(number);
    for (const fd of command?.programs ?? []) closeSync(fd);
    this.byNumber.delete(number);
    this.tell({ type: 'failed', number, failure: failureData(error) });
  }

  private tell(answer: ControlAnswer): void {
    if (!this.control.destroyed) this.control.write(controlLine(answer));
  }
}

function close(descriptors: readonly (number | null)[]): void {
  for (const fd of descriptors) if (fd !== null) closeSync(fd);
}

function failureData(error: Error): FailureData {
  const { message, status = 125, next } = error as Failure;
  return {
    message,
    status,
    ...(next && { next }),
    ...(error instanceof KernelError && { kernel: error.data }),
  };
}
