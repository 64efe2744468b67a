/**
 * Reading a log (docs/log.md) for the report. Fields that are not known are passed over; a log that was cut off is read
 * as far as it goes; what is no log of ours, or is of a newer format, is refused.
 */
import { usageFailure } from '../../common/failure.js';
import type { LaunchSpec } from '../../common/spec.js';
import { childStepsOf, parentStepsOf } from '../../common/steps/index.js';
import { isFields } from './is-fields.js';
import type { Call, Evidence, LaunchFailure, LaunchLog, Step, StepState } from './launch-log.js';
import { endOf } from './launch-log.js';

type Fields = Readonly<Record<string, unknown>>;

/** The newest format that is understood. */
const knownFormat = 1;

/**
 * The launch that a log tells of.
 * @param name what the log is called in messages
 * @throws Failure with status 2
 */
export function readLog(text: string, name: string): LaunchLog {
  if (text.trim() === '')
    throw usageFailure(`${name} is empty`, 'A log is written by: gontainer run --log-file FILE');
  const { records, cut } = recordsOf(text, name);
  const first = records[0];
  if (first === undefined || !isFields(first.launch) || typeof first.format !== 'number') {
    throw usageFailure(
      `${name} is not a log of gontainer, or does not hold all of one`,
      'A log with every record is written by: gontainer run --log-file FILE',
    );
  }
  if (first.format > knownFormat) {
    throw usageFailure(
      `${name} is written in format ${first.format}, by gontainer ${asText(first.version)}, and this version reads up to format ${knownFormat}`,
      'Make the report with the version that wrote the log.',
    );
  }
  const calls = callsOf(records);
  const failure = failureOf(records, calls);
  const ended = endedOf(records);
  const steps = stepsOf(first.launch, records, calls, failure);
  const lacks = [
    ...(cut ? ['The last line of the log is cut off: what it said is missing here.'] : []),
    ...(failure === undefined && ended === undefined
      ? [
          'The log does not say how the launch ended: it was cut off, or the launch was still running when it was copied.',
        ]
      : []),
  ];
  return {
    version: asText(first.version),
    time: asNumber(first.time),
    command: asTexts(first.launch.command),
    calls,
    steps,
    ...(failure && { failure }),
    ...(ended && { ended }),
    lacks,
    end: Math.max(
      1,
      ended?.at ?? 0,
      failure?.at ?? 0,
      ...calls.map(endOf),
      ...steps.map(({ span }) => span?.to ?? 0),
    ),
  };
}

/** The records, and whether the last line is cut off. */
function recordsOf(text: string, name: string): { records: Fields[]; cut: boolean } {
  const lines = text.split('\n');
  const records: Fields[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const record = parsed(line);
    if (record !== undefined) records.push(record);
    else if (index === lines.length - 1 && records.length > 0) return { records, cut: true };
    else
      throw usageFailure(
        `${name} is not a log of gontainer: line ${index + 1} is not a JSON object`,
        'A log is written by: gontainer run --log-file FILE',
      );
  }
  return { records, cut: false };
}

function parsed(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function callsOf(records: readonly Fields[]): Call[] {
  return records
    .filter(({ call, args }) => typeof call === 'string' && isFields(args))
    .map((record) => ({
      actor: asText(record.actor),
      pid: asNumber(record.pid),
      step: asText(record.step),
      call: asText(record.call),
      args: record.args as Fields,
      ret: asNumber(record.ret),
      ...(typeof record.errno === 'string' && { errno: record.errno }),
      at: Math.round(asNumber(record.at) * 1000) / 1000,
      ...(typeof record.us === 'number' && { us: asNumber(record.us) }),
    }))
    .sort((a, b) => a.at - b.at)
    .map((call, index) => ({ number: index + 1, ...call }));
}

function failureOf(records: readonly Fields[], calls: readonly Call[]): LaunchFailure | undefined {
  const record = records.find(({ failure }) => isFields(failure));
  if (record === undefined) return undefined;
  const { call, next } = record.failure as Fields;
  const done = doneSteps(records);
  const failed = calls.findLast(
    ({ call: name, errno, step }) =>
      errno !== undefined && (isFields(call) ? name === call.call && errno === call.errno : !done.has(step)),
  );
  return {
    message: asText(record.msg),
    ...(typeof next === 'string' && { next }),
    at: asNumber(record.at),
    ...(failed && { call: failed }),
  };
}

/** The records of the steps that were done, by their ids. */
const doneSteps = (records: readonly Fields[]): Map<string, Fields> =>
  new Map(
    records
      .filter(({ number, shell }) => typeof number === 'number' && typeof shell === 'string')
      .map((record) => [asText(record.step), record]),
  );

function endedOf(records: readonly Fields[]): LaunchLog['ended'] {
  const record = records.find(({ ended }) => isFields(ended));
  if (record === undefined) return undefined;
  const { status, signal } = record.ended as Fields;
  return { status: asNumber(status), ...(typeof signal === 'string' && { signal }), at: asNumber(record.at) };
}

/** Those that the log says were done, and the others of such a launch: one may have failed, the rest was not reached. */
function stepsOf(
  launch: Fields,
  records: readonly Fields[],
  calls: readonly Call[],
  failure: LaunchFailure | undefined,
): Step[] {
  const done = doneSteps(records);
  const planned = plannedSteps(launch);
  const unknown = [...done].filter(([id]) => !planned.some((step) => step.id === id));
  const all = [...planned, ...unknown.map(([id, record]) => ({ id, record, ...words(record) }))];
  const broken = failure?.call?.step ?? all.find(({ id }) => !done.has(id))?.id;
  return all.map((step, index) => {
    const record = done.get(step.id);
    if (record !== undefined) {
      const at = asNumber(record.at);
      return {
        number: index + 1,
        id: step.id,
        ...words(record),
        state: 'done',
        span: { from: at, to: at + asNumber(record.us) },
        evidence: { before: asEvidence(record.before), after: asEvidence(record.after) },
      };
    }
    const own = calls.filter((call) => call.step === step.id);
    const state: StepState =
      failure !== undefined && step.id === broken ? 'failed' : own.length > 0 ? 'unfinished' : 'not reached';
    const [first] = own;
    return {
      number: index + 1,
      id: step.id,
      stage: step.stage,
      title: step.title,
      why: step.why,
      man: step.man,
      shell: step.shell,
      state,
      ...(first && { span: { from: first.at, to: Math.max(...own.map(endOf)) } }),
      // It may have failed before its first call.
      ...(first === undefined &&
        state === 'failed' &&
        failure && { span: { from: failure.at, to: failure.at + 1 } }),
    };
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

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
const asTexts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const asNumber = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : 0;
const asEvidence = (value: unknown): Evidence => (isFields(value) ? value : {});
