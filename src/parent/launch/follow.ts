import { statusOfSignal } from '../../common/failure.js';
import { giveTerminal, type ProcessChange, signalNumber } from '../../common/kernel/processes.js';
import type { LaunchSpec } from '../../common/spec.js';
import type { JobControl } from '../terminal/job-control.js';
import { KeyWitness } from '../terminal/key-witness.js';
import type { SignalRelay } from './signal-relay.js';

/** A command that is this process's own child. */
export interface OwnCommand {
  /** Looks, without waiting, what has become of it; undefined when it runs on as before. */
  change(): ProcessChange | undefined;
  /** Sends it a signal. */
  signal(signal: NodeJS.Signals): void;
}

/**
 * Until such a command has ended: passes on signals, and stops and goes on with it.
 * @param pid its process ID, which is that of its process group too where it has the terminal
 */
export function follow(
  command: OwnCommand,
  pid: number,
  use: LaunchSpec['terminal'],
  job: JobControl,
  signals: SignalRelay,
): Promise<ProcessChange> {
  let witness = job.sharesKeys() ? new KeyWitness() : undefined;
  signals.passTo((signal) => {
    // One that came to the whole process group comes to the witness too, perhaps a little later.
    setImmediate(() => {
      if (witness?.saw(signal) !== true) command.signal(signal);
    });
  }, use);
  return new Promise((done, failed) => {
    const look = (): void => {
      try {
        for (let change = command.change(); change !== undefined; change = command.change()) {
          if (change.stoppedBy === undefined) {
            end();
            done(change);
            return;
          }
          const foreground = job.stop(change.stoppedBy);
          if (foreground === undefined) continue;
          if (foreground) giveTerminal(pid);
          process.kill(use === 'foreground' ? -pid : pid, 'SIGCONT');
        }
      } catch (error) {
        end();
        failed(error);
      }
    };
    // A listener for a signal does not keep Node running; something has to.
    const alive = setInterval(() => {}, 2 ** 30);
    const end = (): void => {
      process.off('SIGCHLD', look);
      signals.passTo(() => {}, use);
      witness?.end();
      witness = undefined;
      clearInterval(alive);
    };
    process.on('SIGCHLD', look);
    // It may have ended before that.
    look();
  });
}

/** The exit status that says how a process ended: its own, or 128+N after signal N. */
export const statusOf = ({ status = 0, killedBy }: ProcessChange): number =>
  killedBy === undefined ? status : statusOfSignal(signalNumber(killedBy));
