/**
 * The two processes between this one and a command inside a container (docs/second-terminal.md):
 *
 *   P: joins the namespaces, takes the target's root and working directory, says so, and waits; then clones G and ends.
 *   G: a child of this process (CLONE_PARENT) in the namespaces; waits at a gate and then becomes the command.
 */
import { closeSync } from 'node:fs';
import { exitStatus, Failure } from '../../../common/failure.js';
import { type Chain, type ChainCall, memory } from '../../../common/kernel/calls.js';
import type { Kernel, Running } from '../../../common/kernel/kernel.js';
import { pipe } from '../../../common/kernel/pipe.js';
import {
  endChild,
  type ProcessChange,
  signalNumber,
  waitForProcess,
} from '../../../common/kernel/processes.js';
import { namespacesFor } from '../../../common/namespaces.js';
import { boundingSetCalls } from '../../../common/steps/capabilities.js';
import {
  cloneSibling,
  closeAllBut,
  deathSignal,
  forgetStrings,
  notDumpable,
} from '../../../common/steps/chain-calls.js';
import { commandChain, commandStep, type Gate } from '../../../common/steps/command.js';
import type { EnterSpec, Joining } from '../../../common/steps/enter.js';
import { isAlive, type ProcessIdentity } from '../../state/process-identity.js';

const POLLIN = 1; // poll(2)
/** Milliseconds that P and G may take for a word. */
const patience = 10_000;

export class ProcessJoining implements Joining {
  pidfd = -1;
  first = 0;
  second = 0;
  private readonly held: number[] = [];
  private readonly waited = new Set<number>();
  private root = -1;
  private workingDirectory = -1;
  private running: Running | undefined;
  private joinedRead = -1;
  private go = -1;
  private ready = -1;
  private report = -1;
  private gate = -1;

  /**
   * @param target the process as it was found, to tell it from another with its ID
   * @param whenReady called when G stands ready; G goes on when it returns
   */
  constructor(
    private readonly spec: EnterSpec,
    private readonly target: ProcessIdentity,
    private readonly kernel: Kernel,
    private readonly whenReady: () => void,
  ) {}

  hold(): void {
    const { target, joined } = this.spec;
    this.pidfd = this.kernel.call('pidfd_open', { pid: target, flags: 0 });
    this.held.push(this.pidfd);
    if (!isAlive(this.target)) throw new Failure(`${this.spec.name} has just ended`);
    if (!joined.includes('mnt')) return;
    this.root = this.open(`/proc/${target}/root`);
    this.workingDirectory = this.open(`/proc/${target}/cwd`);
  }

  join(): void {
    const [joinedRead, joinedWrite] = pipe(this.kernel, 'joined');
    const [goRead, goWrite] = pipe(this.kernel, 'go');
    const [readyRead, readyWrite] = pipe(this.kernel, 'ready');
    const [reportRead, reportWrite] = pipe(this.kernel, 'report');
    const [gateRead, gateWrite] = pipe(this.kernel, 'gate');
    Object.assign(this, { joinedRead, go: goWrite, ready: readyRead, report: reportRead, gate: gateWrite });
    this.held.push(joinedRead, goWrite, readyRead, reportRead, gateWrite);
    const gate = { ready: readyWrite, report: reportWrite, wait: gateRead };
    const held = [this.pidfd, this.root, this.workingDirectory].filter((descriptor) => descriptor >= 0);
    const kept = [joinedWrite, goRead, ...Object.values(gate), ...held];
    this.running = this.kernel.clone(this.firstProcess(joinedWrite, goRead, kept, this.secondProcess(gate)));
    this.first = this.running.pid;
    // Only the new processes may hold these ends, or their end would never be seen.
    for (const fd of [joinedWrite, goRead, readyWrite, reportWrite, gateRead])
      this.kernel.call('close', { fd });
    this.hear(this.read(joinedRead, 4, 'errno of setns'), 'the process that joins (P)');
  }

  make(): void {
    this.write(this.go, 'x');
    this.hear(
      this.read(this.joinedRead, 4, 'errno of clone'),
      'the process that makes the command’s process (P)',
    );
    this.second = this.running?.pidOf('G') ?? 0;
    this.kernel.wait(this.first);
    this.waited.add(this.first);
    this.hear(this.read(this.ready, 5, 'ready'), 'the command’s process (G)');
  }

  execute(): void {
    // G is a process group by now. It cannot do this itself: in its PID namespace it has another number than here.
    if (this.spec.terminal === 'foreground') {
      const group = Buffer.alloc(4);
      group.writeInt32LE(this.second);
      this.kernel.call('ioctl', { fd: 0, request: 'TIOCSPGRP', argp: memory(group, this.second) });
    }
    this.whenReady();
    // The first byte of the program's path, which G lacks (steps/command.ts).
    this.write(this.gate, '/');
    // execve(2) closes the other end when it succeeds.
    const failed = this.read(this.report, 4, 'errno of execve, or end-of-file') > 0;
    this.running?.record(failed ? [] : ['G']);
    try {
      this.running?.throwFailure();
    } catch (error) {
      throw new Failure((error as Error).message, {
        status: exitStatus.notExecutable,
        next: `${this.spec.command[0]} or the interpreter that it names (#! line, dynamic loader) cannot be executed in ${this.spec.name}.`,
        cause: error,
      });
    }
  }

  /** Ends what is left of the two processes. */
  abandon(): void {
    // P first: once it has been waited for, no G can come any more.
    this.end(this.first);
    this.second ||= this.running?.pidOf('G') ?? 0;
    this.end(this.second);
  }

  /** Checks what has become of G; undefined when it runs as before. */
  change(): ProcessChange | undefined {
    const change = waitForProcess(this.second, false);
    if (change !== undefined && change.stoppedBy === undefined) this.waited.add(this.second);
    return change;
  }

  /** Sends a signal to the command. */
  signal(signal: NodeJS.Signals): void {
    if (this.waited.has(this.second)) return;
    try {
      process.kill(this.second, signalNumber(signal));
    } catch {
      // It has become another user, and the kernel does not let us.
    }
  }

  release(): void {
    for (const descriptor of this.held) closeSync(descriptor);
    this.running?.release();
  }

  /** Ends one of the two, unless it has ended. */
  private end(pid: number): void {
    if (pid === 0 || this.waited.has(pid)) return;
    endChild(pid);
    this.waited.add(pid);
  }

  private open(path: string): number {
    const descriptor = this.kernel.call('open', { pathname: path, flags: ['O_PATH', 'O_CLOEXEC'], mode: 0 });
    this.held.push(descriptor);
    return descriptor;
  }

  /** @param kept the descriptors that P needs, or G after it */
  private firstProcess(joined: number, go: number, kept: readonly number[], second: Chain): Chain {
    const step = 'join';
    const flags = namespacesFor(this.spec.joined).map(({ clone }) => clone);
    return {
      actor: 'P',
      calls: [
        deathSignal(step),
        // From here on root in the container could look into P: nobody may, and there is nothing left of the caller's.
        notDumpable(step),
        ...closeAllBut(step, kept),
        ...forgetStrings(step),
        { step, call: 'setns', args: { fd: this.pidfd, nstype: flags }, shiftsClock: this.spec.clockShift },
        // A change of credentials may clear it: PR_SET_PDEATHSIG(2const).
        deathSignal(step),
        ...(this.root < 0
          ? []
          : ([
              { step, call: 'fchdir', args: { fd: this.root } },
              { step, call: 'chroot', args: { path: '.' } },
              { step, call: 'fchdir', args: { fd: this.workingDirectory } },
            ] as const)),
        { step, call: 'write', args: { fd: joined, buf: { place: 'errno of setns' }, count: 4 } },
        {
          step,
          call: 'read',
          args: { fd: go, buf: memory(Buffer.alloc(8), 'the word to go on'), count: 1 },
        },
        cloneSibling(commandStep.id, second),
        {
          step: commandStep.id,
          call: 'write',
          args: { fd: joined, buf: { place: 'errno of clone' }, count: 4 },
        },
        { step: commandStep.id, call: '_exit', args: { status: 0 } },
      ],
    };
  }

  private secondProcess(gate: Gate): Chain {
    const step = commandStep.id;
    const { terminal } = this.spec;
    const own: ChainCall[] = [
      deathSignal(step),
      ...closeAllBut(step, [gate.ready, gate.report, gate.wait]),
      ...boundingSetCalls(step, this.spec),
      ...(terminal === 'foreground' ? [{ step, call: 'setpgid', args: { pid: 0, pgid: 0 } } as const] : []),
    ];
    const { calls } = commandChain(
      { ...this.spec, terminal: 'shared' },
      this.spec.path,
      this.spec.environment,
      gate,
    );
    return { actor: 'G', calls: [...own, ...calls], clockShift: this.spec.clockShift };
  }

  /**
   * Waits for a word of P or G.
   * @throws Failure when it does not come: root in the container can stop G; KernelError when a signal came instead
   */
  private read(fd: number, count: number, shows: string): number {
    const pollfd = Buffer.alloc(8);
    pollfd.writeInt32LE(fd, 0);
    pollfd.writeInt16LE(POLLIN, 4);
    const fds = memory(pollfd, { fd, events: 'POLLIN' });
    if (this.kernel.call('poll', { fds, nfds: 1, timeout: patience }) === 0)
      throw new Failure(
        `step ${this.kernel.step}: the process in ${this.spec.name} did not go on for ${patience / 1000} s`,
        {
          next: 'Nothing was started. This machine may be busy: try again. Or root in the container has stopped the process.',
        },
      );
    return this.kernel.call('read', { fd, buf: memory(Buffer.alloc(8), shows), count });
  }

  private write(fd: number, word: string): void {
    this.kernel.call('write', { fd, buf: memory(Buffer.from(word), word), count: 1 });
  }

  /** One of the two has reported, or ended: records their calls so far, and throws the first that failed. */
  private hear(length: number, who: string): void {
    this.running?.record();
    this.running?.throwFailure();
    if (length === 0) throw new Failure(`step ${this.kernel.step}: ${who} was killed`);
  }
}
