/** What the child says over the channel, and what the parent does about it, until the command has ended. */
import { hitLimits, hitMemory } from '../../common/cgroup/limit-words.js';
import type { FailureData, RecordMessage } from '../../common/channel.js';
import { defined } from '../../common/defined.js';
import { Failure, nextAfterKill, statusOfSignal } from '../../common/failure.js';
import { failureFromData } from '../../common/failure-data.js';
import { constants } from '../../common/kernel/constants.js';
import type { CallRecord } from '../../common/kernel/kernel.js';
import { KernelError } from '../../common/kernel/kernel-error.js';
import { listenerComes } from '../../common/kernel/listener-comes.js';
import { restSoon } from '../../common/kernel/memory-at-rest.js';
import type { ProcessChange } from '../../common/kernel/processes.js';
import type { Recorder } from '../../common/kernel/recorder.js';
import { isDeadly } from '../../common/passed-signals.js';
import type { LaunchSpec } from '../../common/spec.js';
import { described, type Evidence, type StepResult } from '../../common/step.js';
import { execStep, programOf } from '../../common/steps/command.js';
import type { ListenerPlace } from '../../common/steps/command-context.js';
import type { NumberedStep } from '../../common/steps/index.js';
import { serveStep } from '../../common/steps/serve.js';
import type { Log } from '../log/log.js';
import type { JobControl } from '../terminal/job-control.js';
import type { PtyMaster } from '../terminal/pty-master.js';
import { notBelieved } from './checked-message.js';
import type { Companions } from './companions.js';
import type { ContainerGroup } from './container-group.js';
import { executedStep } from './executed.js';
import { follow, statusOf } from './follow.js';
import { ForcedEnd } from './forced-end.js';
import type { HeldLayers } from './held-layers.js';
import type { HostEvidence } from './host-evidence.js';
import { LateMessages } from './late-messages.js';
import type { MountPoints } from './made-mount-points.js';
import type { ParentChannel } from './parent-channel.js';
import { childKilled, type ProcessHandOver } from './process-hand-over.js';
import type { RefusedCalls } from './refused-calls.js';
import type { ServedCommands } from './served-commands.js';
import { givenUp, type SignalRelay } from './signal-relay.js';

/** What of the launch the conversation needs. */
export interface Surroundings extends Companions {
  readonly spec: LaunchSpec;
  readonly log: Log;
  readonly kernel: Recorder;
  readonly handOver: ProcessHandOver;
  readonly channel: ParentChannel;
  readonly hostEvidence: HostEvidence;
  readonly refused: RefusedCalls;
  readonly mountPoints: MountPoints | undefined;
  readonly group: ContainerGroup | undefined;
  readonly layers: HeldLayers;
  readonly signals: SignalRelay;
  /** The caller's terminal, and whose job has it. */
  readonly job: JobControl;
  /** With --pty, the other end of the command's terminal. */
  readonly pty: PtyMaster | undefined;
  readonly steps: ReadonlyMap<string, NumberedStep>;
  /** A step is done. */
  readonly done: (result: StepResult) => void;
}

type Message<Type extends RecordMessage['type']> = Extract<RecordMessage, { type: Type }>;

export class Conversation {
  private started = false;
  private ended: number | undefined;
  /** With --as-pid-1: the child's last call, and what it was before that. */
  private execve: CallRecord | undefined;
  private before: Evidence = {};
  /** Signals for a command that is not executed yet: the child would take them with it. */
  private readonly early: NodeJS.Signals[] = [];

  /** With --control-fd: the commands that a program asks for. */
  private commands: ServedCommands | undefined;
  private serving: (end: Promise<number>) => void = () => {};
  /** How the container ends where it has no command of its own, unless its first process ends before that. */
  private readonly served = new Promise<number>((done) => {
    this.serving = done;
  });
  private readonly forced: ForcedEnd;
  private readonly late: LateMessages;

  constructor(private readonly at: Surroundings) {
    this.forced = new ForcedEnd(at.handOver);
    this.late = new LateMessages(at.spec);
  }

  /**
   * Listens until the child is gone, or has become the command and that is gone.
   * @returns the command's exit status, 128+N if signal N ended it
   * @throws Failure when the command was not started, or was lost
   */
  async hold(): Promise<number> {
    const killed = this.forced.over.then((reason) => {
      const status = this.conclude(statusOfSignal(constants.SIGKILL), 'SIGKILL');
      if (reason !== undefined) throw reason;
      return status;
    });
    try {
      return await Promise.race([killed, this.served, this.listen()]);
    } finally {
      await this.commands?.end();
      this.forced.release();
    }
  }

  private async listen(): Promise<number> {
    const { handOver, channel, log } = this.at;
    let heard = false;
    for await (const messages of channel.messages()) {
      await log.together(async () => {
        if (!heard) handOver.finish(true);
        heard = true;
        for (const message of messages) {
          if (this.started && !this.late.takes(message)) throw notBelieved();
          await this.hear(message);
          // Nothing follows it.
          if (this.ended !== undefined) return;
        }
      });
    }
    if (!heard) handOver.finish(false);
    this.commands?.end();
    if (this.ended === undefined && this.execve !== undefined) return await this.attend(this.execve);
    // Its end of the channel is closed when it ends, and how it ends is settled by then; or somebody made it close it.
    if (this.started) this.killLeftOver();
    if (this.ended !== undefined) return this.ended;
    return lost(handOver.waitForChild(), this.started);
  }

  private killLeftOver(): void {
    try {
      this.at.handOver.kill();
    } catch {
      // A child that has ended did not need it: how the command ended is what counts.
    }
  }

  private hear<Type extends RecordMessage['type']>(message: Message<Type>): Promise<void> | void {
    const answer = this.answers[message.type] as (message: Message<Type>) => Promise<void> | void;
    return answer(message);
  }

  /** What the parent does about each kind of message. */
  private readonly answers: {
    readonly [Type in RecordMessage['type']]: (message: Message<Type>) => Promise<void> | void;
  } = {
    call: ({ record }) => {
      const { handOver, log, mountPoints, refused } = this.at;
      if (!this.started) mountPoints?.note(record);
      refused.note(record);
      log.call({ ...record, pid: handOver.pidOutside(record.pid, record.actor) }, 'child');
    },
    step: ({ result }) => this.at.done(this.at.hostEvidence.complete(result)),
    pause: async ({ step, evidence, known }) => {
      const { handOver, job, log, walk } = this.at;
      await job.lend(async () =>
        walk?.before(step, evidence, handOver, log, { ...handOver.known, ...known }),
      );
      this.goOn();
    },
    terminal: ({ descriptor, number }) => {
      const { handOver, pty } = this.at;
      pty?.waitForForeground();
      this.ofChild(() => pty?.take(handOver.second, descriptor, number));
      this.goOn();
    },
    overlay: ({ layers: open }) => {
      const { handOver, layers } = this.at;
      this.ofChild(() => layers.take(handOver.second, open));
      this.goOn();
    },
    'enter-group': ({ pid }) => {
      const { group, handOver } = this.at;
      group?.enter(handOver.commandPid(pid));
      this.goOn();
    },
    ready: async ({ listener }) => {
      // Otherwise a failure follows, which says why.
      if (listener !== undefined && !(await listenerComes(this.processOf(listener), listener.descriptor)))
        return;
      this.watch(listener);
      this.begin();
      this.goOn();
      await this.serve();
    },
    executes: ({ record }) => {
      this.execve = record;
    },
    stopped: ({ signal }) => {
      if (!this.at.handOver.isCommandStopped()) return;
      const foreground = this.at.job.stop(signal);
      if (foreground !== undefined) this.at.channel.send({ type: 'resume', foreground });
    },
    failure: ({ failure }) => {
      throw this.at.watcher?.refusedStart ?? received(failure);
    },
    passed: ({ number }) => this.forced.confirm(number),
    ended: ({ status, signal }) => {
      this.conclude(status, signal);
      this.forced.endSoon();
    },
  };

  /**
   * Takes something out of the child, which waits for that and may have been killed meanwhile. pidfd_getfd(2) says ESRCH
   * then, older kernels EBADF of a process that is about to end, and /proc ENOENT; how the child ended tells more.
   */
  private ofChild(take: () => void): void {
    const { handOver } = this.at;
    try {
      take();
    } catch (error) {
      if (!(error instanceof KernelError && ['ESRCH', 'EBADF', 'ENOENT'].includes(error.data.errno)))
        throw error;
      const reason = handOver.abandon();
      if (reason !== undefined) throw reason;
      lost(handOver.waitForChild(), this.started);
    }
  }

  /** What the child did so far is in the log, and it goes on. */
  private goOn(): void {
    this.at.log.flush();
    this.at.channel.goOn();
  }

  /** The command's process waits in front of its execve(2), with the filter in place. */
  private watch(listener: ListenerPlace | undefined): void {
    const { spec, kernel, watcher } = this.at;
    if (spec.watch === undefined || listener === undefined) return;
    kernel.step = execStep.id;
    this.ofChild(() => watcher?.take(kernel, this.processOf(listener), listener.descriptor));
  }

  private processOf({ pid }: ListenerPlace): number {
    const { spec, handOver } = this.at;
    return handOver.pidOutside(pid, spec.asPid1 ? 'child' : 'command');
  }

  /** The command is about to be executed: from here on terminal and signals are its own. */
  private begin(): void {
    const { spec, handOver, channel, group, log, job, pty, registration, signals, supervision, watcher } =
      this.at;
    const overlays = this.at.layers.overlays(this.at.mountPoints?.all ?? []);
    const pass = (signal: NodeJS.Signals): void =>
      spec.controlDescriptor !== undefined
        ? this.commands?.stop(signal)
        : spec.asPid1
          ? handOver.signal(signal)
          : channel.send({ type: 'signal', signal, number: this.forced.expect(signal) });
    this.started = true;
    job.given();
    this.announce();
    // From here on a newline on the caller's terminal may be nothing but that.
    log.hold(true);
    pty?.prepare();
    const unlessHeld = (signal: NodeJS.Signals, take: (signal: NodeJS.Signals) => void): void => {
      if (watcher?.holdsStart && isDeadly(signal)) this.forced.end(givenUp(signal));
      else take(signal);
    };
    pty?.relay(() => unlessHeld('SIGHUP', pass));
    this.at.calls?.attach((work) => (pty ?? job).lend(work), handOver);
    if (spec.asPid1) this.before = programOf(handOver.second);
    const take = spec.asPid1 ? (signal: NodeJS.Signals) => this.early.push(signal) : pass;
    signals.passTo((signal) => unlessHeld(signal, take), spec.terminal);
    registration?.writeStep();
    if (log.wanted) group?.follow();
    if (overlays.length > 0) registration?.layered(overlays);
    supervision?.started(handOver.second, overlays, pass, () => this.forced.end());
    restSoon();
  }

  /** From here on commands are started for a program, where it asks for that. */
  private async serve(): Promise<void> {
    const { spec, kernel, log, handOver, group, registration } = this.at;
    if (spec.controlDescriptor === undefined) return;
    const { ServedCommands: Commands } = await import('./served-commands.js');
    const register = (groups: readonly string[]): void => registration?.grouped(groups);
    this.commands = new Commands(spec, kernel, log, handOver, spec.controlDescriptor, group, register);
    this.serving(this.commands.over.then(({ status, signal }) => this.conclude(status, signal)));
  }

  /** The last step is shown before the terminal is the command's; its record comes after. */
  private announce(): void {
    const { spec, log, steps } = this.at;
    const last = spec.controlDescriptor === undefined ? execStep : serveStep;
    log.announce(described(last, spec), steps.get(last.id)?.number ?? 0, steps.size);
  }

  /** With --as-pid-1 the child has become the command, which is this process's own child: waits for its end. */
  private async attend(execve: CallRecord): Promise<number> {
    const { spec, handOver, log, kernel, job, signals } = this.at;
    const pid = handOver.second;
    log.call({ ...execve, pid }, 'child');
    this.at.done(executedStep(pid, spec, this.before, execve, kernel.clock()));
    for (const signal of this.early) handOver.signal(signal);
    const change = await follow(handOver, pid, spec.terminal, job, signals);
    return this.conclude(statusOf(change), change.killedBy);
  }

  /** The command has ended, which is told once. */
  private conclude(status: number, signal: NodeJS.Signals | undefined): number {
    const { handOver, log, registration, group, supervision } = this.at;
    if (this.ended !== undefined) return this.ended;
    this.ended = status;
    registration?.ended(status);
    handOver.recordGuard();
    const usage = group?.usage();
    const reason = hitMemory(signal, usage) ? ('memory' as const) : undefined;
    for (const sentence of usage ? hitLimits(usage) : []) log.warn(sentence);
    supervision?.used(usage, reason);
    log.ended(handOver.second, defined({ status, signal, reason, usage }));
    return status;
  }
}

/**
 * The child is gone without a word about how the command ended.
 * @returns the child's status, which is the command's, if it ended by itself with the command running
 * @throws Failure otherwise
 */
function lost(change: ProcessChange | undefined, started: boolean): number {
  if (change?.status !== undefined) {
    if (started) return change.status;
    throw new Failure(`the child ended with status ${change.status} before the command was started`, {
      next: nextAfterKill(),
    });
  }
  throw childKilled(change);
}

/** A failure that the child reported. */
function received(data: FailureData): Failure {
  const failure = failureFromData(data);
  if (data.stack !== undefined) failure.stack = data.stack;
  return failure;
}
