/**
 * The two processes between this one and the child (docs/call-chain.md):
 *
 *   P: leaves the namespaces it shares, says so, and waits while the parent writes its ID maps; then clones G and ends.
 *   G: a child of the parent (CLONE_PARENT) in the new namespaces; puts its descriptors in order and becomes this same
 *      script in its second stage.
 */
import { readFileSync } from 'node:fs';
import { channelDescriptors } from '../common/channel.js';
import { innermostPid } from '../common/evidence.js';
import { Failure } from '../common/failure.js';
import { type Chain, type ChainCall, type Memory, memory } from '../common/kernel/calls.js';
import { type Constant, constants } from '../common/kernel/constants.js';
import type { Kernel, Running } from '../common/kernel/kernel.js';
import { pipe } from '../common/kernel/pipe.js';
import { waitForProcess } from '../common/kernel/processes.js';
import { namespacesFor } from '../common/namespaces.js';
import { locateProgram } from '../common/program.js';
import { type LaunchSpec, type MapLine, monotonicShift } from '../common/spec.js';
import { childStep, type HandOver, idMapsStep, mapLine, unshareStep } from '../common/steps/hand-over.js';

/** The parent's ends of the channel to the child, and the child's ends, which are closed here once it runs. */
export interface ChannelEnds {
  readonly controlRead: number;
  readonly controlWrite: number;
  readonly recordsRead: number;
  readonly recordsWrite: number;
}

/** The pipes to the child. They are made before the first step, and are counted to it. */
export function channelPipes(kernel: Kernel): ChannelEnds {
  kernel.step = unshareStep.id;
  const [controlRead, controlWrite] = pipe(kernel, 'control');
  const [recordsRead, recordsWrite] = pipe(kernel, 'records');
  return { controlRead, controlWrite, recordsRead, recordsWrite };
}

/** Capabilities that the child's steps need: capabilities(7). */
const childCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_ADMIN',
  'CAP_SYS_CHROOT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_RESOURCE',
] as const satisfies readonly Constant[];

/** _LINUX_CAPABILITY_VERSION_3 of capset(2), whose data come in two parts of 32 bits. */
const capabilityVersion = 0x20080522;

/** The two structures of capset(2): for this process, with these bits effective, permitted and inheritable. */
function capabilityStructures(): { header: Memory; data: Memory } {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(capabilityVersion, 0);
  const bits = childCapabilities.reduce((all, name) => all | (1 << constants[name]), 0) >>> 0;
  const data = Buffer.alloc(24);
  for (const set of [0, 1, 2]) data.writeUInt32LE(bits, set * 4);
  return {
    header: memory(header, { version: '_LINUX_CAPABILITY_VERSION_3', pid: 0 }),
    data: memory(data, { 'effective, permitted, inheritable': childCapabilities }),
  };
}

const pdeathsig = (step: string): ChainCall => ({
  step,
  call: 'prctl',
  args: { option: 'PR_SET_PDEATHSIG', arg2: 'SIGKILL', arg3: 0, arg4: 0, arg5: 0 },
});

/**
 * G: from clone(2) to the second stage of this script. The environment is empty but for what node itself needs: what
 * the command gets travels over the channel, so that nothing of it can be read in /proc/1/environ.
 */
function secondProcess(spec: LaunchSpec, ends: ChannelEnds, script: string): Chain {
  const step = childStep.id;
  const { header, data } = capabilityStructures();
  const environment =
    process.env.LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH };
  return {
    actor: 'G',
    clockShift: monotonicShift(spec),
    calls: [
      pdeathsig(step),
      ...(spec.keepsCapabilities
        ? [
            { step, call: 'capset', args: { hdrp: header, datap: data } } as const,
            ...childCapabilities.map(
              (capability): ChainCall => ({
                step,
                call: 'prctl',
                args: {
                  option: 'PR_CAP_AMBIENT',
                  arg2: 'PR_CAP_AMBIENT_RAISE',
                  arg3: capability,
                  arg4: 0,
                  arg5: 0,
                },
              }),
            ),
          ]
        : []),
      // Node marks descriptors 0 to 2 close-on-exec.
      ...[0, 1, 2].map((fd): ChainCall => ({ step, call: 'fcntl', args: { fd, cmd: 'F_SETFD', arg: 0 } })),
      { step, call: 'dup2', args: { oldfd: ends.controlRead, newfd: channelDescriptors.control } },
      { step, call: 'dup2', args: { oldfd: ends.recordsWrite, newfd: channelDescriptors.records } },
      {
        step,
        call: 'close_range',
        args: { first: channelDescriptors.records + 1, last: 'UINT_MAX', flags: 0 },
      },
      {
        step,
        call: 'execve',
        args: {
          pathname: '/proc/self/exe',
          argv: [process.argv0, ...process.execArgv, script, 'child'],
          envp: environment,
        },
      },
      { step, call: '_exit', args: { status: 127 } },
    ],
  };
}

/** P: from clone(2) to its end. */
function firstProcess(
  spec: LaunchSpec,
  report: number,
  go: [read: number, write: number],
  second: Chain,
): Chain {
  const step = unshareStep.id;
  return {
    actor: 'P',
    calls: [
      pdeathsig(step),
      // Without it P would keep its own pipe open, and wait for ever if the parent is gone.
      { step, call: 'close', args: { fd: go[1] } },
      { step, call: 'unshare', args: { flags: namespacesFor(spec.unshared).map(({ clone }) => clone) } },
      { step, call: 'write', args: { fd: report, buf: { place: 'errno of unshare' }, count: 4 } },
      {
        step,
        call: 'read',
        args: { fd: go[0], buf: memory(Buffer.alloc(8), 'the word to go on'), count: 1 },
      },
      {
        step: childStep.id,
        call: 'clone',
        args: {
          fn: { place: 'setcontext' },
          stack: { place: 'stack' },
          flags: ['CLONE_PARENT', 'CLONE_PARENT_SETTID', 'SIGCHLD'],
          arg: second,
          parent_tid: { place: 'process ID' },
        },
      },
      { step: childStep.id, call: 'write', args: { fd: report, buf: { place: 'errno of clone' }, count: 4 } },
      { step: childStep.id, call: '_exit', args: { status: 0 } },
    ],
  };
}

export class ProcessHandOver implements HandOver {
  first = 0;
  second = 0;
  private running: Running | undefined;
  private report = -1;
  private go = -1;
  private descriptors: Record<string, number> = {};
  private readonly pidsOutside = new Map<number, number>();

  constructor(
    private readonly spec: LaunchSpec,
    private readonly kernel: Kernel,
    private readonly ends: ChannelEnds,
    private readonly script: string,
  ) {}

  unshare(): void {
    const [reportRead, reportWrite] = pipe(this.kernel, 'report');
    const [goRead, goWrite] = pipe(this.kernel, 'go');
    this.report = reportRead;
    this.go = goWrite;
    this.descriptors = {
      'report[0]': reportRead,
      'report[1]': reportWrite,
      'go[0]': goRead,
      'go[1]': goWrite,
    };
    const second = secondProcess(this.spec, this.ends, this.script);
    this.running = this.kernel.clone(firstProcess(this.spec, reportWrite, [goRead, goWrite], second));
    this.first = this.running.pid;
    for (const fd of [reportWrite, goRead]) this.kernel.call('close', { fd });
    this.hear('the process that unshares (P)');
  }

  mapThrough(program: 'newuidmap' | 'newgidmap', lines: readonly MapLine[]): void {
    const step = idMapsStep.id;
    const path = locateProgram(program, process.env.PATH ?? '/usr/bin:/bin');
    const words = [program, String(this.first), ...lines.flatMap((line) => mapLine(line).split(' '))];
    const running = this.kernel.clone({
      actor: program,
      calls: [
        ...[0, 1, 2].map((fd): ChainCall => ({ step, call: 'fcntl', args: { fd, cmd: 'F_SETFD', arg: 0 } })),
        { step, call: 'execve', args: { pathname: path, argv: words, envp: {} } },
        { step, call: '_exit', args: { status: 127 } },
      ],
    });
    const ended = this.kernel.wait(running.pid);
    running.record([program]);
    running.throwFailure();
    running.release();
    if (ended.status !== 0) {
      throw new Failure(`step ${step}: ${words.join(' ')} failed, see what it said above`, {
        next: 'Check that /etc/subuid and /etc/subgid give your user these ranges, and that newuidmap and newgidmap are set-user-ID root.',
      });
    }
  }

  spawn(): void {
    this.kernel.call('write', { fd: this.go, buf: memory(Buffer.from('x'), 'x'), count: 1 });
    this.hear('the process that makes the child (P)');
    this.second = this.running?.pidOf('G') ?? 0;
    this.kernel.wait(this.first);
    for (const fd of [this.go, this.report, this.ends.controlRead, this.ends.recordsWrite])
      this.kernel.call('close', { fd });
  }

  /**
   * Records what G did up to its execve(2), which has succeeded if the child was heard of.
   * @throws KernelError when one of G's calls failed; Failure when it ended by itself without a word
   */
  finish(heard: boolean): void {
    this.running?.record(heard || this.isChild() ? ['G'] : []);
    this.running?.throwFailure();
    const status = heard ? undefined : waitForProcess(this.second, true)?.status;
    if (status !== undefined)
      throw new Failure(`step child: the child ended with status ${status} before it could begin`, {
        next: `It is node itself that failed: try ${process.execPath} --version.`,
      });
  }

  /** Ends what is left of the two processes; of a PID namespace the kernel then ends the rest. */
  abandon(): void {
    this.running?.record(this.isChild() ? ['G'] : []);
    for (const pid of this.alive()) process.kill(pid, 'SIGKILL');
  }

  /** Waits for processes that have ended or are about to. */
  reap(): void {
    for (const pid of this.alive()) waitForProcess(pid, true);
    // What was still under way when last looked at.
    this.running?.record();
    this.running?.release();
    this.running = undefined;
  }

  /** What a rehearsal had only names for (kernel/rehearsal.ts); 0 and absent are not known yet. */
  get known(): Record<string, number> {
    return {
      ...this.descriptors,
      ...{ 'control[0]': this.ends.controlRead, 'records[1]': this.ends.recordsWrite },
      ...{ 'pid of P': this.first, 'pid of G': this.second },
    };
  }

  /** The process ID, seen from here, of a process that the child or the command's process knows as `pid`. */
  pidOutside(pid: number, actor: string): number {
    if (actor === 'child') return this.second;
    // Asked for the first time while the process still waits for the child's or the parent's word; later it may be gone.
    const known = this.pidsOutside.get(pid) ?? childWithPid(this.second, pid);
    if (known !== undefined) this.pidsOutside.set(pid, known);
    return known ?? pid;
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

  /** P and G as long as they have not been waited for: our own children keep their process IDs until then. */
  private alive(): number[] {
    const second = this.second || (this.running?.pidOf('G') ?? 0);
    return [this.first, second].filter((pid) => pid !== 0 && isOurChild(pid));
  }

  /** Waits for a report of P, records its calls so far, and throws the first that failed. */
  private hear(who: string): void {
    const word = memory(Buffer.alloc(4), 'errno of its call');
    const heard = this.kernel.call('read', { fd: this.report, buf: word, count: 4 });
    this.running?.record();
    this.running?.throwFailure();
    if (heard === 0) throw new Failure(`step ${this.kernel.step}: ${who} was killed`);
  }
}

/** Whether a process is a child of this one, running or waiting to be reaped. */
function isOurChild(pid: number): boolean {
  try {
    return parentOf(pid) === process.pid;
  } catch {
    return false;
  }
}

/** proc_pid_stat(5), field 4. */
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** The child of a process that has this process ID in its own PID namespace: NSpid of proc_pid_status(5). */
function childWithPid(parent: number, pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number);
    return children.find((child) => innermostPid(child) === pid);
  } catch {
    return undefined; // It has ended.
  }
}
