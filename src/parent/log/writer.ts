/** The log through pino: NDJSON to the file and to standard error, or readable lines to a terminal. */
import { closeSync, fstatSync, writeSync } from 'node:fs';
import pino, { type DestinationStream } from 'pino';
import { Failure } from '../../common/failure.js';
import { errnoWords } from '../../common/kernel/kernel-error.js';
import type { Level, LogOptions } from './log-options.js';
import type { LogRecord, LogWriter } from './log-record.js';

export async function openWriter(options: LogOptions): Promise<LogWriter> {
  const { lines, standardError = 2 } = options;
  const waiting: string[] = [];
  let held = false;
  let left = false;
  const plain = pino.destination({ dest: standardError, sync: true });
  const pretty =
    options.format === 'pretty' && options.level !== 'silent'
      ? (await import('./pretty.js')).prettyFormat(options)
      : undefined;
  const terminal = {
    write: (line: string) => plain.write(pretty === undefined ? line : (pretty(line) ?? '')),
  };
  const open = (descriptor: number | undefined) => (descriptor === undefined ? [] : [fileStream(descriptor)]);
  const files = [
    ...open(options.file),
    ...open(options.descriptor),
    ...open(options.followed).map(expendable),
  ];
  // A terminal belongs to the command while it runs; anything else may be written at once.
  const isTerminal = fstatSync(standardError).isCharacterDevice();
  const shown = {
    write: (line: string) => {
      if (left) return;
      if (held && isTerminal) waiting.push(line);
      else terminal.write(line);
    },
  };

  let time = 0;
  const logger = (level: Level, stream: DestinationStream) =>
    Object.assign(pino({ base: null, level, timestamp: () => `,"time":${time}` }, stream), {
      [pino.symbols.asJsonSym]: asJson,
    });
  const atTerminal = options.level === 'silent' ? undefined : logger(options.level, shown);
  const elsewhere = logger('trace', {
    write: (line: string) => {
      for (const file of files) file.write(line);
      lines?.push(line);
    },
  });
  let announced: unknown;
  return {
    write: (record: LogRecord) => {
      time = record.time;
      elsewhere[record.level](record.fields, record.msg);
      const { step, shell } = record.fields;
      if (shell === undefined || step !== announced) atTerminal?.[record.level](record.fields, record.msg);
    },
    flush: () => {
      for (const file of files) file.flush();
    },
    announce: (record: LogRecord) => {
      if (!isTerminal) return;
      time = record.time;
      announced = record.fields.step;
      atTerminal?.[record.level](record.fields, record.msg);
    },
    leave: () => {
      left = true;
      waiting.length = 0;
    },
    hold: (now: boolean) => {
      held = now;
      if (!now) for (const line of waiting.splice(0)) terminal.write(line);
    },
    close: () => {
      for (const file of files) file.close();
    },
  };
}

/**
 * A record as a line, in the place of pino's own asJson. That one is for programs that log for hours: it looks at every
 * character, so that V8 sets out to optimize it, which takes a short one 4 MiB and longer than its whole log.
 */
const asJson = (fields: object, msg: string, level: number, time: string): string =>
  `{"level":${level}${time},${JSON.stringify({ ...fields, msg }).slice(1)}\n`;

/** A launch goes on without this file, when it cannot be written any more. */
const expendable = ({ write, flush, close }: FileStream): FileStream => ({
  write,
  flush: () => {
    try {
      flush();
    } catch {
      // fileStream does not try again: who follows sees a log that was cut off.
    }
  },
  close,
});

interface FileStream {
  write(line: string): void;
  flush(): void;
  close(): void;
}

/** Writes lines to a file, which has them even if this process is killed in the next moment, once they are flushed. */
function fileStream(descriptor: number): FileStream {
  let works = true;
  let gathered = '';
  return {
    write: (line) => {
      if (works) gathered += line;
    },
    flush: () => {
      if (gathered === '') return;
      const bytes = Buffer.from(gathered);
      gathered = '';
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
      } catch (error) {
        works = false; // The failure itself goes to standard error.
        throw new Failure(`the log file cannot be written: ${errnoWords(error)}`, {
          next: 'A launch without the log that was asked for is given up: choose another --log-file.',
        });
      }
    },
    close: () => closeSync(descriptor),
  };
}
