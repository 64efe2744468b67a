/**
 * What the child does while the command runs: it is the init of the container. In a PID namespace every process that
 * loses its parent becomes the child of PID 1 (pid_namespaces(7)), which has to wait for it.
 */
import { statusOfSignal } from '../common/failure.js';
import { systemCallError } from '../common/kernel/kernel-error.js';
import {
  endChildren,
  exitNow,
  giveTerminal,
  signalNumber,
  waitForProcess,
} from '../common/kernel/processes.js';
import { type LaunchSpec, unshares } from '../common/spec.js';
import { type ChildChannel, failureData } from './child-channel.js';

/** Signals that end a process unless it handles them: the parent passes them on over the channel instead. */
const forwarded: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];

export class Init {
  /** How many of each came: in a shared process group the terminal sends them to parent, child and command at once. */
  private readonly received = new Map<NodeJS.Signals, number>();
  private reap = (): void => {};

  /** From here on the signals of the terminal do not end this process. */
  constructor() {
    const { received } = this;
    for (const signal of forwarded)
      process.on(signal, () => received.set(signal, (received.get(signal) ?? 0) + 1));
  }

  /** Has Node listen for the end of children. Called while this process has to wait in any case: it takes a while. */
  listen(): void {
    process.on('SIGCHLD', () => this.reap());
  }

  /** Reaps and forwards until the command ends, then ends this process with its status. */
  serve(command: number, spec: LaunchSpec, channel: ChildChannel): void {
    const reap = (): void => {
      for (let change = waitForProcess(-1, false); change !== undefined; change = waitForProcess(-1, false)) {
        if (change.pid !== command) continue;
        if (change.stoppedBy !== undefined) {
          channel.tell({ type: 'stopped', signal: change.stoppedBy });
        } else {
          const status =
            change.killedBy === undefined
              ? (change.status ?? 0)
              : statusOfSignal(signalNumber(change.killedBy));
          channel.tell({ type: 'ended', status, ...(change.killedBy && { signal: change.killedBy }) });
          end(status);
        }
      }
    };

    /** The rest of the container ends with its command: in a PID namespace by the kernel's doing, else by ours. */
    const end = (status: number): never => {
      if (!unshares(spec, 'pid')) endChildren();
      return exitNow(status);
    };

    const forward = (signal: NodeJS.Signals): void => {
      const here = this.received.get(signal) ?? 0;
      this.received.set(signal, Math.max(0, here - 1));
      // What reached this process too was sent to the whole group, the command included.
      if (here === 0) send(command, signal);
    };

    /** Without waitpid(2) the end of the command would never be seen: better none of it goes on. */
    this.reap = (): void => {
      try {
        reap();
      } catch (error) {
        const failure = failureData(systemCallError(error as Error, 'exec') ?? (error as Error));
        channel.tell({ type: 'failure', failure });
        end(failure.status);
      }
    };

    // A command that has ended already needs none of what follows.
    this.reap();
    channel.listen(
      (message) => {
        if (message.type === 'signal') {
          // A signal of the terminal is handled here in the same turn as the message about it; let it come first.
          setImmediate(() => setImmediate(() => forward(message.signal)));
        } else if (message.type === 'resume') {
          if (message.foreground) giveTerminal(command);
          send(spec.terminal === 'foreground' ? -command : command, 'SIGCONT');
        }
      },
      () => end(statusOfSignal(signalNumber('SIGKILL'))),
    );
  }
}

function send(to: number, signal: NodeJS.Signals): void {
  try {
    process.kill(to, signal);
  } catch {
    // It ended in this moment; reaping says so.
  }
}
