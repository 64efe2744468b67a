/**
 * What comes over the channel is checked before it is believed. Nobody can open the child's end by a name, but root of
 * the container's user namespace may trace the child, or take a descriptor out of it (pidfd_getfd(2)), and write what it
 * likes. So each message has exactly the fields that the child gives it, of the kinds and sizes that it gives them.
 */
import type { RecordMessage } from '../../common/channel.js';
import { exitStatus, Failure, statusOfSignal } from '../../common/failure.js';
import { constants } from '../../common/kernel/constants.js';
import { type Check, matching, isSignalName as signal } from './check.js';

type Fields = Readonly<Record<string, Check>>;

const text =
  (most: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= most;
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const whole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most;

const maximal32Bits = 2 ** 31 - 1;
const processId = whole(0, maximal32Bits);
const descriptor = whole(3, maximal32Bits);
const word = matching(/^[A-Za-z0-9_-]{1,64}$/);
/** Microseconds: a year at most. Clocks that differ may put a call a little before the beginning. */
const time: Check = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value > -1e9 && value < 3.2e13;
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object with these fields, perhaps those, and no others. */
function fields(needed: Fields, possible: Fields = {}): Check {
  const checks = new Map(Object.entries({ ...possible, ...needed }));
  const names = Object.keys(needed);
  return (value) =>
    object(value) &&
    names.every((name) => Object.hasOwn(value as object, name)) &&
    Object.entries(value as object).every(([name, content]) => checks.get(name)?.(content) === true);
}

const record = fields(
  {
    actor: oneOf('child', 'command'),
    pid: processId,
    step: text(64),
    call: word,
    args: object,
    ret: whole(-1, Number.MAX_SAFE_INTEGER),
    at: time,
  },
  { errno: word, us: time },
);

const kernel = fields({ step: text(64), call: word, args: object, errno: word });

const failure = fields(
  {
    message: text(256 * 1024),
    // The launch that failed in the child, or the child that was to end because its parent had.
    status: oneOf(...Object.values(exitStatus), statusOfSignal(constants.SIGKILL)),
  },
  { next: text(256 * 1024), kernel, stack: text(1024 * 1024) },
);

const known: Check = (value) =>
  object(value) && Object.values(value as object).every(whole(-maximal32Bits, maximal32Bits));

const messages: { readonly [Type in RecordMessage['type']]: Fields | readonly [Fields, Fields] } = {
  call: { record },
  step: { result: fields({ step: word, before: object, after: object, at: time, us: time }) },
  pause: { step: word, evidence: object, known },
  terminal: { descriptor: processId, number: processId },
  overlay: { layers: fields({ target: text(4096), upper: descriptor, lower: descriptor }) },
  'enter-group': { pid: processId },
  ready: [{}, { listener: fields({ pid: processId, descriptor }) }],
  executes: { record },
  failure: { failure },
  passed: { number: whole(1, Number.MAX_SAFE_INTEGER) },
  stopped: { signal },
  ended: [{ status: whole(0, 255) }, { signal }],
};

const checks = new Map<unknown, Check>(
  Object.entries(messages).map(([type, expected]) => {
    const [needed, possible] = Array.isArray(expected)
      ? (expected as [Fields, Fields])
      : [expected as Fields, {}];
    return [type, fields({ type: text(16), ...needed }, possible)];
  }),
);

/**
 * The message of a line.
 * @throws Failure when it is none that a child sends
 */
export function checkedMessage(line: string): RecordMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw notBelieved();
  }
  const check = object(value) ? checks.get((value as { type?: unknown }).type) : undefined;
  if (check?.(value) !== true) throw notBelieved();
  return value as RecordMessage;
}

/** What comes over the channel is not the child's, so nothing that comes over it can be believed. */
export const notBelieved = (): Failure =>
  new Failure('what came from the container is not what its child sends, so the launcher ended it', {
    next: 'Root in the container can take the child’s end of the channel. See docs/isolation.md.',
  });
