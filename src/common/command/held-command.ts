import { Failure, nextAfterKill } from '../failure.js';
import { memory } from '../kernel/calls.js';
import type { Kernel, Running } from '../kernel/kernel.js';
import { KernelError } from '../kernel/kernel-error.js';
import { drop, pipe } from '../kernel/pipe.js';
import { type LaunchSpec, unshares } from '../spec.js';
import { commandChain, commandStep, hiddenCommand, listenerDescriptor } from '../steps/command.js';
import type { CommandProcess, ListenerPlace } from '../steps/command-context.js';
import { commandEnvironment, commandPath, notExecutable } from './command-program.js';

/** The command as the child makes it: a process that runs a call chain up to execve(2) (steps/command.ts). */
export class HeldCommand implements CommandProcess {
  pid = 0;
  private process: Running | undefined;
  private report = -1;
  private gate = -1;
  /** What a rehearsal has only names for (kernel/rehearsal.ts), once it is there. */
  known: Readonly<Record<string, number>> = {};

  constructor(
    private readonly spec: LaunchSpec,
    private readonly kernel: Kernel,
    /** Called when the process stands ready; returns when it may go on. */
    private readonly whenReady: (listener?: ListenerPlace) => void,
    /** Where the command's root is, seen from this process. */
    private readonly root = '/',
  ) {}

  get path(): string {
    return commandPath(this.spec, this.root);
  }

  make(terminal: string): void {
    if (!unshares(this.spec, 'pid')) this.adoptOrphans();
    const [readyRead, readyWrite] = pipe(this.kernel, 'ready');
    const [reportRead, reportWrite] = pipe(this.kernel, 'report');
    const [gateRead, gateWrite] = pipe(this.kernel, 'gate');
    const gate = { open: gateWrite, ready: readyWrite, report: reportWrite, wait: gateRead };
    const environment = commandEnvironment(this.spec);
    const chain = commandChain(this.spec, this.path, environment, gate, terminal);
    const calls = [...hiddenCommand(commandStep.id, this.spec), ...chain.calls];
    this.process = this.kernel.clone({ ...chain, calls });
    this.pid = this.process.pid;
    this.report = reportRead;
    this.gate = gateWrite;
    this.known = { 'report[0]': reportRead, 'gate[1]': gateWrite };
    // Only the new process may hold these ends, or its end would never be seen.
    for (const fd of [readyWrite, reportWrite, gateRead]) this.kernel.call('close', { fd });
    const word = memory(Buffer.alloc(8), 'ready');
    const ready = this.kernel.call('read', { fd: readyRead, buf: word, count: 5 });
    drop(this.kernel, readyRead);
    this.process.record();
    this.process.throwFailure();
    if (ready === 0) {
      throw new Failure('step command: the process for the command was killed before it could start', {
        next: nextAfterKill(),
      });
    }
  }

  /**
   * Without a PID namespace the kernel ends nothing with this process. It becomes the parent of every orphan below it
   * (PR_SET_CHILD_SUBREAPER(2const)), and lives on when the parent dies, which it learns by end-of-file on the channel:
   * long enough to end what is left.
   */
  private adoptOrphans(): void {
    for (const [option, arg2] of [
      ['PR_SET_CHILD_SUBREAPER', 1],
      ['PR_SET_PDEATHSIG', 0],
    ] as const) {
      this.kernel.call('prctl', { option, arg2, arg3: 0, arg4: 0, arg5: 0 });
    }
  }

  execute(): void {
    this.whenReady(this.spec.watch && { pid: this.pid, descriptor: listenerDescriptor });
    this.open();
    // execve(2) closes the other end when it succeeds.
    const word = memory(Buffer.alloc(4), 'errno of execve, or end-of-file', 'end-of-file');
    const failed = this.kernel.call('read', { fd: this.report, buf: word, count: 4 }) > 0;
    // After its report it ends; then what it did is complete.
    if (failed) this.kernel.wait(this.pid);
    this.process?.record(failed ? [] : ['command']);
    drop(this.kernel, this.gate, this.report);
    try {
      this.process?.throwFailure();
    } catch (error) {
      if (error instanceof KernelError && error.data.call !== 'execve') throw error;
      throw notExecutable(this.path, this.spec, error as Error);
    }
    if (failed) throw new Failure('step exec: execve(2) returned, which it does only when it fails');
    this.process?.release();
  }

  /** Gives the process the byte that its path lacks. */
  private open(): void {
    try {
      this.kernel.call('write', { fd: this.gate, buf: memory(Buffer.from('/'), '/'), count: 1 });
    } catch (error) {
      // It does not wait any more: the reason is its own failure.
      this.process?.record();
      this.process?.throwFailure();
      throw error;
    }
  }
}
