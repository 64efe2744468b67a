/**
 * The first stage: this process stays in the host's namespaces. It does the parent's steps, which end with the child
 * running in the new namespaces, and then passes records to the log, signals to the command, and the command's exit
 * status to its caller.
 */
import type { FailureData } from '../common/channel.js';
import { Failure, killedNext } from '../common/failure.js';
import type { CallRecord } from '../common/kernel/kernel.js';
import { KernelError, systemCallError } from '../common/kernel/kernel-error.js';
import type { ProcessChange } from '../common/kernel/processes.js';
import { Recorder } from '../common/kernel/recorder.js';
import type { LaunchSpec } from '../common/spec.js';
import { type Evidence, perform, type Step, type StepObserver, type StepRecord } from '../common/step.js';
import { type CommandContext, execStep } from '../common/steps/command.js';
import type { ParentContext } from '../common/steps/hand-over.js';
import { numberedSteps, parentStepsOf } from '../common/steps/index.js';
import { ParentChannel } from './channel.js';
import type { Registration } from './containers/registration.js';
import { executedStep, program } from './executed.js';
import { follow, statusOf } from './follow.js';
import { channelPipes, childKilled, ProcessHandOver } from './hand-over.js';
import type { Log } from './log.js';
import { mountPointsIn } from './mount-points.js';
import { nextAction } from './next-action.js';
import { Outside } from './outside.js';
import { SignalRelay } from './signal-relay.js';
import type { Supervision } from './supervision.js';
import { Terminal } from './terminal.js';
import type { Walk } from './walk.js';

/** What a launch has beside it, where it was asked for. */
export interface Companions {
  readonly walk?: Walk | undefined;
  readonly supervision?: Supervision | undefined;
  readonly registration?: Registration | undefined;
  /** Called when the command runs, with the container's first process; throws when it shall not. */
  readonly runs?: ((pid: number) => void) | undefined;
}

/**
 * Runs a command in new namespaces and waits for its end.
 * @param script this program's own file, which is started again as the child
 * @param companions `walk` stops before every step; `supervision` hears when the command starts; `registration` writes
 *   down for other terminals how far the launch is
 * @returns the command's exit status, 128+N if signal N ended it
 * @throws Failure when the command was not started, or was lost
 */
export async function launch(
  spec: LaunchSpec,
  log: Log,
  script: string,
  { walk, supervision, registration, runs }: Companions = {},
): Promise<number> {
  const numbers = numberedSteps(spec);
  const kernel = new Recorder('parent', log.origin, (record) => log.call(record, 'parent'));
  const done = (record: StepRecord, handOver: ProcessHandOver): void => {
    const pid = record.stage === 'parent' ? process.pid : handOver.second;
    log.step(record, numbers.get(record.step) ?? 0, numbers.size, pid);
    registration?.done(record.step, handOver.second || handOver.first);
    walk?.done(record);
    if (record.step === execStep.id) runs?.(handOver.second);
  };
  const observe = (handOver: ProcessHandOver): StepObserver<ParentContext> => ({
    before: (step, evidence) => walk?.before(step.id, evidence, handOver, log),
    done: (record) => done(record, handOver),
  });
  log.launch(spec);
  supervision?.begin(kernel);
  const outside = new Outside(spec);
  // May have to wait for another launch, so before signals are held back.
  const mountPoints = mountPointsIn(spec, kernel);
  const signals = new SignalRelay();
  const terminal = new Terminal(spec.terminal);
  const own =
    spec.terminal === 'own' ? new (await import('./own-terminal.js')).OwnTerminal(kernel) : undefined;
  let handOver: ProcessHandOver | undefined;
  try {
    const ends = channelPipes(kernel);
    handOver = new ProcessHandOver(spec, kernel, ends, script);
    return await Promise.race([
      signals.interrupted(),
      work(handOver, new ParentChannel(ends.controlWrite, ends.recordsRead)),
    ]);
  } catch (error) {
    throw explained(handOver?.abandon() ?? (error as Error), kernel.step, spec);
  } finally {
    walk?.release();
    handOver?.reap(own?.keeper);
    await own?.end();
    mountPoints?.remove();
    signals.release();
    terminal.takeBack();
    log.hold(false);
  }

  async function work(handOver: ProcessHandOver, channel: ParentChannel): Promise<number> {
    // Whoever reads the log meanwhile sees each stop at once.
    if (walk !== undefined) await log.open();
    for (const step of parentStepsOf(spec))
      await perform(step, { spec, kernel, handOver }, observe(handOver));
    channel.send({ type: 'launch', spec, origin: String(log.origin), paused: walk !== undefined });
    // The child starts on another core meanwhile.
    await log.open();
    return await hear(handOver, channel);
  }

  /** The last step is shown before the terminal is the command's; its record comes after. */
  function announce({ id, stage, title, why, man, shell }: Step<CommandContext>): void {
    const step = { step: id, stage, title: title(spec), why, man, shell: shell(spec) };
    log.announce(step, numbers.get(id) ?? 0, numbers.size);
  }

  /** Reads what the child says until it is gone, or has become the command. */
  async function hear(handOver: ProcessHandOver, channel: ParentChannel): Promise<number> {
    let heard = false;
    let started = false;
    let before: Evidence = {};
    let execve: CallRecord | undefined;
    const early: NodeJS.Signals[] = [];
    let ended: number | undefined;
    const pass = (signal: NodeJS.Signals) =>
      spec.asPid1 ? handOver.signal(signal) : channel.send({ type: 'signal', signal });
    for await (const message of channel.messages()) {
      if (!heard) handOver.finish(true);
      heard = true;
      switch (message.type) {
        case 'call':
          mountPoints?.note(message.record);
          log.call(
            { ...message.record, pid: handOver.pidOutside(message.record.pid, message.record.actor) },
            'child',
          );
          break;
        case 'step':
          done(outside.complete(message.record), handOver);
          break;
        case 'pause':
          await terminal.lend(async () =>
            walk?.before(message.step, message.evidence, handOver, log, {
              ...handOver.known,
              ...message.known,
            }),
          );
          channel.send({ type: 'continue' });
          break;
        case 'terminal':
          own?.waitForForeground();
          own?.take(handOver.second, message.descriptor, message.number);
          channel.send({ type: 'continue' });
          break;
        case 'ready':
          started = true;
          terminal.given();
          own?.prepare();
          own?.relay(() => pass('SIGHUP'));
          announce(execStep);
          log.hold(true);
          if (spec.asPid1) before = program(spec, handOver.second);
          // The child would take with it what it is sent now.
          signals.passTo(spec.asPid1 ? (signal) => early.push(signal) : pass);
          supervision?.started(handOver.second, pass);
          channel.send({ type: 'continue' });
          break;
        case 'stopped': {
          const foreground = terminal.stop(message.signal);
          if (foreground !== undefined) channel.send({ type: 'resume', foreground });
          break;
        }
        case 'executes':
          execve = message.record;
          break;
        case 'failure':
          throw received(message.failure);
        case 'ended':
          ended = message.status;
          registration?.ended(message.status);
          log.ended(handOver.second, message.status, message.signal);
          break;
      }
    }
    if (!heard) handOver.finish(false);
    if (ended !== undefined) return ended;
    if (execve !== undefined) return await attend(handOver, before, execve, early);
    return lost(handOver.waitForChild(), started);
  }

  /** With --as-pid-1 the child has become the command, which is this process's own child: waits for its end. */
  async function attend(
    handOver: ProcessHandOver,
    before: Evidence,
    execve: CallRecord,
    early: readonly NodeJS.Signals[],
  ): Promise<number> {
    const pid = handOver.second;
    log.call({ ...execve, pid }, 'child');
    done(executedStep(spec, pid, before, execve, kernel.clock()), handOver);
    for (const signal of early) handOver.signal(signal);
    const change = await follow(handOver, pid, spec.terminal, terminal, signals);
    const status = statusOf(change);
    registration?.ended(status);
    log.ended(pid, status, change.killedBy);
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
      next: killedNext,
    });
  }
  throw childKilled(change);
}

/** A failure that the child reported. */
function received({ message, status, next, kernel, stack }: FailureData): Failure {
  const failure = kernel === undefined ? new Failure(message, { status, next }) : new KernelError(kernel);
  if (stack !== undefined) failure.stack = stack;
  return failure;
}

/** Says of what went wrong which step it was, and what can be done about it. */
function explained(error: Error, step: string, spec: LaunchSpec): Error {
  const failure = systemCallError(error, step) ?? error;
  if (!(failure instanceof KernelError) || failure.next !== undefined) return failure;
  return Object.assign(failure, { next: nextAction(failure.data, spec) });
}
