/**
 * A process of one thread that puts the caller's terminal in order when this one is killed and cannot. It waits for the
 * end of a pipe that nobody else holds, and so for the end of this process, whatever ends it.
 *
 * Signals are blocked in it, SIGTTOU among them, so the kernel lets it set the modes also when a shell has taken the
 * terminal back meanwhile (tcsetattr(3)). A shell that sets modes of its own, as those with line editing do, puts the
 * terminal in order by itself; others do not.
 */
import { memory } from '../../common/kernel/calls.js';
import type { Kernel, Running } from '../../common/kernel/kernel.js';
import { drop, pipe } from '../../common/kernel/pipe.js';
import { endChild } from '../../common/kernel/processes.js';
import { shownModes } from '../../common/kernel/terminal-modes.js';
import { execStep } from '../../common/steps/command.js';

export class TerminalKeeper {
  private readonly running: Running;
  private readonly held: number;

  /** @param modes what the terminal behind standard input is to have again */
  constructor(
    private readonly kernel: Kernel,
    modes: Buffer,
  ) {
    const step = execStep.id;
    const [read, write] = pipe(kernel, 'keeper');
    this.held = write;
    const end = memory(Buffer.alloc(8), 'end-of-file', 'end-of-file');
    this.running = kernel.clone({
      actor: 'keeper',
      calls: [
        { step, call: 'close', args: { fd: write } },
        { step, call: 'dup2', args: { oldfd: read, newfd: 1 } },
        { step, call: 'close_range', args: { first: 2, last: 'UINT_MAX', flags: 0 } },
        { step, call: 'read', args: { fd: 1, buf: end, count: 1 } },
        {
          step,
          call: 'ioctl',
          args: { fd: 0, request: 'TCSETS', argp: memory(modes, shownModes(modes)) },
        },
        { step, call: '_exit', args: { status: 0 } },
      ],
    });
    kernel.call('close', { fd: read });
  }

  get pid(): number {
    return this.running.pid;
  }

  /** It is not needed any more. */
  end(): void {
    endChild(this.pid);
    this.running.record();
    this.running.release();
    drop(this.kernel, this.held);
  }
}
