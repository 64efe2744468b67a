/**
 * The log for people. At level info one line a step: what was done, and the one change that shows it. At debug each step
 * opens: why, what one would type for it, and what changed in the kernel. At trace its calls are under it.
 */
import { shownText, shownValue } from '../../common/shown-text.js';
import type { StepRecord } from '../../common/step.js';
import { callLines, type ShownCall } from '../text/call.js';
import { indented } from '../text/columns.js';
import { changeLines } from '../text/evidence-lines.js';
import { type Paint, painter } from '../text/paint.js';
import { shellLines } from '../text/shell-lines.js';
import { stepIndent } from '../text/step-indent.js';
import { type Mark, type StepLine, sharedLine, stepLine } from '../text/step-line.js';
import type { LogOptions } from './log-options.js';
import type { LogRecord } from './log-record.js';

type Fields = Readonly<Record<string, unknown>>;

interface CallFields extends ShownCall {
  readonly step: string;
  readonly ret: number;
  readonly errno?: string;
  readonly us?: number;
}

type StepFields = Omit<StepRecord, 'title'> & { readonly number: number };

interface WatchFields {
  readonly namespaces: readonly { readonly calls: number; readonly means: string }[];
  readonly refused: readonly string[];
  readonly refusals: number;
}

interface FailureFields {
  readonly call?: { readonly call: string; readonly errno: string };
  readonly during?: { readonly number: number; readonly title: string };
}

/** Where no window has a width, lines of prose are this long. */
const proseColumns = 100;
/** Lines longer than this are hard to read, however wide the window is. */
const widestProse = 110;
/** How many lines of a shell command level debug has. */
const mostShellLines = 8;

export class ReadableLog {
  private readonly paint: Paint;
  private readonly explains: boolean;
  private readonly callsToo: boolean;
  private readonly together: ReadonlySet<string>;
  /** Calls whose step is not finished yet: they stand below it. */
  private calls: CallFields[] = [];
  /** A step that waits for the next one, with which it shares a line. */
  private waiting: StepLine | undefined;

  /** @param columns asks how wide the window is now; undefined where there is none */
  constructor(
    { level, colour, together = new Set() }: LogOptions,
    private readonly columns: () => number | undefined,
  ) {
    this.paint = painter(colour);
    this.callsToo = level === 'trace';
    this.explains = this.callsToo || level === 'debug';
    this.together = together;
  }

  /** What a terminal shows of a record: lines, or nothing. */
  of({ level, fields, msg }: LogRecord): string {
    // Calls are made fit to be shown as they are written out.
    const shown = fields.call === undefined ? (shownValue(fields) as Fields) : fields;
    return this.lines(level, shown, shownText(msg))
      .map((line) => `${line}\n`)
      .join('');
  }

  /** A step that is about to be done, and whose record will not be shown. */
  announced({ fields, msg }: LogRecord): string {
    const step = { ...(shownValue(fields) as StepFields), summary: '' };
    const title = shownText(msg);
    const lines = this.explains
      ? [...this.callsUpTo(), '', this.title('next', step, title), ...this.reasons(step)]
      : this.oneLine({ ...step, mark: 'next', title });
    return lines.map((line) => `${line}\n`).join('');
  }

  private lines(level: LogRecord['level'], fields: Fields, message: string): string[] {
    if (fields.call !== undefined) {
      this.calls.push(fields as unknown as CallFields);
      return [];
    }
    if (fields.shell !== undefined) return this.step(fields as unknown as StepFields, message);
    const before = [...this.alone(), ...this.callsUpTo()];
    // The sentence follows, on standard error too.
    if (fields.failure !== undefined) return [...before, ...this.failure(fields.failure as FailureFields)];
    if (fields.stack !== undefined) return before;
    if (fields.watch !== undefined) return [...before, ...this.watch(fields.watch as WatchFields, message)];
    const [colour, sign] = level === 'warn' ? (['yellow', '!'] as const) : (['dim', '·'] as const);
    return [...before, ...this.noted(colour, sign, message)];
  }

  /** What was watched in all: who answered, and what was to be refused. */
  private watch({ namespaces, refused, refusals }: WatchFields, message: string): string[] {
    const more = refusals - refused.length;
    return [
      ...this.noted('dim', '·', message),
      ...namespaces.flatMap(({ calls, means }) => this.noted('dim', ' ', `${calls} × ${means}`)),
      ...refused.flatMap((line) => this.noted('yellow', '!', line)),
      ...(more > 0 ? this.noted('yellow', '!', `and ${more} more refusals`) : []),
    ];
  }

  private noted(colour: 'yellow' | 'dim', sign: string, message: string): string[] {
    const [first = '', ...more] = indented(message, this.prose, stepIndent);
    return [`${this.paint(colour, sign)}${first.slice(1)}`, ...more];
  }

  private step(step: StepFields, title: string): string[] {
    if (!this.explains) return this.oneLine({ ...step, mark: 'done', title }, this.together.has(step.step));
    const own = this.calls.filter((call) => call.step === step.step);
    const others = this.callsUpTo(own);
    const { before, after, stage, man, us } = step;
    return [
      ...others,
      '',
      this.title('done', step, title),
      ...this.reasons(step),
      ...changeLines(before, after, this.prose, this.paint),
      ...indented(`${stage}, ${man}, ${Math.round(us)} µs`, this.prose, stepIndent).map((line) =>
        this.paint('dim', line),
      ),
      ...own.flatMap((call) => this.callLines(call)),
    ];
  }

  /** @param waits whether it shares the line with the step that follows */
  private oneLine(step: StepLine, waits = false): string[] {
    const columns = this.columns();
    if (waits && columns !== undefined) {
      this.waiting = step;
      return [];
    }
    const { waiting } = this;
    if (waiting === undefined || columns === undefined)
      return [...this.alone(), stepLine(step, columns, this.paint)];
    this.waiting = undefined;
    return [sharedLine(waiting, step, columns, this.paint)];
  }

  /** The line of a step that nothing follows with which it could share one. */
  private alone(): string[] {
    const { waiting } = this;
    this.waiting = undefined;
    return waiting === undefined ? [] : [stepLine(waiting, this.columns(), this.paint)];
  }

  private title(
    mark: Mark,
    { number, summary }: Pick<StepFields, 'number' | 'summary'>,
    title: string,
  ): string {
    return stepLine({ mark, number, title, summary }, this.columns(), this.paint);
  }

  /** Why it is done, and what one would type. */
  private reasons({ why, shell, gist }: StepFields): string[] {
    const most = this.callsToo ? Number.POSITIVE_INFINITY : mostShellLines;
    return [
      ...indented(why, this.prose, stepIndent),
      ...shellLines({ shell, gist }, this.prose, this.paint, most),
    ];
  }

  /** The step that failed, beside the call that was refused and what the kernel said. */
  private failure({ call, during }: FailureFields): string[] {
    if (during === undefined) return [];
    const summary = call === undefined ? '' : `${call.call}: ${call.errno}`;
    return [this.title('failed', { ...during, summary }, during.title)];
  }

  /** The calls that no step shows: those before the first and after the last, and those that were read late. */
  private callsUpTo(kept: readonly CallFields[] = []): string[] {
    const lines = this.calls.filter((call) => !kept.includes(call)).flatMap((call) => this.callLines(call));
    this.calls = [];
    return lines;
  }

  /** `P       unshare(flags: CLONE_NEWUSER) = 0  84 µs`. */
  private callLines(call: CallFields): string[] {
    const { ret, errno, us } = call;
    const result = errno === undefined ? String(ret) : this.paint('red', `${ret} ${errno}`);
    const time = us === undefined ? '' : this.paint('dim', `  ${Math.round(us)} µs`);
    return callLines(call, this.prose, stepIndent, this.paint, `= ${result}${time}`);
  }

  private get prose(): number {
    const columns = this.columns();
    return columns === undefined ? proseColumns : Math.max(30, Math.min(widestProse, columns - 1));
  }
}
