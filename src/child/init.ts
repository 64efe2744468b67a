/**
 * What the child does while the command runs: it is the init of the container. In a PID namespace every process that
 * loses its parent becomes the child of PID 1 (pid_namespaces(7)), which has to wait for it.
 */
import { defined } from '../common/defined.js';
import { statusOfSignal } from '../common/failure.js';
import { failureData } from '../common/failure-data.js';
import { systemCallError } from '../common/kernel/kernel-error.js';
import { restSoon } from '../common/kernel/memory-at-rest.js';
import {
  endChildren,
  exitNow,
  giveTerminal,
  signalName,
  signalNumber,
  waitForProcess,
} from '../common/kernel/processes.js';
import { onNumberedSignals } from '../common/numbered-signals.js';
import { endingSignals, otherPassedSignals } from '../common/passed-signals.js';
import { type LaunchSpec, unshares } from '../common/spec.js';
import type { ChildChannel } from './child-channel.js';

export class Init {
  /** How many of each came: in a shared process group the terminal sends them to parent, child and command at once. */
  private readonly received = new Map<NodeJS.Signals, number>();
  private onChildEnd = (): void => {};

  /** From here on the signals of the terminal do not end this process. */
  constructor() {
    for (const signal of endingSignals) process.on(signal, this.note);
  }

  private readonly note = (signal: NodeJS.Signals): void => {
    this.received.set(signal, (this.received.get(signal) ?? 0) + 1);
  };

  /**
   * The same for all others, and for the end of children. Called before the command runs, while this process has to wait
   * in any case: each handler takes a while.
   */
  listen(): void {
    for (const signal of otherPassedSignals) process.on(signal, this.note);
    process.on('SIGCHLD', () => this.onChildEnd());
  }

  /**
   * Reaps and forwards until the command ends, then ends this process with its status.
   * @param command its process ID; 0 where there is none, and this process ends with its parent
   */
  serve(command: number, spec: LaunchSpec, channel: ChildChannel): void {
    /** The rest of the container ends with its command: in a PID namespace by the kernel's doing, else by ours. */
    const end = (status: number): never => {
      if (!unshares(spec, 'pid')) endChildren();
      return exitNow(status);
    };
    /** Without waitpid(2) the end of the command would never be seen: better none of it goes on. */
    const reap = (): void => {
      try {
        reapChildren(command, channel, end);
      } catch (error) {
        const failure = failureData(systemCallError(error as Error, 'exec') ?? (error as Error));
        channel.tell({ type: 'failure', failure });
        end(failure.status);
      }
    };
    this.onChildEnd = reap;
    // A command that has ended already needs none of what follows.
    reap();
    // PID 1 gets none of them that it has no handler for (pid_namespaces(7)).
    if (!unshares(spec, 'pid')) onNumberedSignals((number) => this.note(signalName(number)), []);
    restSoon();
    channel.listen(
      (message) => {
        if (message.type === 'signal') {
          // A signal of the terminal is handled here in the same turn as the message about it; let it come first.
          setImmediate(() =>
            setImmediate(() => {
              this.forward(message.signal, command, spec.terminal === 'shared');
              channel.tell({ type: 'passed', number: message.number });
            }),
          );
        } else if (message.type === 'resume') {
          if (message.foreground) giveTerminal(command);
          send(spec.terminal === 'foreground' ? -command : command, 'SIGCONT');
        }
      },
      () => end(statusOfSignal(signalNumber('SIGKILL'))),
    );
  }

  /** @param shares whether the command is in the process group of this process */
  private forward(signal: NodeJS.Signals, command: number, shares: boolean): void {
    const received = this.received.get(signal) ?? 0;
    this.received.set(signal, Math.max(0, received - 1));
    if (command === 0) return;
    // What reached this process too was sent to its whole group, as a shell does to its job; so it is for the command's group.
    if (received === 0) send(command, signal);
    else if (!shares) send(-command, signal);
  }
}

/** Waits for every process that has ended, and tells the parent what has become of the command. */
function reapChildren(command: number, channel: ChildChannel, end: (status: number) => never): void {
  for (let change = waitForProcess(-1, false); change !== undefined; change = waitForProcess(-1, false)) {
    const { pid, stoppedBy, killedBy } = change;
    if (pid !== command) continue;
    if (stoppedBy !== undefined) {
      channel.tell({ type: 'stopped', signal: stoppedBy });
      continue;
    }
    const status = killedBy === undefined ? (change.status ?? 0) : statusOfSignal(signalNumber(killedBy));
    channel.tell({ type: 'ended', status, ...defined({ signal: killedBy }) });
    end(status);
  }
}

function send(to: number, signal: NodeJS.Signals): void {
  try {
    process.kill(to, signalNumber(signal));
  } catch {
    // It ended in this moment; reaping says so.
  }
}
