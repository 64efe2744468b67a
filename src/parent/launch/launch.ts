/**
 * The first stage: this process stays in the host's namespaces. It does the parent's steps, which end with the child
 * running in the new namespaces; what the child and the command do from then on comes to it as a conversation
 * (conversation.ts), and it returns the command's exit status to its caller.
 */
import { KernelError, systemCallError } from '../../common/kernel/kernel-error.js';
import { Recorder } from '../../common/kernel/recorder.js';
import type { LaunchSpec } from '../../common/spec.js';
import { described, perform, type StepObserver, type StepResult } from '../../common/step.js';
import { execStep } from '../../common/steps/command.js';
import type { ParentContext } from '../../common/steps/hand-over.js';
import { type NumberedStep, numberedSteps, parentStepsOf } from '../../common/steps/index.js';
import { nextAction } from '../advice/next-action.js';
import type { Log } from '../log/log.js';
import { Terminal } from '../terminal/job-control.js';
import type { Companions } from './companions.js';
import { Conversation } from './conversation.js';
import { Outside } from './host-evidence.js';
import { mountPointsIn } from './made-mount-points.js';
import { ParentChannel } from './parent-channel.js';
import { channelPipes, ProcessHandOver } from './process-hand-over.js';
import { SignalRelay } from './signal-relay.js';

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
  companions: Companions = {},
): Promise<number> {
  const { walk, supervision, registration, runs } = companions;
  const steps = numberedSteps(spec);
  const kernel = new Recorder('parent', log.origin, (record) => log.call(record, 'parent'));
  const done = (result: StepResult, handOver: ProcessHandOver): void => {
    const { number, step } = steps.get(result.step) as NumberedStep;
    const pid = step.stage === 'parent' ? process.pid : handOver.second;
    log.step({ ...described(step, spec), ...result }, number, steps.size, pid);
    registration?.done(step.id, handOver.second || handOver.first);
    walk?.done(result);
    if (step.id === execStep.id) runs?.(handOver.second);
  };
  const observe = (handOver: ProcessHandOver): StepObserver<ParentContext> => ({
    before: (step, evidence) => walk?.before(step.id, evidence, handOver, log),
    done: (result) => done(result, handOver),
  });
  log.launch(spec);
  supervision?.begin(kernel);
  // May have to wait for another launch, so before signals are held back.
  const mountPoints = mountPointsIn(spec, kernel);
  const signals = new SignalRelay();
  const terminal = new Terminal(spec.terminal);
  const own =
    spec.terminal === 'own' ? new (await import('../terminal/pty-relay.js')).OwnTerminal(kernel) : undefined;
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
    // The child waits for the word that follows.
    const outside = new Outside(spec);
    channel.send({ type: 'launch', spec, origin: String(log.origin), paused: walk !== undefined });
    // The child starts on another core meanwhile.
    await log.open();
    const places = { mountPoints, outside, own, signals, terminal };
    const talk = { spec, log, kernel, handOver, channel, steps, ...places, ...companions };
    return await new Conversation({ ...talk, done: (result) => done(result, handOver) }).hold();
  }
}

/** Says of what went wrong which step it was, and what can be done about it. */
function explained(error: Error, step: string, spec: LaunchSpec): Error {
  const failure = systemCallError(error, step) ?? error;
  if (!(failure instanceof KernelError) || failure.next !== undefined) return failure;
  return Object.assign(failure, { next: nextAction(failure.data, spec) });
}
