/** The log through pino: NDJSON to the files and to standard error, or readable lines to a terminal. */
import { fstatSync } from 'node:fs';
import pino from 'pino';
import { windowSize } from '../../common/kernel/terminal-modes.js';
import { shownJson } from '../../common/shown-text.js';
import { LogFile } from './log-file.js';
import type { LogOptions } from './log-options.js';
import type { LogRecord, LogWriter } from './log-record.js';
import type { ReadableLog } from './readable-log.js';
import { ShownLog } from './shown-log.js';

/** Opens everything that records go to. */
export async function openWriter(options: LogOptions): Promise<LogWriter> {
  const { level, format, lines, standardError = 2 } = options;
  const files = [options.file, options.descriptor].filter((descriptor) => descriptor !== undefined);
  const readable =
    format === 'pretty' && level !== 'silent'
      ? new (await import('./readable-log.js')).ReadableLog(options, () => windowSize(standardError)?.columns)
      : undefined;
  return new Destinations(
    [
      ...files.map((descriptor) => new LogFile(descriptor)),
      ...(options.followed === undefined ? [] : [new LogFile(options.followed, 'expendable')]),
    ],
    lines,
    new ShownLog(level, standardError, fstatSync(standardError).isCharacterDevice()),
    readable,
  );
}

/** pino's numbers of the levels: what is written out already is a line as pino makes it. */
const levels = pino.levels.values as Readonly<Record<LogRecord['level'], number>>;

class Destinations implements LogWriter {
  /**
   * Makes the lines of NDJSON: with the time of the record, not that of writing it. pino lets the function that gives the
   * time write JSON, so the fields are given there too, as one piece: pino itself writes strings character by character
   * in JavaScript (5 ms of a launch).
   */
  private readonly logger = pino(
    { base: null, level: 'trace', timestamp: () => timeAndFields(this.record) },
    { write: (line: string) => this.take(line) },
  );
  /** The record that pino is making a line of. */
  private record: LogRecord | undefined;
  /** The step whose record the terminal has had already. */
  private announced: unknown;

  constructor(
    private readonly files: readonly LogFile[],
    private readonly lines: string[] | undefined,
    private readonly shown: ShownLog,
    private readonly readable: ReadableLog | undefined,
  ) {}

  write(record: LogRecord): void {
    this.record = record;
    if (record.written === undefined) this.logger[record.level](record.msg);
    else
      this.take(
        `{"level":${levels[record.level]},"time":${record.time},${record.written},"msg":${JSON.stringify(record.msg)}}\n`,
      );
  }

  flush(): void {
    for (const file of this.files) file.flush();
  }

  announce(record: LogRecord): void {
    if (!this.shown.isTerminal || this.readable === undefined) return;
    this.announced = record.fields.step;
    this.shown.write(record.level, () => this.readable?.announced(record) ?? '');
  }

  leave(): void {
    this.shown.leave();
  }

  hold(held: boolean): void {
    this.shown.hold(held);
  }

  close(): void {
    for (const file of this.files) file.close();
  }

  private take(line: string): void {
    for (const file of this.files) file.write(line);
    this.lines?.push(line);
    const record = this.record as LogRecord;
    const { step, shell, failure, stack, watched } = record.fields;
    if (shell !== undefined && step === this.announced) return;
    // The terminal is the command's when it makes calls; at its end there is a summary.
    if (watched !== undefined && this.shown.isTerminal) return;
    // The sentence of the error and its trace follow, on standard error too: nothing is said twice.
    if (this.readable === undefined && (failure ?? stack) !== undefined) return;
    this.shown.write(record.level, () => this.readable?.of(record) ?? shownJson(line));
  }
}

/** A part of a line; pino asks once before there is a record. Every record has fields: at least `at`. */
const timeAndFields = (record: LogRecord | undefined): string =>
  record === undefined ? ',"time":0' : `,"time":${record.time},${JSON.stringify(record.fields).slice(1, -1)}`;
