/** The whole launch gone through beforehand: each step's own `run`, with a kernel that only notes what it is asked. */
import { CommandAsPid1 } from '../../common/command/command-as-pid-1.js';
import { HeldCommand } from '../../common/command/held-command.js';
import { NoCommand } from '../../common/command/no-command.js';
import { PseudoTerminal } from '../../common/command/pseudo-terminal.js';
import { pipe } from '../../common/kernel/pipe.js';
import { Rehearsal } from '../../common/kernel/rehearsal.js';
import { takeDescriptor } from '../../common/kernel/take-descriptor.js';
import type { LaunchSpec } from '../../common/spec.js';
import { described, type RehearsedStep, type Step, type StepContext } from '../../common/step.js';
import { execStep } from '../../common/steps/command.js';
import type { ListenerPlace } from '../../common/steps/command-context.js';
import { childStepsOf, parentStepsOf } from '../../common/steps/index.js';
import { detachNode } from '../../common/steps/node-mount.js';
import type { OpenLayers } from '../../common/steps/overlay-layers.js';
import { ContainerGroup } from '../launch/container-group.js';
import { HeldLayers } from '../launch/held-layers.js';
import { channelEnds, ProcessHandOver } from '../launch/process-hand-over.js';
import { PtyMaster } from '../terminal/pty-master.js';

/**
 * Both stages' steps with the calls they would make. Nothing is changed; files are looked at, no more.
 * @param script this program's own file
 * @throws Failure when a step could not be begun, for example because newuidmap(1) is not installed
 */
export function rehearse(spec: LaunchSpec, script: string): RehearsedStep[] {
  const parent = new Rehearsal('parent');
  const handOver = new ProcessHandOver(spec, parent, channelEnds(parent), script);
  const parentSteps = parentStepsOf(spec);
  play(parentSteps, { spec, kernel: parent, handOver });

  const child = new Rehearsal('child', spec.root?.path, parent);
  detachNode(spec, child);
  const master = new PtyMaster(parent);
  const terminal = new PseudoTerminal(spec, child, (descriptor, number) =>
    master.take(handOver.second, descriptor, number),
  );
  const whenReady = (listener?: ListenerPlace, install?: () => void) => {
    install?.();
    if (listener !== undefined) {
      parent.step = execStep.id;
      takeDescriptor(parent, listener.pid, listener.descriptor);
      pipe(parent, 'wake');
    }
    if (spec.terminal === 'own') master.prepare();
  };
  const command =
    spec.controlDescriptor !== undefined
      ? new NoCommand(whenReady)
      : spec.asPid1
        ? new CommandAsPid1(spec, child, whenReady, () => {}, spec.root?.path)
        : new HeldCommand(spec, child, whenReady, spec.root?.path);
  const childSteps = childStepsOf(spec);
  const containers = spec.limits && new ContainerGroup(spec.limits, parent);
  const group = { enter: (pid: number) => containers?.enter(pid) };
  const held = new HeldLayers(spec, parent);
  const overlays = { handOut: (layers: OpenLayers) => held.take(handOver.second, layers) };
  play(childSteps, { spec, kernel: child, command, terminal, group, overlays });

  return [...parentSteps, ...childSteps].map((step, index, all) => ({
    number: index + 1,
    of: all.length,
    ...described(step, spec),
    calls: parent.calls.filter((call) => call.step === step.id).map(({ step: _, ...call }) => call),
    refusals: step.refusals?.(spec) ?? [],
  }));
}

function play<Context extends StepContext>(steps: readonly Step<Context>[], context: Context): void {
  for (const step of steps) {
    context.kernel.step = step.id;
    step.run(context);
  }
}
