/** A recorded launch as it stood at each of its steps: as a walk would have shown it. */
import { type Call, endOf, type LaunchLog, type Step } from '../recorded/launch-log.js';

/** Before each step that was begun, while the command ran, and at the end. */
export function momentsOf(log: LaunchLog): LaunchLog[] {
  const begun = log.steps.filter(({ state }) => state !== 'not reached');
  const allDone = log.steps.every(({ state }) => state === 'done');
  const running = allDone && log.ended !== undefined ? [withoutEnd(log)] : [];
  return [...begun.map((step) => before(step, log)), ...running, log];
}

function before(step: Step, log: LaunchLog): LaunchLog {
  const numbers = new Map(log.steps.map(({ id, number }) => [id, number]));
  const start = log.steps[0]?.span?.from ?? 0;
  // What belongs to no step comes before the first or after the last.
  const isMade = ({ step: id, at }: Call): boolean =>
    id === '' ? at < start : (numbers.get(id) ?? Number.POSITIVE_INFINITY) < step.number;
  const calls = log.calls.filter(isMade);
  return {
    ...withoutEnd(log),
    calls,
    steps: log.steps.map((other) => (other.number < step.number ? other : coming(other))),
    stop: {
      step: step.id,
      calls: log.calls.filter((call) => call.step === step.id),
      before: step.evidence?.before ?? {},
    },
    end: Math.max(1, ...calls.map(endOf)),
  };
}

function withoutEnd({ ended: _ended, failure: _failure, stop: _stop, ...log }: LaunchLog): LaunchLog {
  return { ...log, lacks: [] };
}

function coming({ span: _span, summary: _summary, evidence: _evidence, ...step }: Step): Step {
  return { ...step, state: 'not reached' };
}
