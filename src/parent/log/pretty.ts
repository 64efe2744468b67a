/** The log for people: what was done, what one would type for it, and what changed in the kernel. */
import { shownText, shownValue } from '../../common/shown-text.js';
import { callText } from '../text/call.js';
import { wrapped } from '../text/columns.js';
import { changes } from '../text/evidence-changes.js';
import { type Paint, painter } from '../text/paint.js';
import type { LogOptions } from './log-options.js';
import type { LogRecord } from './log-record.js';

type Fields = Record<string, unknown>;

/** Makes of a record what a terminal shows. */
export function prettyFormat({ level, colour }: LogOptions): (record: LogRecord) => string {
  const paint = painter(colour);
  const explain = level === 'trace' || level === 'debug';
  return ({ fields, msg }) => `${describe(shownValue(fields) as Fields, shownText(msg), paint, explain)}\n`;
}

function describe(record: Fields, message: string, paint: Paint, explain: boolean): string {
  if (record.call !== undefined) return callLine(record, paint);
  if (record.shell !== undefined) return stepLines(record, message, paint, explain).join('\n');
  return `${paint(record.failure === undefined ? 'dim' : 'red', '·')} ${message}`;
}

/** `      P unshare(flags: CLONE_NEWUSER) = 0  84 µs`. */
function callLine({ actor, call, args, ret, errno, us }: Fields, paint: Paint): string {
  const written = callText(String(call), args as Fields, (name) => paint('cyan', name));
  const result = errno === undefined ? String(ret) : paint('red', `${ret} ${errno}`);
  const time = us === undefined ? '' : paint('dim', `  ${Math.round(us as number)} µs`);
  return `        ${paint('dim', String(actor))} ${written} = ${result}${time}`;
}

function stepLines(record: Fields, message: string, paint: Paint, explain: boolean): string[] {
  const { number, of, stage, why, man, shell, before, after } = record;
  const indent = '        ';
  return [
    `${paint('bold', `${`${number}/${of}`.padStart(6)}  ${message}`)}  ${paint('dim', `${stage}, ${man}`)}`,
    ...(explain ? wrapped(String(why), 96).map((line) => `${indent}${line}`) : []),
    `${indent}${paint('dim', '$')} ${shell}`,
    ...changes(before as Fields, after as Fields, paint).map((line) => `${indent}${line}`),
  ];
}
