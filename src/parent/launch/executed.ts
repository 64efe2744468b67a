import type { CallRecord } from '../../common/kernel/kernel.js';
import type { LaunchSpec } from '../../common/spec.js';
import type { Evidence, StepResult } from '../../common/step.js';
import { execStep } from '../../common/steps/command.js';

/**
 * What the step `exec` is to leave, looked at from outside. With --as-pid-1 nobody is left inside who could.
 * @param pid the process that becomes the command
 */
export const program = (spec: LaunchSpec, pid: number): Evidence =>
  execStep.evidence({ spec, command: { pid } } as never);

/**
 * What is to be said of the step `exec` of a process that has become the command itself.
 * @param call its execve(2), which succeeded
 * @param now microseconds since the launch began
 */
export function executedStep(
  spec: LaunchSpec,
  pid: number,
  before: Evidence,
  call: CallRecord,
  now: number,
): StepResult {
  const after = program(spec, pid);
  return { step: execStep.id, before, after, at: call.at, us: Math.max(0, now - call.at) };
}
