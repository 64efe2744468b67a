/**
 * What a program that has a container open (src/library/box.ts) and its launcher say to each other over --control-fd: lines
 * of JSON. The end of the program's side ends the container.
 */
import type { Usage } from './cgroup/usage.js';
import type { FailureData } from './channel.js';
import type { WindowSize } from './kernel/terminal-modes.js';

/** For standard input, output and error: a pipe to the program, or /dev/null. */
export type StreamKind = 'pipe' | 'ignore';

/** By the names and in the words of `gontainer run`. */
export interface CommandLimits {
  readonly ulimit?: readonly string[];
  readonly memory?: string;
  readonly 'memory-swap'?: string;
  readonly 'pids-limit'?: number;
  readonly cpus?: number;
  readonly 'cpu-weight'?: number;
  readonly 'io-weight'?: number;
}

/** A command to start. */
export interface CommandRequest {
  readonly type: 'exec';
  /** By which everything that follows is about it. */
  readonly number: number;
  readonly argv: readonly string[];
  readonly streams: readonly [StreamKind, StreamKind, StreamKind];
  /** Where it starts; without it where the container's own commands start. */
  readonly directory?: string;
  /** UID[:GID], by number or by a name of the root. */
  readonly user?: string;
  /** `NAME=VALUE`, beside what every command of the container gets, or in its place. */
  readonly environment?: readonly string[];
  readonly wholeEnvironment?: boolean;
  /** Whether the program is to be told when it runs. */
  readonly tellsStart?: boolean;
  /** What it may use. */
  readonly limits?: CommandLimits;
  /** Which of its calls are watched, in the words of --watch. */
  readonly watch?: string;
  /** It gets a terminal of its own, of this size; standard input and output are that then, and there is no standard error. */
  readonly window?: WindowSize;
}

/** From the program. */
export type ControlRequest =
  | CommandRequest
  /** The program has opened its ends of the pipes. */
  | { readonly type: 'opened'; readonly number: number }
  /** Its terminal gets another size. */
  | { readonly type: 'resize'; readonly number: number; readonly window: WindowSize }
  /** A signal for the command and whatever is left of its process group. */
  | { readonly type: 'signal'; readonly number: number; readonly signal: string };

/** How a command has ended; with limits of its own also what it used, and whether one of them was its end. */
export interface EndedAnswer {
  readonly type: 'ended';
  readonly number: number;
  readonly status: number;
  readonly signal?: string;
  readonly reason?: 'memory';
  readonly usage?: Usage;
  /** With `watch`: how many calls were watched in all. */
  readonly asked?: number;
}

/** From the launcher. */
export type ControlAnswer =
  /** The container is there. */
  | { readonly type: 'ready' }
  /** The launcher's descriptors of the program's ends of the pipes, which the program opens as /proc/PID/fd/N. */
  | { readonly type: 'streams'; readonly number: number; readonly descriptors: readonly (number | null)[] }
  /** The command runs: its process ID on the host. */
  | { readonly type: 'started'; readonly number: number; readonly pid: number }
  /** One of its calls; all of them come before its end. */
  | { readonly type: 'watched'; readonly number: number; readonly call: unknown }
  | EndedAnswer
  /** It was not started. */
  | { readonly type: 'failed'; readonly number: number; readonly failure: FailureData };

export const controlLine = (message: ControlRequest | ControlAnswer): string =>
  `${JSON.stringify(message)}\n`;
