/** Where a launch is, in words for the room. */
import type { LaunchLog, Step } from '../recorded/launch-log.js';

/** What is known of a launch that is followed. */
export interface Followed {
  readonly log: LaunchLog | undefined;
  /** Whether the launcher is gone without a last word in the log. */
  readonly cutOff: boolean;
  /** Why the log cannot be shown, a sentence. */
  readonly complaint: string | undefined;
}

/** A launch as the page shows it. */
export interface ShownLaunch extends Followed {
  readonly name: string;
  readonly state: LaunchState;
  /** What is wrong with its log, a sentence each. */
  readonly lacks: readonly string[];
}

/** A launch in the list to choose from. */
export interface ListedLaunch {
  /** What no other launch has. */
  readonly id: string;
  readonly name: string;
  /** When it began, milliseconds since 1970. */
  readonly began: number;
  readonly command: string;
  readonly state: LaunchState;
}

export interface LaunchState {
  /** For its colour. */
  readonly kind: 'waits' | 'works' | 'runs' | 'over' | 'failed';
  readonly words: string;
}

export function launchState({ log, cutOff, complaint }: Followed): LaunchState {
  if (complaint !== undefined) return { kind: 'failed', words: 'its log cannot be shown' };
  if (log?.failure?.givenUp) return { kind: 'over', words: 'given up' };
  if (log?.failure !== undefined) return { kind: 'failed', words: 'failed' };
  if (log?.ended !== undefined) {
    const { status, signal } = log.ended;
    return {
      kind: 'over',
      words: signal === undefined ? `ended with status ${status}` : `killed by ${signal}`,
    };
  }
  if (cutOff)
    return { kind: 'failed', words: 'the launcher was killed: the launch and its container are gone' };
  if (log === undefined) return { kind: 'works', words: 'begins' };
  const step = currentStep(log);
  if (step === undefined) return { kind: 'runs', words: 'the command runs' };
  const place = `step ${step.number} of ${log.steps.length}`;
  return log.stop === undefined
    ? { kind: 'works', words: place }
    : { kind: 'waits', words: `waits for a key before ${place}` };
}

/** The step that is about to be done, is being done, or failed; none when all are done. */
export const currentStep = ({ steps, stop }: LaunchLog): Step | undefined =>
  steps.find(({ id }) => id === stop?.step) ?? steps.find(({ state }) => state !== 'done');
