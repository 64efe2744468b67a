/**
 * The first stage: this process stays on the host. It does the parent's steps, which end with the child running in the
 * new namespaces; what the child and the command do from then on comes to it as a conversation (conversation.ts), and it
 * returns the command's exit status to its caller.
 */
import type { Kernel } from '../../common/kernel/kernel.js';
import { KernelError, systemCallError } from '../../common/kernel/kernel-error.js';
import { Recorder } from '../../common/kernel/recorder.js';
import type { LaunchSpec } from '../../common/spec.js';
import { perform, recordOf, type StepResult, shortcomings } from '../../common/step.js';
import { execStep } from '../../common/steps/command.js';
import { type NumberedStep, numberedSteps, parentStepsOf } from '../../common/steps/index.js';
import { mountPointsStep } from '../../common/steps/mount-points.js';
import { serveStep } from '../../common/steps/serve.js';
import { nextAction } from '../advice/next-action.js';
import type { Log } from '../log/log.js';
import { JobControl } from '../terminal/job-control.js';
import type { PtyMaster } from '../terminal/pty-master.js';
import type { Companions } from './companions.js';
import { ContainerGroup } from './container-group.js';
import { Conversation, type Surroundings } from './conversation.js';
import { HeldLayers } from './held-layers.js';
import { HostEvidence } from './host-evidence.js';
import { mountPointsIn } from './made-mount-points.js';
import { ParentChannel } from './parent-channel.js';
import { channelEnds, ProcessHandOver } from './process-hand-over.js';
import { RefusedCalls } from './refused-calls.js';
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
  const refused = new RefusedCalls();
  const kernel = new Recorder('parent', log.origin, (record) => {
    refused.note(record);
    log.call(record, 'parent');
  });
  log.launch(spec);
  companions.supervision?.begin(kernel);
  // May have to wait for another launch, so before signals are held back.
  const mountPoints = mountPointsIn(spec, kernel);
  const group = spec.limits && new ContainerGroup(spec.limits, kernel);
  const layers = new HeldLayers(spec, kernel);
  const signals = new SignalRelay();
  const job = new JobControl(spec.terminal, kernel);
  const pty = await ptyMaster(spec, kernel, companions.sizes);
  let handOver: ProcessHandOver | undefined;
  try {
    // Written down before they are made: whoever finds the entry removes them.
    mountPoints?.makeInFolders((paths) => companions.registration?.placed(paths));
    if (group !== undefined) companions.registration?.grouped(group.paths);
    const ends = channelEnds(kernel);
    handOver = new ProcessHandOver(spec, kernel, ends, script);
    const channel = new ParentChannel(ends.parent);
    const parts = { handOver, channel, mountPoints, group, layers, refused, signals, job, pty };
    const at = { spec, log, kernel, ...parts, ...companions };
    return await Promise.race([signals.interrupted(), ...brokenWatch(companions), work(at)]);
  } catch (error) {
    throw explained(handOver?.abandon() ?? (error as Error), kernel.step, spec);
  } finally {
    companions.walk?.release();
    handOver?.reap(pty?.keeper ?? job.keeper);
    await companions.watcher?.end();
    await pty?.end();
    log.usedOverTime(group?.usedOverTime());
    group?.remove();
    companions.changes?.write(layers.overlays(mountPoints?.all ?? []));
    layers.release();
    mountPoints?.remove();
    signals.release();
    job.end();
    log.hold(false);
  }
}

const brokenWatch = ({ watcher }: Companions): Promise<never>[] => (watcher ? [watcher.broken] : []);

/** The parent's steps, and then the conversation with the child that they have started. */
async function work(at: Omit<Surroundings, 'hostEvidence' | 'steps' | 'done'>): Promise<number> {
  const { spec, log, kernel, handOver, channel, signals, walk } = at;
  const steps = numberedSteps(spec);
  const done = (result: StepResult): void => noteStep(result, steps, at);
  // Each stop may last, and whoever reads the log meanwhile sees it at once.
  if (walk !== undefined) {
    signals.listenToOthers();
    await log.open();
  }
  for (const step of parentStepsOf(spec))
    await perform(
      step,
      { spec, kernel, handOver },
      { before: (next, evidence) => walk?.before(next.id, evidence, handOver, log), done },
    );
  // The child waits for the word that follows.
  const hostEvidence = new HostEvidence(spec);
  channel.send({ type: 'launch', spec, origin: String(log.origin), paused: walk !== undefined });
  // The child starts on another core meanwhile.
  if (walk === undefined) signals.listenToOthers();
  await log.open();
  return await new Conversation({ ...at, steps, hostEvidence, done }).hold();
}

/** A step is done: everybody who follows the launch hears of it. */
function noteStep(
  result: StepResult,
  steps: ReadonlyMap<string, NumberedStep>,
  {
    spec,
    log,
    handOver,
    mountPoints,
    refused,
    registration,
    walk,
    runs,
  }: Pick<Surroundings, 'spec' | 'log' | 'handOver' | 'mountPoints' | 'refused'> & Companions,
): void {
  const { number, step } = steps.get(result.step) as NumberedStep;
  const pid = step.stage === 'parent' ? process.pid : handOver.second;
  const without = refused.in(step.id);
  const record = () => recordOf(step, spec, result, without);
  log.step(record, result.at, number, steps.size, pid);
  for (const sentence of shortcomings(step, spec, result, without)) log.warn(sentence, step.id);
  registration?.done(step.id, handOver.second || handOver.first);
  if (step.id === mountPointsStep.id && mountPoints?.left) registration?.made(mountPoints.left);
  // Whoever waits for this step looks at once how far the launch is.
  const isLast = step.id === execStep.id || step.id === serveStep.id;
  if (walk !== undefined || isLast) registration?.writeStep();
  walk?.done(result, record().summary);
  if (isLast) runs?.(handOver.second);
}

/** Loaded only where the command gets a terminal of its own. */
const ptyMaster = async (
  spec: LaunchSpec,
  kernel: Kernel,
  sizes: Companions['sizes'],
): Promise<PtyMaster | undefined> =>
  spec.terminal === 'own'
    ? new (await import('../terminal/pty-master.js')).PtyMaster(kernel, sizes)
    : undefined;

/** Says of what went wrong which step it was, and what can be done about it. */
function explained(error: Error, step: string, spec: LaunchSpec): Error {
  const failure = systemCallError(error, step) ?? error;
  if (!(failure instanceof KernelError) || failure.next !== undefined) return failure;
  return Object.assign(failure, { next: nextAction(failure.data, spec) });
}
