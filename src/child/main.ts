/**
 * The second stage: this process is in the new namespaces. It does the child's steps, makes the process that becomes
 * the command, and stays as its init; or becomes the command itself.
 */
import type { RecordMessage } from '../common/channel.js';
import { CommandAsPid1 } from '../common/command/command-as-pid-1.js';
import { HeldCommand } from '../common/command/held-command.js';
import { NoCommand } from '../common/command/no-command.js';
import { PseudoTerminal } from '../common/command/pseudo-terminal.js';
import { defined } from '../common/defined.js';
import { failureData } from '../common/failure-data.js';
import type { CallRecord } from '../common/kernel/kernel.js';
import { systemCallError } from '../common/kernel/kernel-error.js';
import { exitNow } from '../common/kernel/processes.js';
import { Recorder } from '../common/kernel/recorder.js';
import { rememberMountTable } from '../common/mount-table.js';
import { monotonicShift } from '../common/spec.js';
import { perform } from '../common/step.js';
import type { CommandContext, ListenerPlace } from '../common/steps/command-context.js';
import { childStep } from '../common/steps/hand-over.js';
import { childStepsOf } from '../common/steps/index.js';
import { detachNode } from '../common/steps/node-mount.js';
import type { OpenLayers } from '../common/steps/overlay-layers.js';
import { ChildChannel } from './child-channel.js';
import { Init } from './init.js';

export async function child(): Promise<void> {
  const channel = new ChildChannel();
  const init = new Init();
  let kernel: Recorder | undefined;
  let started = false;
  // Once the command runs, a record that is lost is no reason to end it.
  const report = (message: RecordMessage): void => {
    if (started) channel.tell(message);
    else channel.send(message);
  };
  try {
    const { spec, origin, paused } = channel.wait('launch');
    // A time namespace shifts this process's clock against the parent's.
    kernel = new Recorder('child', BigInt(origin) + monotonicShift(spec), (record) => {
      rememberMountTable(record.call);
      report({ type: 'call', record });
    });
    detachNode(spec, kernel);
    const ready = (listener?: ListenerPlace, install?: () => void) => {
      channel.send({ type: 'ready', ...defined({ listener }) });
      install?.();
      // A handler would take the place of what the command is to ignore.
      if (!spec.asPid1) init.listen();
      channel.wait('continue');
      started = true;
    };
    const executes = (record: CallRecord) => channel.send({ type: 'executes', record });
    const command =
      spec.controlDescriptor !== undefined
        ? new NoCommand(ready)
        : spec.asPid1
          ? new CommandAsPid1(spec, kernel, ready, executes)
          : new HeldCommand(spec, kernel, ready);
    const terminal = new PseudoTerminal(spec, kernel, (descriptor, number) => {
      channel.send({ type: 'terminal', descriptor, number });
      channel.wait('continue');
    });
    const group = {
      enter: (pid: number): void => {
        channel.send({ type: 'enter-group', pid });
        channel.wait('continue');
      },
    };
    const overlays = {
      handOut: (layers: OpenLayers): void => {
        channel.send({ type: 'overlay', layers });
        channel.wait('continue');
      },
    };
    const context: CommandContext = { spec, kernel, command, terminal, group, overlays };
    for (const step of childStepsOf(spec)) {
      await perform(step, context, {
        before: (next, evidence) => {
          if (!paused) return;
          channel.send({ type: 'pause', step: next.id, evidence, known: command.known });
          channel.wait('continue');
        },
        done: (result) => report({ type: 'step', result }),
      });
    }
    init.serve(command.pid, spec, channel);
  } catch (error) {
    const failure = failureData(
      systemCallError(error as Error, kernel?.step ?? childStep.id) ?? (error as Error),
    );
    // The parent still looks up what it was told of, and then ends this process and all others inside.
    if (channel.tell({ type: 'failure', failure })) channel.waitForEnd();
    exitNow(failure.status);
  }
}
