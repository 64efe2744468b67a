/** A watched call as the log has it (docs/log.md). */
import type { Architecture, WatchedName, WatchKind } from '../../common/watch/watched-calls.js';
import type { Answer } from './answers.js';
import type { SocketAddress } from './socket-address.js';
import type { ShownProcess } from './watched-processes.js';

/** Why a call will fail, and what would let it succeed. */
export interface Refusal {
  readonly errno: 'EROFS' | 'EACCES' | 'EPERM' | 'EINVAL' | 'ENETUNREACH';
  /** A sentence without its full stop. */
  readonly because: string;
  /** The option that would allow it, and how. */
  readonly option?: string;
}

export interface WatchedRecord {
  readonly watched: WatchedName;
  readonly kind: WatchKind;
  readonly args: readonly string[];
  /** As absolute ones, where the call has some. */
  readonly paths?: readonly string[];
  readonly address?: SocketAddress;
  readonly process: ShownProcess;
  readonly answer: Answer;
  /**
   * `decided` where somebody had it fail, and so the kernel never saw it; `foreseen` where it will be refused; of every other
   * call only that it was asked for.
   */
  readonly known: 'asked' | 'foreseen' | 'decided';
  readonly refusal?: Refusal;
  /** Who has decided that it goes on, or fails with this errno. */
  readonly decided?: { readonly by: 'program' | 'terminal'; readonly errno?: string };
  /** Of a program for another processor than the machine's. */
  readonly architecture?: Architecture;
}

/** What was watched in all. */
export interface WatchSummary {
  /** How many calls there were. */
  readonly calls: number;
  /** How many of them have no record, as there were more than the log keeps. */
  readonly notKept: number;
  readonly processes: number;
  /** How many by their kinds. */
  readonly kinds: Readonly<Partial<Record<WatchKind, number>>>;
  /** Who answered, how often, and what the last answer means. */
  readonly namespaces: readonly (Answer & { readonly calls: number })[];
  /** How many were to be refused, or somebody had fail, and the first of them, a sentence each. */
  readonly refusals: number;
  readonly refused: readonly string[];
  /** How many could not be looked at, because something in the launcher failed. They went on all the same. */
  readonly unread: number;
}
