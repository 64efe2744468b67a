/** A record of the log, and where records go. */
import type { Level } from './log-options.js';

/** A record as docs/log.md describes it, before pino adds level and time. */
export interface LogRecord {
  readonly level: Exclude<Level, 'silent'>;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The fields as members of JSON, where they were written out already: there are thousands of such records. */
  readonly written?: string;
}

/** Where records go once pino is there. */
export interface LogWriter {
  write(record: LogRecord): void;
  /** Has the files get what was written; a terminal gets each record at once. */
  flush(): void;
  /**
   * Shows at a terminal a step that is about to be done, where its record would come too late: the terminal belongs to
   * the command from then on. The record itself is not shown there again.
   */
  announce(record: LogRecord): void;
  /** While held, nothing is written to a terminal: it belongs to the command. */
  hold(held: boolean): void;
  /** From here on nothing is written to standard error: nobody looks at it any more. */
  leave(): void;
  close(): void;
}
