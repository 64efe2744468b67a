import { closeSync, openSync } from 'node:fs';
import { memory } from '../kernel/calls.js';
import { type CallRecord, type Kernel, makeCall } from '../kernel/kernel.js';
import { limitCalls } from '../resource-limits.js';
import type { LaunchSpec, Watch } from '../spec.js';
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
    /** Called when everything is ready but the filter, which `install` installs; returns when execve(2) may be called. */
    private readonly whenReady: (listener?: ListenerPlace, install?: () => void) => void,
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

  /**
   * Once there is a filter, a call of this thread that it names waits for an answer, and V8 makes some of its own accord,
   * as getpid(2). So the launcher is told before where the listener will be, and takes it whatever this thread waits for.
   */
  private beWatched(watch: Watch): void {
    const descriptor = keepNumber();
    this.whenReady({ pid: this.pid, descriptor }, () => {
      closeSync(descriptor);
      try {
        makeCall(this.kernel, installFilter(execStep.id, watch));
      } catch (error) {
        // What is there instead says that none will come.
        keepNumber();
        throw error;
      }
    });
  }

  execute(): void {
    const { path: pathname, spec } = this;
    if (spec.watch === undefined) this.whenReady();
    else this.beWatched(spec.watch);
    try {
      const { blockedSignals } = spec.inherited;
      const args = { pathname, argv: spec.command, envp: commandEnvironment(spec) };
      this.kernel.execute(args, { blocked: blockedSignals, before: this.lastCalls() }, this.foretold);
    } catch (error) {
      throw notExecutable(pathname, spec, error as Error);
    }
  }
}

/** Takes the lowest number that is free, which is what the next descriptor gets once this one is closed: open(2). */
const keepNumber = (): number => openSync('/', 'r');
