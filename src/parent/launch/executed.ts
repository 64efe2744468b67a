import type { CallRecord } from '../../common/kernel/kernel.js';
import { limitEvidence } from '../../common/resource-limits.js';
import type { LaunchSpec } from '../../common/spec.js';
import type { Evidence, StepResult } from '../../common/step.js';
import { execStep, programOf } from '../../common/steps/command.js';

/**
 * What is to be said of the step `exec` of a process that has become the command itself. With --as-pid-1 nobody is left
 * in the container who could look, so the launcher does.
 * @param call its execve(2), which succeeded
 * @param now microseconds since the launch began
 */
export function executedStep(
  pid: number,
  { ulimits }: Pick<LaunchSpec, 'ulimits'>,
  before: Evidence,
  call: CallRecord,
  now: number,
): StepResult {
  // The command runs by now, and may have lowered them: what the kernel said of each call is what counts.
  const after = { ...programOf(pid), ...limitEvidence(pid, ulimits) };
  return { step: execStep.id, before, after, at: call.at, us: Math.max(0, now - call.at) };
}
