import { memory } from '../kernel/calls.js';
import { type CallRecord, type Kernel, makeCall } from '../kernel/kernel.js';
import { limitCalls } from '../resource-limits.js';
import type { LaunchSpec } from '../spec.js';
import { asPid1Step, commandCalls, execStep, hiddenCommand } from '../steps/command.js';
import type { CommandProcess, ListenerPlace } from '../steps/command-context.js';
import { installFilter } from '../steps/watch.js';
import { commandEnvironment, commandPath, notExecutable } from './command-program.js';

/**
 * The command with --as-pid-1: this process, the first in its PID namespace, becomes the command itself. The calls are
 * made here and not in a call chain, by the main thread; the other threads of Node end with execve(2).
 */
export class CommandAsPid1 implements CommandProcess {
  readonly known = {};
  readonly pid = process.pid;
  path = '';

  constructor(
    private readonly spec: LaunchSpec,
    private readonly kernel: Kernel,
    /** Called when everything is ready; returns when execve(2) may be called. */
    private readonly whenReady: (listener?: ListenerPlace) => void,
    /** Takes the record of execve(2) beforehand, as it will be if that succeeds. */
    private readonly foretold: (record: CallRecord) => void,
    /** Where the command's root is, seen from this process. */
    private readonly root = '/',
  ) {}

  make(terminal: string): void {
    this.path = commandPath(this.spec, this.root);
    const ownPid = Buffer.alloc(4);
    ownPid.writeInt32LE(1);
    const { id: step } = asPid1Step;
    for (const call of [
      ...hiddenCommand(step, this.spec),
      ...commandCalls(this.spec, step, memory(ownPid, 1), terminal, true),
    ])
      makeCall(this.kernel, call);
    // The channel to the parent, too: its end there says that execve(2) succeeded.
    this.kernel.call('close_range', { first: 3, last: 'UINT_MAX', flags: 'CLOSE_RANGE_CLOEXEC' });
  }

  /** Node itself could not go on with limits that are enough for the command. */
  private lastCalls() {
    return limitCalls(execStep.id, this.spec.ulimits);
  }

  execute(): void {
    const { path: pathname, spec } = this;
    // After it nothing opens a file here until somebody holds the listener, and would answer.
    this.whenReady(
      spec.watch && {
        pid: this.pid,
        descriptor: makeCall(this.kernel, installFilter(execStep.id, spec.watch)),
      },
    );
    try {
      const { blockedSignals } = spec.inherited;
      const args = { pathname, argv: spec.command, envp: commandEnvironment(spec) };
      this.kernel.execute(args, { blocked: blockedSignals, before: this.lastCalls() }, this.foretold);
    } catch (error) {
      throw notExecutable(pathname, spec, error as Error);
    }
  }
}
