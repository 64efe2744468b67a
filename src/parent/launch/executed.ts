import type { CallRecord } from '../../common/kernel/kernel.js';
import type { Evidence, StepResult } from '../../common/step.js';
import { execStep, programOf } from '../../common/steps/command.js';

/**
 * What is to be said of the step `exec` of a process that has become the command itself. With --as-pid-1 nobody is left
 * in the container who could look, so the launcher does.
 * @param call its execve(2), which succeeded
 * @param now microseconds since the launch began
 */
export function executedStep(pid: number, before: Evidence, call: CallRecord, now: number): StepResult {
  const after = programOf(pid);
  return { step: execStep.id, before, after, at: call.at, us: Math.max(0, now - call.at) };
}
