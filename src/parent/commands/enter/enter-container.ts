/**
 * `gontainer enter`: one more command in the namespaces of a process. Its steps are those of src/common/steps/enter.ts;
 * then this process passes signals on and waits, as a launch does.
 */

import { KernelError } from '../../../common/kernel/kernel-error.js';
import { isTerminal } from '../../../common/kernel/processes.js';
import { Recorder } from '../../../common/kernel/recorder.js';
import { described, perform, recordOf, shortcomings } from '../../../common/step.js';
import { type EnterContext, type EnterSpec, enterSteps } from '../../../common/steps/enter.js';
import { needsNewerKernel } from '../../advice/newer-kernel.js';
import type { Values } from '../../command-line/subcommand.js';
import { follow, statusOf } from '../../launch/follow.js';
import { RefusedCalls } from '../../launch/refused-calls.js';
import { SignalRelay } from '../../launch/signal-relay.js';
import { Log } from '../../log/log.js';
import { logOptions } from '../../log/log-options.js';
import { findTarget } from '../../state/find.js';
import type { ProcessIdentity } from '../../state/process-identity.js';
import { JobControl } from '../../terminal/job-control.js';
import { coloured } from '../../text/paint.js';
import { enterSpec } from './enter-spec.js';
import { ProcessJoining } from './process-joining.js';

/**
 * Runs a command inside a container, or in the namespaces of any process that is ours.
 * @returns the command's exit status, 128+N if signal N ended it
 * @throws Failure when it was not started
 */
export async function enter(values: Values): Promise<number> {
  const target = findTarget(values.positionals.NAME ?? '');
  const spec = enterSpec(values, target);
  const log = new Log(logOptions(values, coloured({ isTTY: isTerminal(2) })));
  try {
    return await joinAndRun(spec, target.process, log);
  } catch (error) {
    log.failed(error as Error);
    throw error;
  } finally {
    await log.open();
    log.close();
  }
}

async function joinAndRun(spec: EnterSpec, target: ProcessIdentity, log: Log): Promise<number> {
  const refused = new RefusedCalls();
  const kernel = new Recorder('parent', log.origin, (record) => {
    log.call(record, 'parent');
    refused.note(record);
  });
  const signals = new SignalRelay();
  const job = new JobControl(spec.terminal, kernel);
  const joining = new ProcessJoining(spec, target, kernel, () => {
    job.given();
    const last = enterSteps.at(-1);
    if (last !== undefined) log.announce(described(last, spec), enterSteps.length, enterSteps.length);
    log.hold(true);
  });
  const context: EnterContext = { spec, kernel, joining };
  try {
    await log.open();
    log.begins(enterSteps, spec);
    for (const [index, step] of enterSteps.entries()) {
      await perform(step, context, {
        done: (result) => {
          const without = refused.in(step.id);
          const record = () => recordOf(step, spec, result, without);
          log.step(record, result.at, index + 1, enterSteps.length, process.pid);
          for (const sentence of shortcomings(step, spec, result, without)) log.warn(sentence, step.id);
        },
      });
    }
    signals.listenToOthers();
    return statusOf(await follow(joining, joining.second, spec.terminal, job, signals));
  } catch (error) {
    joining.abandon();
    throw explained(error as Error, spec);
  } finally {
    joining.release();
    signals.release();
    job.end();
    log.hold(false);
  }
}

/** Adds to a failed kernel call what can be done about it. */
function explained(error: Error, { joined, name }: EnterSpec): Error {
  if (!(error instanceof KernelError) || error.next !== undefined) return error;
  const { call, errno } = error.data;
  const next =
    errno === 'ESRCH'
      ? `${name} has just ended.`
      : call === 'setns' && errno === 'EPERM' && !joined.includes('uid')
        ? 'Joining these takes privilege over them, which its user namespace gives: add --uid, or do it as root.'
        : errno === 'EPERM' || errno === 'EACCES'
          ? `It takes privilege over the namespaces of ${name}: enter containers of your own, or do it as root.`
          : needsNewerKernel(error.data);
  return next === undefined ? error : Object.assign(error, { next });
}
