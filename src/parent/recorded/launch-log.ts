/** A launch as its log tells it: what the drawings are made from. */
import type { UsageSample } from '../../common/cgroup/usage-sample.js';

/** One kernel call (docs/log.md). */
export interface Call {
  /** Counted from 1 in the order of time. */
  readonly number: number;
  /** parent, P, G, child, command, or the name of a program that the parent started. */
  readonly actor: string;
  readonly pid: number;
  /** The id of a step, empty for what comes before the first. */
  readonly step: string;
  readonly call: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly ret: number;
  readonly errno?: string;
  /** Microseconds since the launch began. */
  readonly at: number;
  /** Microseconds; absent for a call that does not return. */
  readonly us?: number;
}

export type Evidence = Readonly<Record<string, unknown>>;

/** `unfinished`: the log stops in the middle of it. */
export type StepState = 'done' | 'failed' | 'unfinished' | 'not reached';

export interface Step {
  /** Counted from 1 in the order in which steps are done. */
  readonly number: number;
  readonly id: string;
  readonly stage: string;
  readonly title: string;
  readonly why: string;
  readonly man: string;
  readonly shell: string;
  /** The shortest command that shows the idea, where `shell` is long. */
  readonly gist?: string;
  readonly state: StepState;
  /** When it ran, microseconds since the launch began; absent for a step that was not reached. */
  readonly span?: { readonly from: number; readonly to: number };
  /** The one change that shows what was done, in a few words; absent in a log of before there were any. */
  readonly summary?: string;
  /** Absent unless the step is done. */
  readonly evidence?: { readonly before: Evidence; readonly after: Evidence };
}

export interface LaunchFailure {
  readonly message: string;
  /** Whether somebody gave the launch up, so that nothing went wrong. */
  readonly givenUp: boolean;
  readonly next?: string;
  readonly at: number;
  /** The call that failed, if it was one. */
  readonly call?: Call;
}

/** A call that is about to be made. */
export type ComingCall = Pick<Call, 'actor' | 'call' | 'args'>;

/** Where a launch with --step waits for a key. */
export interface Stop {
  /** The id of the step that is about to be done. */
  readonly step: string;
  readonly calls: readonly ComingCall[];
  /** The evidence as it stands. */
  readonly before: Evidence;
}

/** A call of the command that was watched. */
export interface Watched {
  readonly at: number;
  /** Name and number inside: `ls 7`. */
  readonly process: string;
  readonly call: string;
  readonly args: readonly string[];
  /** Which namespace answered, by its entry in /proc/PID/ns. */
  readonly namespace: string;
  readonly whose: 'container' | 'host' | 'nested';
  readonly means: string;
  /** Why it will be refused, where that is foreseen, or who had it fail. */
  readonly refusal?: string;
}

/** What a container with limits has used, from the start of its command to its end. */
export interface UsedOverTime {
  /** In the order of time, one at least. */
  readonly samples: readonly UsageSample[];
  /** Bytes, processes and processors; absent where there was no such limit. */
  readonly limits: { readonly memory?: number; readonly processes?: number; readonly cpus?: number };
  /** What has hit a limit, a sentence each. */
  readonly hits: readonly string[];
}

export interface LaunchLog {
  /** The version of gontainer that wrote it. */
  readonly version: string;
  /** When the launch began, milliseconds since 1970. */
  readonly time: number;
  readonly command: readonly string[];
  /** In the order of time. */
  readonly calls: readonly Call[];
  /** In the order in which they are done, those that were not reached included. */
  readonly steps: readonly Step[];
  /** In the order in which they came; none where no call was watched. */
  readonly watched: readonly Watched[];
  /** Absent without limits, and where the command did not run. */
  readonly used?: UsedOverTime;
  /** Absent unless it is the last that the log tells of. */
  readonly stop?: Stop;
  readonly failure?: LaunchFailure;
  readonly ended?: { readonly status: number; readonly signal?: string; readonly at: number };
  /** What the log lacks, a sentence each, for a log that was cut off. */
  readonly lacks: readonly string[];
  /** The last moment that the log tells of, microseconds since the launch began. */
  readonly end: number;
}

/** When a call was over, to the nanosecond: in a chain one begins when the one before ends. */
export const endOf = ({ at, us }: Call): number => Math.round((at + (us ?? 0)) * 1000) / 1000;

/** Whether a call only waits for another process: it reads from a pipe. */
export const waits = ({ call }: Call): boolean => call === 'read';

/** Whether a call makes its process the command: the child itself executes nothing else (--as-pid-1). */
export const executesCommand = ({ actor, call }: Call): boolean =>
  call === 'execve' && (actor === 'command' || actor === 'child');

/** The step that a call belongs to. */
export const stepOf = ({ steps }: LaunchLog, { step }: Call): Step | undefined =>
  steps.find(({ id }) => id === step);

/** `35.1 ms`, `686 µs`, `2.41 s`. */
export function duration(us: number): string {
  if (us < 1000) return `${us < 10 ? us.toFixed(1) : Math.round(us)} µs`;
  const ms = us / 1000;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(2)} s`;
}

/** `EROFS, as /usr/x is on a read-only mount, /usr; --tmpfs …`. */
export const refusalWords = (refusal: {
  readonly errno: string;
  readonly because: string;
  readonly option?: string | undefined;
}): string => {
  const { errno, because, option } = refusal;
  return `${errno}, as ${because}${option === undefined ? '' : `; ${option}`}`;
};

/** `EACCES, as the program decided`. */
export const decisionWords = (by: string, errno: string): string =>
  `${errno}, as ${by === 'terminal' ? 'was decided at the terminal' : `the ${by} decided`}`;
