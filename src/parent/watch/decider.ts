/** Who decides about the calls that are watched, where somebody wants to: a program, or whoever sits at the terminal. */
import { constants } from 'node:os';
import { defined } from '../../common/defined.js';
import { errnoName } from '../../common/kernel/errno.js';
import type { CallRead } from './call-reader.js';
import type { WatchedRecord } from './watched-record.js';

/** The number of the error that a call fails with; 0 where it goes on. */
export type Errno = number;

/** What nobody has decided about does not go on. */
export const undecided: Errno = constants.errno.EPERM;

export interface Decider {
  /** As the records name it. */
  readonly name: NonNullable<WatchedRecord['decided']>['by'];
  /** Whether it is asked about the execve(2) that starts the command, too. */
  readonly decidesOnStart: boolean;
  /** @param breaks to be called where it cannot decide any more: the container is ended then */
  begin(breaks: (reason: Error) => void): void;
  /** The caller waits meanwhile, and others go on. It may end before this is resolved. */
  decide(call: CallRead): Promise<Errno>;
  /** Nothing is asked any more. What waits need not be decided. */
  end(): void;
}

/** The record of a call that somebody has decided about: where it fails, what was foreseen does not come. */
export function decided({ record, pid }: CallRead, by: Decider['name'], errno: Errno): CallRead {
  if (errno === 0) return { record: { ...record, decided: { by } }, pid };
  const { refusal: _, ...asked } = record;
  return { record: { ...asked, known: 'decided', decided: defined({ by, errno: errnoName(errno) }) }, pid };
}
