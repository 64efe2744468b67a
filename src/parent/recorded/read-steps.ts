/** The steps of a log: what is recorded of those that were done, and the list of steps for the others. */
import { defined } from '../../common/defined.js';
import type { LaunchSpec } from '../../common/spec.js';
import { childStepsOf, parentStepsOf } from '../../common/steps/index.js';
import { asFields, asNumber, asText, type Fields, optionalText } from './fields.js';
import { type Call, endOf, type LaunchFailure, type Step, type StepState } from './launch-log.js';

/** The records of the steps that were done, by their ids. */
export const doneSteps = (records: readonly Fields[]): Map<string, Fields> =>
  new Map(
    records
      .filter(({ number, shell }) => typeof number === 'number' && typeof shell === 'string')
      .map((record) => [asText(record.step), record]),
  );

/** Those that the log says were done, and the others of such a launch: one may have failed, the rest was not reached. */
export function stepsOf(
  launch: Fields,
  records: readonly Fields[],
  calls: readonly Call[],
  failure: LaunchFailure | undefined,
): Step[] {
  const done = doneSteps(records);
  const planned = plannedSteps(launch);
  const unknown = [...done].filter(([id]) => !planned.some((step) => step.id === id));
  const all = [...planned, ...unknown.map(([id, record]) => ({ id, record, ...words(record) }))];
  const wentWrong = failure !== undefined && !failure.givenUp;
  const broken = failure?.call?.step ?? all.find(({ id }) => !done.has(id))?.id;
  return all.map((step, index) => {
    const record = done.get(step.id);
    if (record !== undefined) {
      const at = asNumber(record.at);
      return defined({
        number: index + 1,
        id: step.id,
        ...words(record),
        gist: optionalText(record.gist),
        summary: optionalText(record.summary),
        state: 'done' as const,
        span: { from: at, to: at + asNumber(record.us) },
        evidence: { before: asFields(record.before), after: asFields(record.after) },
      });
    }
    const own = calls.filter((call) => call.step === step.id);
    const state: StepState =
      wentWrong && step.id === broken ? 'failed' : own.length > 0 ? 'unfinished' : 'not reached';
    const [first] = own;
    return defined({
      number: index + 1,
      id: step.id,
      stage: step.stage,
      title: step.title,
      why: step.why,
      man: step.man,
      shell: step.shell,
      state,
      // It may have failed before its first call.
      span: first
        ? { from: first.at, to: Math.max(...own.map(endOf)) }
        : state === 'failed' && failure
          ? { from: failure.at, to: failure.at + 1 }
          : undefined,
    });
  });
}

const words = (record: Fields) => ({
  stage: asText(record.stage),
  title: asText(record.msg),
  why: asText(record.why),
  man: asText(record.man),
  shell: asText(record.shell),
});

/** The steps that a launch like this has; none where the log describes it in a way that is not understood. */
function plannedSteps(launch: Fields): Pick<Step, 'id' | 'stage' | 'title' | 'why' | 'man' | 'shell'>[] {
  try {
    // Names of the environment stand in the log, and no step needs the values to describe itself.
    const spec = launch as unknown as LaunchSpec;
    return [...parentStepsOf(spec), ...childStepsOf(spec)].map(({ id, stage, title, why, man, shell }) => ({
      id,
      stage,
      title: title(spec),
      why,
      man,
      shell: shell(spec),
    }));
  } catch {
    return [];
  }
}
