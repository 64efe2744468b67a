/**
 * The log has one writer: this process. Records of both stages come here in order; they are kept until pino is loaded,
 * which happens while the child starts on another core, and then go to the terminal or standard error and to the file.
 */
import type { Usage } from '../../common/cgroup/usage.js';
import type { UsageSample } from '../../common/cgroup/usage-sample.js';
import { defined } from '../../common/defined.js';
import type { CallRecord } from '../../common/kernel/kernel.js';
import type { LaunchSpec } from '../../common/spec.js';
import type { Describable, Evidence, RehearsedStep, StepDescription, StepRecord } from '../../common/step.js';
import { numberedSteps } from '../../common/steps/index.js';
import type { LogOptions } from './log-options.js';
import type { LogRecord, LogWriter } from './log-record.js';

declare const VERSION: string;

/** The version of the records' format (docs/log.md): a reader refuses a higher one. */
const logFormat = 1;

/** How the command has ended, and where it has limits what it has used. */
export interface EndedFields {
  readonly status: number;
  readonly signal?: NodeJS.Signals;
  /** The limit that has ended it. */
  readonly reason?: 'memory';
  readonly usage?: Usage;
}

/** Milliseconds that what is not urgent may wait. */
const soon = 20;

export class Log {
  private writer: LogWriter | undefined;
  private kept: (LogRecord | (() => LogRecord))[] = [];
  private begun = false;
  private gathers = false;
  private flushing: NodeJS.Timeout | undefined;
  /** The steps of the launch, once it has begun, and how many of them are done. */
  private steps: () => readonly { readonly step: string; readonly title: string }[] = () => [];
  private finished = 0;
  /** Writes how the command has ended. */
  private end: (() => void) | undefined;
  private readonly wall = Date.now();
  readonly origin = process.hrtime.bigint();

  /** Whether anybody reads it. */
  readonly wanted: boolean;

  constructor(private readonly options: LogOptions) {
    const { level, file, descriptor, followed, lines } = options;
    this.wanted =
      level !== 'silent' || [file, descriptor, followed, lines].some((place) => place !== undefined);
  }

  /** The first record: what is to be launched. Of the environment only the names are ever logged. */
  launch(whole: LaunchSpec): void {
    const { environment, prompt, fromImage = [], ...spec } = whole;
    this.begins(
      [...numberedSteps(whole).values()].map(({ step }) => step),
      whole,
    );
    const names = [...new Set([...Object.keys(environment), ...(prompt === undefined ? ['PS1'] : [])])];
    const launch = { ...spec, environment: names };
    const msg = `launch ${spec.command.join(' ')}`;
    this.add('debug', msg, { stage: 'parent', pid: process.pid, launch }, 0);
    for (const { field, text } of fromImage)
      this.add('info', text, { stage: 'parent', pid: process.pid, image: field });
  }

  /** What is to be done, in order: so that what fails can be named. */
  begins<Spec>(steps: readonly Describable<Spec>[], spec: Spec): void {
    this.steps = () => steps.map(({ id, title }) => ({ step: id, title: title(spec) }));
  }

  /** The command has ended. That is the last record: what is still to be tidied up after it comes before. */
  ended(child: number, ended: EndedFields): void {
    const { status, signal } = ended;
    const msg =
      signal === undefined
        ? `the command ended with status ${status}`
        : `the command was killed by ${signal}`;
    const fields = { stage: 'child', pid: child, ended };
    const at = this.now();
    this.end = () => this.add('debug', msg, fields, at);
  }

  /** What a container with limits has used, from the start of its command to its end. */
  usedOverTime(samples: readonly UsageSample[] = []): void {
    if (samples.length === 0) return;
    const msg = `what was used over time: ${samples.length} samples`;
    this.add('debug', msg, { stage: 'parent', pid: process.pid, samples });
  }

  /** A command that a program asked for runs. */
  commandStarted(number: number, pid: number, command: Record<string, unknown>): void {
    const words = (command.command as readonly string[]).join(' ');
    const exec = defined({ number, ...command });
    this.addSoon(`command ${number} runs: ${words}`, { stage: 'parent', pid, exec });
  }

  /** One of them has ended. */
  commandEnded(number: number, pid: number, status: number, signal: NodeJS.Signals | undefined): void {
    const how = signal === undefined ? `ended with status ${status}` : `was killed by ${signal}`;
    const execEnded = defined({ number, status, signal });
    this.addSoon(`command ${number} ${how}`, { stage: 'parent', pid, execEnded });
  }

  /** There may be hundreds of these a second, and each write of its own would take longer than what it tells of. */
  private addSoon(msg: string, fields: Record<string, unknown>): void {
    if (!this.wanted) return;
    this.keep(this.record('debug', msg, fields), false);
    this.flushing ??= setTimeout(() => {
      this.flushing = undefined;
      this.flush();
    }, soon);
  }

  call(record: CallRecord, stage: 'parent' | 'child'): void {
    const msg = `${record.call} ${record.errno === undefined ? `= ${record.ret}` : record.errno}`;
    this.add('trace', msg, { stage, ...record }, record.at);
  }

  /**
   * A step is done.
   * @param describe what is said of it; asked once it is written, as the next step may have to wait for this one
   * @param at when it was done, in microseconds since the launch began
   */
  step(describe: () => StepRecord, at: number, number: number, of: number, pid: number): void {
    this.finished = number;
    const first = this.firstFields();
    this.keep(() => {
      const { title, ...record } = describe();
      return this.recordAt(at, 'info', title, { ...first, pid, ...record, number, of });
    });
  }

  /** --step waits for a key before this step, and a reader is to see it now: the calls about to be made, and the evidence as it stands. */
  stop(step: RehearsedStep, before: Evidence, pid: number): void {
    const { step: id, stage, number, of, title, calls } = step;
    this.add('debug', `stopped before: ${title}`, {
      stage,
      pid,
      stop: { step: id, number, of, calls, before },
    });
    this.flush();
  }

  /** A launch that failed: the sentence, and for a kernel call its parts; where in the source, only at level trace. */
  failed(error: Error & { readonly data?: unknown; readonly next?: string }): void {
    const { data, next, stack, message } = error;
    this.add('trace', 'where in the source it failed', { stage: 'parent', pid: process.pid, stack });
    this.add('error', message, {
      stage: 'parent',
      pid: process.pid,
      failure: defined({ call: data, next, during: this.underWay() }),
    });
  }

  /**
   * Something that the launch goes on without.
   * @param step the step that does
   */
  warn(sentence: string, step?: string): void {
    this.add('warn', sentence, defined({ stage: 'parent', pid: process.pid, step, warning: true }));
  }

  add(level: LogRecord['level'], msg: string, fields: Record<string, unknown>, at?: number): void {
    if (this.wanted) this.keep(this.record(level, msg, fields, at));
  }

  /**
   * The same for a record of which there may be thousands, each of them written out by whoever counts how long it is.
   * @param written the fields as members of JSON
   */
  addWritten(level: LogRecord['level'], msg: string, fields: LogRecord['fields'], written: string): void {
    if (!this.wanted) return;
    const at = this.now();
    this.keep({ level, time: this.timeAt(at), msg, fields, written: `${written},"at":${at}` });
  }

  private record(
    level: LogRecord['level'],
    msg: string,
    fields: Record<string, unknown>,
    at = this.now(),
  ): LogRecord {
    const whole = this.begun ? fields : { ...this.firstFields(), ...fields };
    return this.recordAt(at, level, msg, whole);
  }

  /** A reader has to know the format before anything else. */
  private firstFields(): Record<string, unknown> {
    if (this.begun) return {};
    this.begun = true;
    return { format: logFormat, version: VERSION };
  }

  private recordAt(
    at: number,
    level: LogRecord['level'],
    msg: string,
    fields: Record<string, unknown>,
  ): LogRecord {
    return {
      level,
      time: this.timeAt(at),
      msg,
      // Calls and steps have it, and there are hundreds of them.
      fields: 'at' in fields ? fields : { ...fields, at },
    };
  }

  /** Microseconds are exact enough; more digits would be those of binary fractions. */
  private timeAt(at: number): number {
    return Math.round(this.wall * 1000 + at) / 1000;
  }

  /** Loads pino and writes what was kept. */
  async open(): Promise<void> {
    if (!this.wanted || this.writer !== undefined) return;
    const { openWriter } = await import('./writer.js');
    this.writer = await openWriter(this.options);
    for (const record of this.kept.splice(0)) this.writer.write(made(record));
    this.flush();
  }

  /**
   * What is logged meanwhile goes to the files at the end, or when it is flushed: a write(2) for each record of a child
   * that sends thirty at a time would keep it waiting.
   */
  async together(work: () => Promise<void>): Promise<void> {
    this.gathers = true;
    try {
      await work();
    } finally {
      this.gathers = false;
      this.flush();
    }
  }

  flush(): void {
    this.writer?.flush();
  }

  /** The last step, just before the terminal is the command's. */
  announce(step: StepDescription, number: number, of: number): void {
    const { title, ...fields } = step;
    const time = Date.now();
    this.writer?.announce({
      level: 'info',
      time,
      msg: title,
      fields: { ...fields, number, of, before: {}, after: {} },
    });
  }

  hold(held: boolean): void {
    this.writer?.hold(held);
  }

  leave(): void {
    this.writer?.leave();
  }

  close(): void {
    clearTimeout(this.flushing);
    this.end?.();
    this.writer?.close();
  }

  /** Microseconds since the launch began. */
  private now(): number {
    return Number(process.hrtime.bigint() - this.origin) / 1000;
  }

  /** The step after the last one that was finished. */
  private underWay(): { step: string; number: number; of: number; title: string } | undefined {
    const steps = this.steps();
    const step = steps[this.finished];
    return step && { ...step, number: this.finished + 1, of: steps.length };
  }

  /** @param atOnce whether it goes to the files now, unless what is logged together is gathered */
  private keep(record: LogRecord | (() => LogRecord), atOnce = true): void {
    if (this.writer === undefined) {
      if (this.wanted) this.kept.push(record);
      return;
    }
    this.writer.write(made(record));
    if (atOnce && !this.gathers) this.flush();
  }
}

const made = (record: LogRecord | (() => LogRecord)): LogRecord =>
  typeof record === 'function' ? record() : record;
