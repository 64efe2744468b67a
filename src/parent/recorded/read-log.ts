/**
 * Reading a log (docs/log.md). Unknown fields are ignored. A log that was cut off is read as far as it goes. A file that
 * is not a log of ours, or is in a newer format, is refused.
 */
import { defined } from '../../common/defined.js';
import { usageFailure } from '../../common/failure.js';
import { asFields, asNumber, asText, asTexts, type Fields, isFields, optionalText } from './fields.js';
import {
  type Call,
  decisionWords,
  endOf,
  type LaunchFailure,
  type LaunchLog,
  refusalWords,
  type Stop,
  type Watched,
} from './launch-log.js';
import { doneSteps, stepsOf } from './read-steps.js';
import { usedOf } from './read-usage.js';

/** The last moment that a Date can hold, milliseconds since 1970. */
const latestTime = 8.64e15;

/** The newest format that is understood. */
const knownFormat = 1;

/**
 * The launch that a log tells of.
 * @param name what the log is called in messages
 * @throws Failure with status 2
 */
export function readLog(text: string, name: string): LaunchLog {
  if (text.trim() === '')
    throw usageFailure(`${name} is empty`, 'To write a log: gontainer run --log-file FILE');
  const { records, cut } = recordsOf(text, name);
  return launchOf(records, name, cut);
}

/**
 * The launch that these records tell of, as far as they go.
 * @param name what the log is called in messages
 * @param cut whether something is missing at the end
 * @throws Failure with status 2 when the first of them is not that of a launch
 */
export function launchOf(records: readonly Fields[], name: string, cut = false): LaunchLog {
  const first = records[0];
  // What the caller is warned of comes before it.
  const launch = records.find((record) => isFields(record.launch))?.launch;
  if (first === undefined || !isFields(launch) || typeof first.format !== 'number') {
    throw usageFailure(
      `${name} is not a log of gontainer, or its beginning is missing`,
      'To write a complete log: gontainer run --log-file FILE',
    );
  }
  if (first.format > knownFormat) {
    throw usageFailure(
      `${name} is in format ${first.format}, written by gontainer ${asText(first.version)}; this version reads formats up to ${knownFormat}`,
      'Read it with the version that wrote it.',
    );
  }
  const calls = callsOf(records);
  const failure = failureOf(records, calls);
  const ended = endedOf(records);
  const stop = stopOf(records);
  const steps = stepsOf(launch, records, calls, failure);
  const lacks = [
    ...(cut ? ['The last line of the log is cut off: what it said is missing here.'] : []),
    ...(failure === undefined && ended === undefined
      ? [
          'The log does not say how the launch ended: it was cut off, or the launch was still running when it was copied.',
        ]
      : []),
  ];
  return defined({
    version: asText(first.version),
    time: Math.min(Math.abs(asNumber(first.time)), latestTime),
    command: asTexts(launch.command),
    calls,
    steps,
    watched: watchedOf(records),
    used: usedOf(launch, records),
    stop,
    failure,
    ended,
    lacks,
    end: Math.max(
      1,
      ended?.at ?? 0,
      failure?.at ?? 0,
      ...calls.map(endOf),
      ...steps.map(({ span }) => span?.to ?? 0),
    ),
  });
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
        'To write a log: gontainer run --log-file FILE',
      );
  }
  return { records, cut: false };
}

/** The object that a line holds; undefined when it holds none. */
export function parsed(line: string): Fields | undefined {
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
    .map((record) =>
      defined({
        actor: asText(record.actor),
        pid: asNumber(record.pid),
        step: asText(record.step),
        call: asText(record.call),
        args: record.args as Fields,
        ret: asNumber(record.ret),
        errno: optionalText(record.errno),
        at: Math.round(asNumber(record.at) * 1000) / 1000,
        us: typeof record.us === 'number' ? asNumber(record.us) : undefined,
      }),
    )
    .sort((a, b) => a.at - b.at)
    .map((call, index) => ({ number: index + 1, ...call }));
}

function watchedOf(records: readonly Fields[]): Watched[] {
  return records
    .filter(({ watched, answer }) => typeof watched === 'string' && isFields(answer))
    .map((record) => {
      const [answer, process] = [asFields(record.answer), asFields(record.process)];
      const whose: Watched['whose'] =
        (['container', 'nested'] as const).find((one) => one === answer.whose) ?? 'host';
      return defined({
        at: asNumber(record.at),
        process: `${asText(process.name)} ${asNumber(process.inside)}`,
        call: asText(record.watched),
        args: asTexts(record.args),
        namespace: asText(answer.namespace),
        whose,
        means: asText(answer.means),
        refusal: refusalOf(record.refusal) ?? decisionOf(record.decided),
      });
    });
}

function refusalOf(refusal: unknown): string | undefined {
  if (!isFields(refusal)) return undefined;
  return refusalWords({
    errno: asText(refusal.errno),
    because: asText(refusal.because),
    option: optionalText(refusal.option),
  });
}

function decisionOf(decided: unknown): string | undefined {
  if (!isFields(decided) || decided.errno === undefined) return undefined;
  return decisionWords(asText(decided.by), asText(decided.errno));
}

function stopOf(records: readonly Fields[]): Stop | undefined {
  const stop = records.at(-1)?.stop;
  if (!isFields(stop)) return undefined;
  const calls = (Array.isArray(stop.calls) ? stop.calls : []).filter(isFields);
  return {
    step: asText(stop.step),
    calls: calls.map(({ actor, call, args }) => ({
      actor: asText(actor),
      call: asText(call),
      args: asFields(args),
    })),
    before: asFields(stop.before),
  };
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
  return defined({
    message: asText(record.msg),
    givenUp: call === undefined && /^given up\b/.test(asText(record.msg)),
    next: optionalText(next),
    at: asNumber(record.at),
    call: failed,
  });
}

function endedOf(records: readonly Fields[]): LaunchLog['ended'] {
  const record = records.find(({ ended }) => isFields(ended));
  if (record === undefined) return undefined;
  const { status, signal } = record.ended as Fields;
  return defined({
    status: asNumber(status),
    signal: optionalText(signal),
    at: asNumber(record.at),
  });
}
