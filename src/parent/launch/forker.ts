/**
 * Starts commands in a container that runs (docs/call-chain.md). Node can do that as little as it can unshare, and a copy
 * of it for each command would take longer than the command: copying the memory of a Node takes milliseconds. So there is
 * one copy, F, made once. It shares the launcher's descriptors, those of later too, has joined the container's
 * namespaces, and then starts one command after the other by clone(2) with CLONE_VM and CLONE_VFORK, which copies nothing.
 *
 * F is not in the container's PID namespace, only its children are: nobody inside sees it. Its children are the
 * launcher's (CLONE_PARENT), so how they end nobody can forge.
 */
import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Failure } from '../../common/failure.js';
import type { CallChain, ChainResult } from '../../common/kernel/call-chain.js';
import { type ChainCall, memory } from '../../common/kernel/calls.js';
import { errnoName } from '../../common/kernel/errno.js';
import type { Running } from '../../common/kernel/kernel.js';
import { drop, pipe } from '../../common/kernel/pipe.js';
import { endChild } from '../../common/kernel/processes.js';
import { ProgramWords, type Words } from '../../common/kernel/program-words.js';
import { Recorder } from '../../common/kernel/recorder.js';
import { killProcess } from '../../common/kill-process.js';
import { isStopped, processStatOrNone } from '../../common/process-files.js';
import type { LaunchSpec } from '../../common/spec.js';
import { serveStep } from '../../common/steps/serve.js';
import {
  type CommandChain,
  commandChainOf,
  type ForkerChain,
  forkerChain,
  heldByte,
  type Shape,
} from './forker-chain.js';

/** Milliseconds after which somebody looks why a command is not executed, and after which it is killed in any case. */
const patience = { look: 1_000, most: 60_000 };

/** A command to start. */
export interface Start {
  readonly words: Words;
  readonly user: LaunchSpec['user'];
  readonly becomesUser: boolean;
  /**
   * What become its standard input, output and error: asked for when its turn comes, so that none waits with them open.
   * Undefined where it has to wait for a later `next`.
   */
  readonly descriptors: () => readonly number[] | undefined;
  /** Whether they are a terminal of its own. */
  readonly terminal: boolean;
  /** Limits the process before it does anything else. @throws Failure where it cannot be: it is killed then */
  readonly limit?: ((pid: number) => void) | undefined;
  /** It runs. */
  readonly started: (pid: number) => void;
  /** It does not. `pid` is that of the process that was to become it, 0 where there was none. */
  readonly failed: (reason: StartFailure, pid: number) => void;
}

/**
 * Why a command was not started: a call that failed, by its name and errno, that it was stopped on its way, or what was
 * wrong before.
 */
export type StartFailure =
  | Error
  | { readonly call: ChainCall; readonly errno: string }
  | { readonly call: 'clone'; readonly errno: string }
  | 'stopped';

export class Forker {
  readonly pid: number;
  private readonly running: Running;
  private readonly chain: CallChain;
  private readonly own: ForkerChain;
  /** F's own end, to which a process that is held writes too. */
  private readonly report: number;
  /** For calls that are none of the launch's. */
  private readonly quiet = new Recorder('parent', 0n, () => {});
  private readonly words = new ProgramWords();
  private readonly chains = new Map<string, CommandChain>();
  private readonly go: number;
  private readonly reports: Socket;
  private readonly waiting: Start[] = [];
  private current: { readonly start: Start; readonly chain: CommandChain } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private wasStopped = false;
  /** What the process of a command waits on until it is limited: both ends. */
  private gate: readonly [read: number, write: number] | undefined;
  private notLimited: Error | undefined;
  private over = false;

  /**
   * @param child the container's first process
   * @param isReaped whether a process has been waited for already
   * @throws KernelError when it cannot join the container
   */
  constructor(
    private readonly spec: LaunchSpec,
    kernel: Recorder,
    child: number,
    private readonly isReaped: (pid: number) => boolean,
  ) {
    kernel.step = serveStep.id;
    const pidfd = kernel.call('pidfd_open', { pid: child, flags: 0 });
    const [root, workingDirectory] = ['root', 'cwd'].map((link) =>
      kernel.call('open', { pathname: `/proc/${child}/${link}`, flags: ['O_PATH', 'O_CLOEXEC'], mode: 0 }),
    ) as [number, number];
    const [go, write] = pipe(kernel, 'go');
    const [read, report] = pipe(kernel, 'report');
    this.go = write;
    this.report = report;
    this.own = forkerChain(spec, { pidfd, root, workingDirectory, go, report });
    const { running, chain } = kernel.cloneLoop(this.own.chain);
    this.running = running;
    this.chain = chain;
    this.pid = running.pid;
    const heard = kernel.call('read', { fd: read, buf: memory(Buffer.alloc(8), 'joined'), count: 1 });
    running.record();
    // The descriptors are F's, too: it goes on with those that it waits on.
    drop(kernel, pidfd, root, workingDirectory);
    running.throwFailure();
    if (heard === 0)
      throw new Failure(`step ${serveStep.id}: the process that starts commands (F) was killed`);
    this.reports = new Socket({ fd: read, readable: true, writable: false });
    this.reports.on('data', (bytes: Buffer) => this.hear(bytes));
    this.reports.on('error', () => {});
  }

  /** Whether a command is on its way, whose process ID is not known yet. */
  get busy(): boolean {
    return this.current !== undefined;
  }

  /** The process of the command on its way, once it is there. */
  get underWay(): number {
    return this.current === undefined ? 0 : this.chain.pidOf(this.current.chain.chain);
  }

  /** Starts a command after those before it. */
  start(start: Start): void {
    this.waiting.push(start);
    this.next();
  }

  /** Ends F. What it has started goes on. */
  end(): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    if (!this.isReaped(this.pid)) endChild(this.pid);
    this.reports.destroy();
    drop(this.quiet, ...(this.gate ?? []));
    closeSync(this.go);
  }

  /** Gives its memory back; after `end`, when nobody asks for `underWay` any more. */
  release(): void {
    this.running.release();
    this.words.release();
  }

  /** Starts the next, if none is on its way. */
  next(): void {
    while (this.current === undefined && !this.over) {
      const start = this.waiting.shift();
      if (start === undefined) return;
      try {
        const descriptors = start.descriptors();
        if (descriptors === undefined) {
          this.waiting.unshift(start);
          return;
        }
        const chain = this.chainFor(start);
        this.fill(chain, start, descriptors);
        if (chain.gate !== undefined) {
          // One for each: whoever is killed while it waits leaves the word in it.
          this.gate = pipe(this.quiet, 'gate');
          this.chain.set(chain.gate, 'fd', BigInt(this.gate[0]));
        }
        this.current = { start, chain };
      } catch (error) {
        start.failed(error as Error, 0);
        continue;
      }
      this.wasStopped = false;
      this.notLimited = undefined;
      this.watch(patience.look);
      writeSync(this.go, 'x');
    }
  }

  private chainFor({ user, becomesUser, terminal, limit }: Start): CommandChain {
    const shape: Shape = {
      becomesUser,
      isRoot: user.uid === 0,
      setsGroups: becomesUser && user.groups !== undefined,
      terminal,
      isHeld: limit !== undefined,
    };
    const key = Object.values(shape).join();
    const known = this.chains.get(key);
    if (known !== undefined) return known;
    const made = commandChainOf(this.spec, shape, this.words, this.report);
    this.chain.add(made.chain);
    this.chains.set(key, made);
    return made;
  }

  /** Writes into the chain what is this command's. */
  private fill(
    { chain, streams, groups, group, user, owner }: CommandChain,
    start: Start,
    descriptors: readonly number[],
  ): void {
    this.chain.aim(this.own.fork, chain);
    this.words.write(start.words);
    streams.forEach((call, index) => {
      this.chain.set(call, 'oldfd', BigInt(descriptors[index] ?? 0));
    });
    const ids = (call: ChainCall | undefined, names: readonly string[], id: number): void => {
      if (call !== undefined) for (const name of names) this.chain.set(call, name, BigInt(id));
    };
    ids(group, ['rgid', 'egid', 'sgid'], start.user.gid);
    ids(user, ['ruid', 'euid', 'suid'], start.user.uid);
    ids(owner, ['owner'], start.user.uid);
    if (groups === undefined) return;
    const list = start.user.groups ?? [];
    this.chain.set(groups, 'size', BigInt(list.length));
    const { list: place } = groups.args;
    if ('bytes' in place && list.length > 0)
      this.chain.put(place, Buffer.from(Uint32Array.from(list).buffer));
  }

  /**
   * F waits until the command is executed or has ended. Root in the container can stop it before that (SIGSTOP), and with it
   * everything that is to be started after it: then it is killed.
   */
  private watch(after: number): void {
    const began = Date.now();
    const look = (): void => {
      const pid = this.underWay;
      const stat = pid > 0 ? processStatOrNone(pid) : undefined;
      const late = Date.now() - began >= patience.most;
      if (pid > 0 && !this.isReaped(pid) && (late || (stat !== undefined && isStopped(stat)))) {
        this.wasStopped = true;
        process.kill(pid, 'SIGKILL');
      }
      this.timer = setTimeout(look, patience.look);
    };
    this.timer = setTimeout(look, after);
  }

  private hear(bytes: Buffer): void {
    for (const byte of bytes) {
      if (byte === heldByte[0]) this.limit();
      else this.settle();
    }
  }

  /** The process of a command is there and waits: it gets its limits, or is killed. */
  private limit(): void {
    const [, write] = this.gate ?? [];
    const { current, underWay: pid } = this;
    // One that has been waited for already has no number any more, and nothing to limit.
    if (current === undefined || write === undefined || this.isReaped(pid)) return;
    try {
      current.start.limit?.(pid);
      writeSync(write, 'x');
    } catch (error) {
      this.notLimited = error as Error;
      if (pid > 0) killProcess(pid);
    }
  }

  /** F has answered: the command is executed, or its process has ended. */
  private settle(): void {
    clearTimeout(this.timer);
    const { current } = this;
    if (current === undefined) return;
    this.current = undefined;
    drop(this.quiet, ...(this.gate ?? []));
    this.gate = undefined;
    const { start, chain } = current;
    const pid = this.chain.pidOf(chain.chain);
    const reason = this.notLimited ?? (this.wasStopped ? 'stopped' : this.failureOf(chain, pid));
    if (reason === undefined) start.started(pid);
    else start.failed(reason, pid);
    this.next();
  }

  private failureOf({ chain, tries }: CommandChain, pid: number): StartFailure | undefined {
    if (pid === 0) {
      const { errno = 0 } = this.chain.resultsIn(this.own.chain).find(isOf(this.own.fork)) ?? {};
      return { call: 'clone', errno: errnoName(errno) };
    }
    const last = tries.at(-1) as ChainCall;
    if (!this.chain.hasReturned(chain, last)) return undefined;
    const results = this.chain.resultsIn(chain);
    const before = results.slice(0, results.findIndex(isOf(tries[0] as ChainCall)));
    const first = before.find(({ errno, call }) => errno !== 0 && !call.mayFail);
    const told = first ?? reasonAmong(results.filter(({ call }) => tries.includes(call)));
    return told && { call: told.call, errno: errnoName(told.errno) };
  }
}

const isOf =
  (wanted: ChainCall) =>
  ({ call }: ChainResult): boolean =>
    call === wanted;

/** What execvp(3) tells: that a program was found and cannot be executed rather than that it is nowhere. */
function reasonAmong(tries: readonly ChainResult[]): ChainResult | undefined {
  const without = (names: readonly string[]): ChainResult | undefined =>
    tries.find(({ errno }) => !names.includes(errnoName(errno)));
  return without(['ENOENT', 'ENOTDIR', 'EACCES']) ?? without(['ENOENT', 'ENOTDIR']) ?? tries[0];
}
