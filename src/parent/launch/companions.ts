/** What a launch has beside it, where it was asked for. The launch knows no more of each than stands here. */
import type { Recorder } from '../../common/kernel/recorder.js';
import type { Evidence, StepResult } from '../../common/step.js';
import type { Log } from '../log/log.js';
import type { ProcessHandOver } from './process-hand-over.js';

export interface Companions {
  readonly walk?: Pauses | undefined;
  readonly supervision?: Supervised | undefined;
  readonly registration?: Registered | undefined;
  /** Called when the command runs, with the container's first process; throws when it must not run. */
  readonly runs?: ((pid: number) => void) | undefined;
}

/** Stops before every step: --step. */
export interface Pauses {
  /**
   * Returns when the step is to be done.
   * @param known process IDs and descriptors of the stage that does it
   * @throws Failure when the launch is given up
   */
  before(
    step: string,
    evidence: Evidence,
    handOver: ProcessHandOver,
    log: Log,
    known?: Readonly<Record<string, number>>,
  ): Promise<void>;
  done(result: StepResult): void;
  /** Leaves the terminal as it was found. */
  release(): void;
}

/** Hears that the launch begins and that the command runs: --timeout, --pid-file, --status-fd, --die-with-parent. */
interface Supervised {
  begin(kernel: Recorder): void;
  /** @param pass sends a signal to the command */
  started(pid: number, pass: (signal: NodeJS.Signals) => void): void;
}

/** Writes down for other terminals how far the launch is. */
interface Registered {
  /** @param pid the process that is being set up */
  done(step: string, pid: number): void;
  ended(status: number): void;
}
