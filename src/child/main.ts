/**
 * The second stage: this process is in the new namespaces. It does the child's steps, makes the process that becomes
 * the command, and stays as its init.
 */
import type { FailureData } from '../common/channel.js';
import { HeldCommand } from '../common/command-process.js';
import { exitStatus, Failure } from '../common/failure.js';
import { KernelError } from '../common/kernel/kernel-error.js';
import { exitNow } from '../common/kernel/processes.js';
import { Recorder } from '../common/kernel/recorder.js';
import { monotonicShift } from '../common/spec.js';
import { perform } from '../common/step.js';
import type { CommandContext } from '../common/steps/command.js';
import { childStepsOf } from '../common/steps/index.js';
import { ChildChannel } from './channel.js';
import { countSignals, serve } from './init.js';

export async function child(): Promise<void> {
  const channel = new ChildChannel();
  const received = countSignals();
  try {
    const { spec, origin, paused } = channel.wait('launch');
    // A time namespace shifts this process's clock against the parent's.
    const kernel = new Recorder('child', BigInt(origin) + monotonicShift(spec), (record) =>
      channel.send({ type: 'call', record }),
    );
    const command = new HeldCommand(spec, kernel, () => {
      channel.send({ type: 'ready' });
      channel.wait('continue');
    });
    const context: CommandContext = { spec, kernel, command };
    for (const step of childStepsOf(spec)) {
      await perform(step, context, {
        before: (next, evidence) => {
          if (!paused) return;
          channel.send({ type: 'pause', step: next.id, evidence, known: command.known });
          channel.wait('continue');
        },
        done: (record) => channel.send({ type: 'step', record }),
      });
    }
    serve(command.pid, spec, channel, received);
  } catch (error) {
    channel.send({ type: 'failure', failure: failureData(error as Error) });
    // The parent still looks up what it was told of, and then ends this process and all others inside.
    channel.waitForEnd();
    exitNow(error instanceof Failure ? error.status : exitStatus.launcher);
  }
}

function failureData(error: Error): FailureData {
  return {
    message: error.message,
    status: error instanceof Failure ? error.status : exitStatus.launcher,
    ...(error instanceof Failure && error.next !== undefined ? { next: error.next } : {}),
    ...(error instanceof KernelError ? { kernel: error.data } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
}
