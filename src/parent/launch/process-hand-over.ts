/**
 * The two processes between this one and the child (docs/call-chain.md):
 *
 *   P: leaves the namespaces it shares, says so, and waits while the parent writes its ID maps; then clones G and ends.
 *   G: a child of the parent (CLONE_PARENT) in the new namespaces; puts its descriptors in order and becomes this same
 *      script in its second stage.
 */
import { readFileSync } from 'node:fs';
import { membersFile } from '../../common/cgroup/group-names.js';
import { Failure, nextAfterKill, statusOfSignal } from '../../common/failure.js';
import { memory } from '../../common/kernel/calls.js';
import type { Kernel, Running } from '../../common/kernel/kernel.js';
import { drop, pipe, socketPair } from '../../common/kernel/pipe.js';
import {
  endChild,
  endChildren,
  type ProcessChange,
  signalNumber,
  waitForProcess,
} from '../../common/kernel/processes.js';
import { runProgram } from '../../common/kernel/run-program.js';
import {
  childrenOf,
  childrenOfThread,
  innermostPid,
  isStopped,
  processStatOrNone,
} from '../../common/process-files.js';
import { locateProgram } from '../../common/program.js';
import { type LaunchSpec, type MapLine, unshares } from '../../common/spec.js';
import { exiting } from '../../common/steps/command.js';
import { type HandOver, idMapsStep, mapLine, unshareStep } from '../../common/steps/hand-over.js';
import { withLine } from '../advice/doctor-lines.js';
import { mapProgramsPowerless } from '../advice/obstacles.js';
import { Guard } from './guard.js';
import { type ChannelEnds, firstProcess, type GroupDescriptors, secondProcess } from './launch-chains.js';

/** The channel to the child. It is made before the first step, and is counted to it. */
export function channelEnds(kernel: Kernel): ChannelEnds {
  kernel.step = unshareStep.id;
  const [parent, child] = socketPair(kernel, 'channel');
  return { parent, child };
}

/** The failure when the child was killed, and with it everything inside. */
export function childKilled(change: ProcessChange | undefined): Failure {
  const signal = change?.killedBy ?? 'SIGKILL';
  return new Failure(`the child was killed by ${signal}, and everything in the container with it`, {
    status: statusOfSignal(signalNumber(signal)),
    next: nextAfterKill(signal),
  });
}

export class ProcessHandOver implements HandOver {
  first = 0;
  second = 0;
  private running: Running | undefined;
  private guard: Guard | undefined;
  private cloned = -1;
  private go = -1;
  /** /dev/null, where the child gets it as its standard streams. */
  private nothing = -1;
  /** Of each control group the files that P writes to, where the container has a cgroup namespace. */
  private groups: readonly GroupDescriptors[] = [];
  private descriptors: Record<string, number> = {};
  private readonly pidsOutside = new Map<number, number>();
  private readonly waited = new Map<number, ProcessChange | undefined>();

  constructor(
    private readonly spec: LaunchSpec,
    private readonly kernel: Kernel,
    private readonly ends: ChannelEnds,
    private readonly script: string,
  ) {}

  unshare(): void {
    // If the child is killed, and no PID namespace ends with it, its orphans come to this process, which ends them.
    if (!unshares(this.spec, 'pid')) {
      this.kernel.call('prctl', { option: 'PR_SET_CHILD_SUBREAPER', arg2: 1, arg3: 0, arg4: 0, arg5: 0 });
    }
    const [unsharedRead, unsharedWrite] = pipe(this.kernel, 'unshared');
    const [clonedRead, clonedWrite] = pipe(this.kernel, 'cloned');
    const [goRead, goWrite] = pipe(this.kernel, 'go');
    this.cloned = clonedRead;
    this.go = goWrite;
    this.descriptors = {
      'unshared[0]': unsharedRead,
      'unshared[1]': unsharedWrite,
      'cloned[0]': clonedRead,
      'cloned[1]': clonedWrite,
      'go[0]': goRead,
      'go[1]': goWrite,
    };
    if (this.spec.terminal === 'own') {
      const flags = ['O_RDWR', 'O_CLOEXEC'] as const;
      this.nothing = this.kernel.call('open', { pathname: '/dev/null', flags, mode: 0 });
      this.descriptors['descriptor of /dev/null'] = this.nothing;
    }
    this.openGroups();
    const groups = this.groups;
    const second = secondProcess(this.spec, this.ends, this.nothing, this.script);
    const reports = [unsharedWrite, clonedWrite] as const;
    this.running = this.kernel.clone(firstProcess(this.spec, reports, [goRead, goWrite], second, groups));
    this.first = this.running.pid;
    for (const fd of [unsharedWrite, clonedWrite, goRead]) this.kernel.call('close', { fd });
    this.hear(unsharedRead, 'the process that unshares (P)');
  }

  mapThrough(program: 'newuidmap' | 'newgidmap', lines: readonly MapLine[]): void {
    const step = idMapsStep.id;
    const path = mapProgram(program);
    const words = [String(this.first), ...lines.flatMap((line) => mapLine(line).split(' '))];
    const ended = runProgram(this.kernel, program, path, words);
    if (ended.status !== 0) {
      throw new Failure(`step ${step}: ${[program, ...words].join(' ')} failed, see what it said above`, {
        next: withLine(
          mapProgramsPowerless() ??
            'Check that /etc/subuid and /etc/subgid give your user these ranges, and that newuidmap and newgidmap are set-user-ID root',
          'subordinate-ids',
        ),
      });
    }
  }

  /** A process that leaves its cgroup namespace has the groups that it is in as the roots of the new one. */
  private openGroups(): void {
    const open = (group: string): number =>
      this.kernel.call('open', {
        pathname: membersFile(group),
        flags: ['O_WRONLY', 'O_CLOEXEC'],
        mode: 0,
      });
    this.groups = (this.spec.limits?.groups ?? []).flatMap(({ path, init }) =>
      init === undefined ? [] : [{ limited: open(path), init: open(init) }],
    );
  }

  spawn(): void {
    this.kernel.call('write', { fd: this.go, buf: memory(Buffer.from('x'), 'x'), count: 1 });
    this.hear(this.cloned, 'the process that makes the child (P)');
    this.second = this.running?.pidOf('G') ?? 0;
    this.waited.set(this.first, this.kernel.wait(this.first));
    const nothing = this.spec.terminal === 'own' ? [this.nothing] : [];
    const groups = this.groups.flatMap(({ limited, init }) => [limited, init]);
    for (const fd of [this.go, this.ends.child, ...nothing, ...groups]) this.kernel.call('close', { fd });
    this.guard = new Guard(this.kernel, this.second, unshares(this.spec, 'pid'), this.script);
  }

  /**
   * Records what G did up to its execve(2), which has succeeded if the child was heard of.
   * @throws KernelError when one of G's calls failed; Failure when it ended by itself without a word
   */
  finish(heard: boolean): void {
    this.running?.record(heard || this.isChild() ? ['G'] : []);
    this.running?.throwFailure();
    const status = heard ? undefined : this.wait(this.second)?.status;
    if (status !== undefined)
      throw new Failure(`step child: the child ended with status ${status} before it could begin`, {
        next: `It is node itself that failed: try ${process.execPath} --version.`,
      });
  }

  /** Whether a process that the child has made is stopped; true where that cannot be seen. */
  isCommandStopped(): boolean {
    const seen = childrenOf(this.second).flatMap((pid) => processStatOrNone(pid) ?? []);
    return seen.length === 0 || seen.some(isStopped);
  }

  /** Whether the child is about to end, or has. */
  isEnding(): boolean {
    const stat = processStatOrNone(this.second);
    return stat === undefined || (stat.flags & exiting) !== 0;
  }

  /** Waits for the end of the child. */
  waitForChild(): ProcessChange | undefined {
    return this.wait(this.second);
  }

  /** Checks, without waiting, what has become of the child where it is the command; undefined when it runs as before. */
  change(): ProcessChange | undefined {
    const change = waitForProcess(this.second, false);
    if (change !== undefined && change.stoppedBy === undefined) this.waited.set(this.second, change);
    return change;
  }

  /** Whether it was one of these processes that a wait for any child has found ended. */
  notes(change: ProcessChange): boolean {
    if (this.guard?.notes(change.pid)) return true;
    if (![this.first, this.second].includes(change.pid)) return false;
    this.waited.set(change.pid, change);
    return true;
  }

  /** Sends the child a signal, where it is the command. */
  signal(signal: NodeJS.Signals): void {
    if (this.waited.has(this.second)) return;
    try {
      process.kill(this.second, signalNumber(signal));
    } catch {
      // It has become another user, and the kernel does not let us.
    }
  }

  /** Kills the child from the host; it is waited for later. */
  kill(): void {
    if (this.second !== 0 && !this.waited.has(this.second)) process.kill(this.second, 'SIGKILL');
  }

  /**
   * Ends what is left of the two processes; of a PID namespace the kernel then ends the rest.
   * @returns the first of their calls that failed, which is the reason of whatever failed after it
   */
  abandon(): Error | undefined {
    this.running?.record(this.isChild() ? ['G'] : []);
    // P first: once it has been waited for, no G can come any more.
    this.end(this.first);
    this.second ||= this.running?.pidOf('G') ?? 0;
    this.end(this.second);
    try {
      this.running?.record();
      this.running?.throwFailure();
      return undefined;
    } catch (reason) {
      return reason as Error;
    }
  }

  /** What the guard has done is in the log. */
  recordGuard(): void {
    this.guard?.record();
  }

  /**
   * Waits for what has ended or is about to, and gives the memory back.
   * @param spared a child of this process that is none of the container's
   */
  reap(spared?: number): void {
    try {
      for (const pid of [this.first, this.second]) this.wait(pid);
    } catch {
      // How the launch went is known; its last processes are then waited for by whoever inherits them.
    }
    this.guard?.release();
    this.guard = undefined;
    // Where no PID namespace ended with the child, what it left behind are our children now.
    if (!unshares(this.spec, 'pid')) endChildren(spared);
    // What was still under way when last looked at.
    this.running?.record();
    this.running?.release();
    this.running = undefined;
  }

  /** What a rehearsal had only names for (kernel/rehearsal.ts); 0 and absent are not known yet. */
  get known(): Record<string, number> {
    return {
      ...this.descriptors,
      'channel[0]': this.ends.parent,
      'channel[1]': this.ends.child,
      'pid of P': this.first,
      'pid of G': this.second,
    };
  }

  /**
   * The command's process as it is numbered here; undefined where it is there no more.
   * @param pid what the child calls it
   * @throws the error of Node where it cannot be looked for
   */
  commandPid(pid: number): number | undefined {
    try {
      return this.spec.asPid1 ? this.second : childWithPid(this.second, pid);
    } catch (error) {
      if (['ENOENT', 'ESRCH'].includes(String((error as NodeJS.ErrnoException).code))) return undefined;
      throw error;
    }
  }

  /** The process ID, seen from here, of a process that the child or the command's process knows as `pid`. */
  pidOutside(pid: number, actor: string): number {
    if (actor === 'child') return this.second;
    // Asked for the first time while the process still waits for the child's or the parent's word; later it may be gone.
    const known = this.pidsOutside.get(pid) ?? this.childOrNone(pid);
    if (known !== undefined) this.pidsOutside.set(pid, known);
    return known ?? pid;
  }

  /** What the log cannot be told is no reason to end a launch. */
  private childOrNone(pid: number): number | undefined {
    try {
      return childWithPid(this.second, pid);
    } catch {
      return undefined;
    }
  }

  /** Whether G has become the child: until its execve(2) its command line is a copy of this process's. */
  private isChild(): boolean {
    try {
      const [own, its] = ['self', this.second].map((id) => readFileSync(`/proc/${id}/cmdline`, 'utf8'));
      return its !== '' && its !== own;
    } catch {
      return false;
    }
  }

  /** Kills one of the two and waits for it. Our own children keep their process IDs until they are waited for. */
  private end(pid: number): void {
    if (pid === 0 || this.waited.has(pid)) return;
    this.waited.set(pid, endChild(pid));
  }

  private wait(pid: number): ProcessChange | undefined {
    if (pid === 0 || this.waited.has(pid)) return this.waited.get(pid);
    const change = waitForProcess(pid, true);
    this.waited.set(pid, change);
    return change;
  }

  /** Waits for a report of P, records its calls so far, and throws the first that failed. */
  private hear(report: number, who: string): void {
    const word = memory(Buffer.alloc(4), 'errno of its call');
    const heard = this.kernel.call('read', { fd: report, buf: word, count: 4 });
    drop(this.kernel, report);
    this.running?.record();
    this.running?.throwFailure();
    if (heard !== 0) return;
    const { killedBy = 'SIGKILL' } = this.wait(this.first) ?? {};
    throw new Failure(`step ${this.kernel.step}: ${who} was killed by ${killedBy}`, {
      next: nextAfterKill(killedBy),
    });
  }
}

/** @throws Failure: that it is missing is the launcher's failure, and not, as for a command, the caller's */
function mapProgram(program: string): string {
  try {
    return locateProgram(program, process.env.PATH ?? '/usr/bin:/bin');
  } catch (cause) {
    throw new Failure(`step ${idMapsStep.id}: ${(cause as Error).message}`, {
      next: withLine(
        'Install the package uidmap (Debian, Ubuntu) or shadow-utils, or leave out --map-auto',
        'subordinate-ids',
      ),
      cause,
    });
  }
}

/**
 * The child of a process that has this process ID in its own PID namespace: NSpid of proc_pid_status(5).
 * @throws the error of Node: ENOENT or ESRCH where one of them has ended
 */
function childWithPid(parent: number, pid: number): number | undefined {
  // Its first thread has made the command, so the others are looked at only where it has not.
  const isIt = (child: number): boolean => innermostPid(child) === pid;
  return childrenOfThread(parent, parent).find(isIt) ?? childrenOf(parent).find(isIt);
}
