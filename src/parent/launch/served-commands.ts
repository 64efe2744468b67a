/**
 * The commands that a program asks for over --control-fd (src/common/control.ts): started by F (forker.ts), each with pipes
 * of its own, in turn and at the same time. They are children of this process, which waits for them.
 */
import { closeSync, fchmodSync } from 'node:fs';
import { Socket } from 'node:net';
import { hitMemory } from '../../common/cgroup/limit-words.js';
import {
  type CommandRequest,
  type ControlAnswer,
  type ControlRequest,
  controlLine,
  type StreamKind,
} from '../../common/control.js';
import { defined } from '../../common/defined.js';
import { Failure, nextAfterKill, statusOfSignal, usageFailure } from '../../common/failure.js';
import { failureData } from '../../common/failure-data.js';
import { pipe } from '../../common/kernel/pipe.js';
import { type ProcessChange, signalNumber, waitForProcess } from '../../common/kernel/processes.js';
import type { Words } from '../../common/kernel/program-words.js';
import { Recorder } from '../../common/kernel/recorder.js';
import type { WindowSize } from '../../common/kernel/terminal-modes.js';
import { LineSplitter } from '../../common/line-splitter.js';
import type { LaunchSpec, Watch } from '../../common/spec.js';
import { mayHaveTerminals } from '../../common/steps/devpts.js';
import { serveStep } from '../../common/steps/serve.js';
import { watchKinds } from '../../common/watch/watched-calls.js';
import type { Log } from '../log/log.js';
import { watchOf } from '../spec/watch.js';
import { CommandGroups } from './command-groups.js';
import { LimitedCommand } from './command-limits.js';
import { CommandDefaults, inTurns, startFailure } from './command-start.js';
import { CommandTerminal } from './command-terminal.js';
import type { ContainerGroup } from './container-group.js';
import { checkedRequest, numberOfWrong } from './control-request.js';
import { statusOf } from './follow.js';
import { Forker, type StartFailure } from './forker.js';
import type { ProcessHandOver } from './process-hand-over.js';
import { WatchedCommand, WatchedCommands } from './watched-commands.js';

/** Bytes of a line: execve(2) takes 6 MiB of strings at most, and JSON may need some more for them. */
const longestLine = 16 * 1024 * 1024;

/** So many commands may have pipes that a busy program has not opened yet; the next one waits. */
const mostUnopened = 32;

/** So many sets of kinds of calls are watched each for itself. */
const mostWatching = 2;

interface Command {
  readonly number: number;
  readonly argv: readonly string[];
  /** 0 before it runs. */
  pid: number;
  over: boolean;
  /** Signals that came before it ran. */
  readonly early: NodeJS.Signals[];
  readonly limited: LimitedCommand | undefined;
  readonly watched: WatchedCommand | undefined;
  /** The size of its terminal, where it gets one. */
  window: WindowSize | undefined;
  terminal: CommandTerminal | undefined;
  /** What become its standard streams, once its turn has come. */
  own: readonly number[] | undefined;
  /** Descriptors that the program opens once more; closed here when it has. */
  programs: readonly number[];
}

/** What is known of a command before its process is there. */
interface Prepared {
  readonly request: CommandRequest;
  readonly chosen: ReturnType<CommandDefaults['userOf']>;
  readonly words: Words;
  /** Where its calls are watched. */
  readonly watchedBy?: WatchedCommands;
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
  /** Those that watch, by what they watch. */
  private readonly watching = new Map<string, WatchedCommands>();
  private readonly defaults: CommandDefaults;
  private readonly groups: CommandGroups;
  /** Calls made from here on are none of the launch's. */
  private readonly kernel = new Recorder('parent', 0n, () => {});
  private readonly lines = new LineSplitter(longestLine);
  private readonly nothing: number;
  private readonly byNumber = new Map<number, Command>();
  private readonly byPid = new Map<number, Command>();
  /** How processes ended before it was known which command they were. */
  private readonly early = new Map<number, ProcessChange>();
  /** Each F that was waited for. */
  private readonly reaped = new Set<number>();
  private ending: Promise<unknown> | undefined;
  /** How many commands have pipes that the program has not opened yet. */
  private unopened = 0;

  constructor(
    private readonly spec: LaunchSpec,
    kernel: Recorder,
    private readonly log: Log,
    private readonly handOver: ProcessHandOver,
    descriptor: number,
    private readonly group: ContainerGroup | undefined,
    register: (groups: readonly string[]) => void,
  ) {
    this.over = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.over.catch(() => {});
    this.forker = new Forker(spec, kernel, handOver.second, this.isReaped);
    // What F starts is born where F is.
    group?.enter(this.forker.pid, serveStep.id);
    this.defaults = new CommandDefaults(spec);
    this.groups = new CommandGroups(spec.limits?.groups ?? [], this.kernel, (made) =>
      register([...(group?.paths ?? []), ...made]),
    );
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

  private readonly isReaped = (pid: number): boolean => this.reaped.has(pid) || this.early.has(pid);

  private get forkers(): Forker[] {
    return [this.forker, ...[...this.watching.values()].map(({ forker }) => forker)];
  }

  /** A signal that was sent to the launcher: there is no command that it would be for. */
  stop(signal: NodeJS.Signals): void {
    this.resolve({ status: statusOfSignal(signalNumber(signal)), signal });
  }

  /**
   * Ends everything inside. The container's first process ends only when everybody else in its PID namespace was waited for
   * (pid_namespaces(7)), and the commands are children of this process.
   * @returns resolves when no call of a watched command is answered any more
   */
  end(): Promise<unknown> {
    this.ending ??= this.endAll();
    return this.ending;
  }

  private endAll(): Promise<unknown> {
    process.off('SIGCHLD', this.reap);
    this.control.destroy();
    this.forker.end();
    const watchersEnded = [...this.watching.values()].map((watching) => watching.end());
    this.handOver.kill();
    const underWay = this.forkers
      .map((forker) => forker.underWay)
      .filter((pid) => pid > 0 && !this.early.has(pid));
    for (const pid of [...this.byPid.keys(), ...underWay]) waitForProcess(pid, true);
    this.groups.remove();
    this.forker.release();
    return Promise.all(watchersEnded);
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
        // What is wrong about a command that runs does not make it one that was not started.
        if (number === undefined || this.byNumber.has(number)) this.reject(error as Failure);
        else this.fail(number, error as Error);
      }
    }
    if (this.lines.isTooLong) this.reject(new Failure('a line over --control-fd is too long'));
  }

  private answer(request: ControlRequest): void {
    if (request.type === 'exec') {
      if (this.byNumber.has(request.number)) {
        this.reject(usageFailure(`there is a command ${request.number} already`));
        return;
      }
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
      if (command.programs.length > 0) this.unopened -= 1;
      close(command.programs);
      command.programs = [];
      this.forget(command);
      for (const forker of this.forkers) forker.next();
    } else if (request.type === 'resize') this.resize(command, request.window);
    else this.signal(command, request.signal as NodeJS.Signals);
  }

  private start(request: CommandRequest): void {
    const { number, argv } = request;
    const chosen = this.defaults.userOf(request);
    const words = this.defaults.wordsOf(request);
    const watch = this.watchOf(request);
    const limited = LimitedCommand.of(request, this.spec, this.kernel, this.groups);
    const command: Command = {
      number,
      argv,
      pid: 0,
      over: false,
      early: [],
      limited,
      watched:
        watch &&
        new WatchedCommand(watch.kinds, (pid, record) =>
          this.tell({ type: 'watched', number, call: { pid, ...record } }),
        ),
      window: request.window,
      terminal: undefined,
      own: undefined,
      programs: [],
    };
    this.byNumber.set(number, command);
    try {
      this.attempt(command, {
        request,
        chosen,
        words,
        ...defined({ watchedBy: watch && this.watchedBy(watch) }),
      });
    } catch (error) {
      limited?.end();
      throw error;
    }
  }

  /** @throws Failure for kinds that there are not, and where nothing can be watched */
  private watchOf({ watch }: CommandRequest): Watch | undefined {
    return watchOf(defined({ watch, 'allow-new-privs': this.spec.newPrivileges || undefined }));
  }

  /** Each waits on a thread of its own, of which there are four: the third watches everything. */
  private watchedBy(watch: Watch): WatchedCommands {
    const isNew = !this.watching.has(watch.kinds.join());
    const kinds = isNew && this.watching.size >= mostWatching ? watchKinds : watch.kinds;
    const known = this.watching.get(kinds.join());
    if (known !== undefined) return known;
    const spec = { ...this.spec, watch: { ...watch, kinds } };
    const broken = (reason: Error): void => this.reject(reason as Failure);
    const made = new WatchedCommands(
      spec,
      this.kernel,
      this.log,
      this.handOver.second,
      this.isReaped,
      broken,
    );
    // Whatever happens from here on, it is ended with the others.
    this.watching.set(kinds.join(), made);
    this.group?.enter(made.forker.pid, serveStep.id);
    return made;
  }

  /** Tries as many of the places of PATH as can be tried at a time, and then those that follow. */
  private attempt(command: Command, prepared: Prepared): void {
    const { request, chosen, words, watchedBy } = prepared;
    const { now, later } = inTurns(words);
    (watchedBy?.forker ?? this.forker).start({
      words: now,
      ...chosen,
      descriptors: () => {
        if (command.own === undefined && this.unopened >= mostUnopened) return undefined;
        if (command.watched !== undefined) watchedBy?.begins(command.watched);
        command.own ??= this.streamsOf(command, request, chosen.becomesUser);
        return command.own;
      },
      terminal: request.window !== undefined,
      limit: command.limited?.apply,
      started: (pid) => {
        this.closeOwn(command);
        if (command.watched !== undefined) watchedBy?.runs(command.watched, pid);
        this.begun(command, pid, request);
      },
      failed: (reason, pid) => {
        if (pid !== 0 && !this.early.has(pid)) waitForProcess(pid, true);
        this.early.delete(pid);
        if (later !== undefined && isNotThere(reason))
          return this.attempt(command, { ...prepared, words: later });
        this.closeOwn(command);
        command.terminal?.end();
        command.limited?.end();
        if (reason instanceof Error) return this.fail(command.number, reason);
        if (reason !== 'stopped' && reason.call === 'clone' && this.isEnding) return;
        const root = `/proc/${this.handOver.second}/root`;
        this.fail(command.number, startFailure(reason, request, now, root));
      },
    });
  }

  /** Those of its terminal are closed by whoever started it, as the ends of pipes are. */
  private closeOwn(command: Command): void {
    close([...new Set(command.own)].filter((fd) => fd !== this.nothing));
    command.own = undefined;
  }

  /**
   * Makes the standard streams of a command, and tells the program where its ends are.
   * @returns the command's own
   */
  private streamsOf(command: Command, { streams }: CommandRequest, becomesUser: boolean): number[] {
    const { window } = command;
    const kinds: readonly StreamKind[] = window === undefined ? streams : ['pipe', 'pipe', 'ignore'];
    const { commands, programs } = this.pipes(kinds, window === undefined && becomesUser);
    if (window !== undefined) {
      try {
        command.terminal = this.terminalFor(window, commands);
      } catch (error) {
        close([...commands, ...programs]);
        throw error;
      }
    }
    command.programs = programs.filter((fd): fd is number => fd !== null);
    if (command.programs.length > 0) this.unopened += 1;
    this.tell({ type: 'streams', number: command.number, descriptors: programs });
    const { terminal } = command;
    return [0, 1, 2].map((index) => (terminal ? terminal.slave : (commands[index] ?? this.nothing)));
  }

  /** A terminal that is between the command and these ends of its pipes. */
  private terminalFor(window: WindowSize, [input, output]: readonly (number | null)[]): CommandTerminal {
    if (!mayHaveTerminals(this.spec))
      throw usageFailure(
        'a terminal needs user 0 and group 0 in the container: without them the kernel gives a user namespace no terminals',
        'Map them, for example by leaving out uidMap and gidMap.',
      );
    const pathname = `/proc/${this.handOver.second}/root`;
    const root = this.kernel.call('open', { pathname, flags: ['O_PATH', 'O_CLOEXEC'], mode: 0 });
    try {
      return new CommandTerminal(this.kernel, root, window, {
        input: input as number,
        output: output as number,
      });
    } finally {
      closeSync(root);
    }
  }

  /** The ends of the command and of the program, null where there is no pipe. */
  private pipes(kinds: readonly StreamKind[], becomesUser: boolean) {
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
    this.early.delete(pid);
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
      else if (this.forkers.some(({ pid }) => pid === change.pid)) {
        this.reaped.add(change.pid);
        this.reject(new Failure('the process that starts commands was killed', { next: nextAfterKill() }));
      } else if (this.forkers.some(({ busy }) => busy)) this.early.set(change.pid, change);
    }
  };

  private finish(command: Command, change: ProcessChange): void {
    this.byPid.delete(command.pid);
    const { number, pid } = command;
    const { killedBy: signal } = change;
    const status = statusOf(change);
    const usage = command.limited?.end();
    const reason = hitMemory(signal, usage) ? ('memory' as const) : undefined;
    this.log.commandEnded(number, pid, status, signal);
    for (const watching of this.watching.values()) watching.ended(pid);
    const asked = command.watched?.asked;
    if (signal !== 'SIGKILL' || !this.isEnding)
      this.tell({ type: 'ended', number, status, ...defined({ signal, reason, usage, asked }) });
    command.over = true;
    this.forget(command);
  }

  /** Of a command that is over nothing is left when its pipes are the program's. */
  private forget(command: Command): void {
    if (command.over && command.programs.length === 0) this.byNumber.delete(command.number);
  }

  /** One that has no terminal yet gets it in that size. */
  private resize(command: Command, window: WindowSize): void {
    if (command.window === undefined) return;
    command.window = window;
    command.terminal?.resize(window);
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
    if (command !== undefined) {
      command.over = true;
      // Its pipes stay until the program has opened them: else it would open those of another that has their numbers.
      this.forget(command);
    }
    const { stack, ...failure } = failureData(error);
    this.tell({ type: 'failed', number, failure });
  }

  private tell(answer: ControlAnswer): void {
    if (!this.control.destroyed) this.control.write(controlLine(answer));
  }
}

function close(descriptors: readonly (number | null)[]): void {
  for (const fd of descriptors) if (fd !== null) closeSync(fd);
}

/** Whether a program is in none of the places that were tried. */
const isNotThere = (reason: StartFailure): boolean =>
  !(reason instanceof Error) &&
  reason !== 'stopped' &&
  reason.errno === 'ENOENT' &&
  typeof reason.call !== 'string' &&
  reason.call.call === 'execve';
