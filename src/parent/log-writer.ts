/** The log through pino: NDJSON to the file and to standard error, or readable lines to a terminal. */
import { fstatSync } from 'node:fs';
import pino from 'pino';
import type { LogOptions, LogRecord, LogWriter } from './log.js';
import { prettyStream } from './log-pretty.js';

const standardError = 2;

export function openWriter(options: LogOptions): LogWriter {
  const { lines } = options;
  const waiting: string[] = [];
  let held = false;
  const terminal =
    options.format === 'pretty' ? prettyStream(options) : pino.destination({ fd: standardError, sync: true });
  const file =
    options.file === undefined
      ? undefined
      : pino.destination({ dest: options.file, sync: true, append: false });
  // A terminal belongs to the command while it runs; anything else may be written at once.
  const isTerminal = fstatSync(standardError).isCharacterDevice();
  const shown = {
    write: (line: string) => {
      if (held && isTerminal) waiting.push(line);
      else terminal.write(line);
    },
  };

  let time = 0;
  const logger = pino(
    { base: null, level: 'trace', timestamp: () => `,"time":${time}` },
    pino.multistream([
      ...(options.level === 'silent' ? [] : [{ level: options.level, stream: shown }]),
      ...(file === undefined ? [] : [{ level: 'trace' as const, stream: file }]),
      ...(lines === undefined
        ? []
        : [{ level: 'trace' as const, stream: { write: (line: string) => lines.push(line) } }]),
    ]),
  );
  return {
    write: (record: LogRecord) => {
      time = record.time;
      logger[record.level](record.fields, record.msg);
    },
    hold: (now: boolean) => {
      held = now;
      if (!now) for (const line of waiting.splice(0)) terminal.write(line);
    },
    close: () => {
      file?.end();
    },
  };
}
