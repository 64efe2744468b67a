/** What a launch has beside it, where it was asked for. The launch knows no more of each than stands here. */
import type { Evidence, StepResult } from '../../common/step.js';
import type { Log } from '../log/log.js';
import type { Registration } from '../state/registration.js';
import type { WindowSizes } from '../terminal/window-sizes.js';
import type { Watcher } from '../watch/watcher.js';
import type { FinalChanges } from './final-changes.js';
import type { ProcessHandOver } from './process-hand-over.js';
import type { Supervision } from './supervision.js';

export interface Companions {
  readonly walk?: StepPauses | undefined;
  /** --timeout, --pid-file, --status-fd, --die-with-parent. */
  readonly supervision?: Pick<Supervision, 'begin' | 'started' | 'used'> | undefined;
  /** Writes down for other terminals how far the launch is. */
  readonly registration?:
    | Pick<Registration, 'done' | 'made' | 'placed' | 'grouped' | 'layered' | 'ended' | 'writeStep'>
    | undefined;
  /** The sizes of the command's own terminal, where they come from elsewhere: --window, --window-fd. */
  readonly sizes?: WindowSizes | undefined;
  /** --watch: answers the command's calls. */
  readonly watcher?: Pick<Watcher, 'take' | 'broken' | 'end' | 'holdsStart' | 'refusedStart'> | undefined;
  /** --changes-fd: tells what was changed in the overlays. */
  readonly changes?: Pick<FinalChanges, 'write'> | undefined;
  /** --watch --step: stops at the command's calls. */
  readonly calls?: CallPauses | undefined;
  /** Called when the command runs, with the container's first process; throws when it must not run. */
  readonly runs?: ((pid: number) => void) | undefined;
}

/** Stops at every call that is watched: --watch --step. */
export interface CallPauses {
  /**
   * The command is about to be executed.
   * @param lend gives the caller's terminal to what is done meanwhile
   */
  attach(lend: <Result>(work: () => Promise<Result>) => Promise<Result>, handOver: ProcessHandOver): void;
}

/** Stops before every step: --step. */
export interface StepPauses {
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
  /** @param summary the one change that shows it */
  done(result: StepResult, summary: string): void;
  /** Leaves the terminal as it was found. */
  release(): void;
}
