/**
 * A process of one thread that puts the caller's terminal in order when this one is killed and cannot. It waits until
 * nobody else has a pipe open for writing, and so for the end of this process, whatever ends it.
 *
 * It has a process group of its own, so that what is sent to this one's does not end it too. Signals are blocked in it,
 * SIGTTOU among them, so the kernel lets it set the terminal from the background as well (tcsetattr(3), tcsetpgrp(3)).
 */
import { readSync, writeSync } from 'node:fs';
import { type ChainCall, memory } from '../../common/kernel/calls.js';
import type { Kernel, Running } from '../../common/kernel/kernel.js';
import { drop, pipe } from '../../common/kernel/pipe.js';
import { endChild } from '../../common/kernel/processes.js';
import { shownModes } from '../../common/kernel/terminal-modes.js';
import { execStep } from '../../common/steps/command.js';

const step = execStep.id;

/**
 * The modes that the terminal behind standard input is to have again. A shell that sets modes of its own, as those with
 * line editing do, puts the terminal in order by itself; others do not.
 */
export const restoreModes = (modes: Buffer): ChainCall[] => [
  { step, call: 'ioctl', args: { fd: 0, request: 'TCSETS', argp: memory(modes, shownModes(modes)) } },
];

/**
 * The process group that is noted gets the terminal back. An interactive shell takes it by itself when its job has ended;
 * a script does not, and could not read from the terminal any more. Where none is noted the word stays 0, which is no
 * process group, and the kernel refuses it.
 */
export function restoreForeground(): ChainCall[] {
  const group = memory(Buffer.alloc(4), 'the process group that is noted');
  return [
    { step, call: 'read', args: { fd: 1, buf: group, count: 4 } },
    { step, call: 'ioctl', args: { fd: 0, request: 'TIOCSPGRP', argp: group } },
  ];
}

export class TerminalKeeper {
  private readonly running: Running;
  /** The pipe: what it is to know lies in it. */
  private readonly ends: readonly [read: number, write: number];
  private noted = false;

  /** @param restore what it does with the terminal, which is its descriptor 0; the pipe is its descriptor 1 */
  constructor(
    private readonly kernel: Kernel,
    restore: readonly ChainCall[],
  ) {
    kernel.step = step;
    this.ends = pipe(kernel, 'keeper');
    const [read, write] = this.ends;
    // Asked for nothing, poll(2) returns when the last writer has gone.
    const pollfd = Buffer.alloc(8);
    pollfd.writeInt32LE(1, 0);
    this.running = kernel.clone({
      actor: 'keeper',
      calls: [
        { step, call: 'setpgid', args: { pid: 0, pgid: 0 } },
        { step, call: 'close', args: { fd: write } },
        { step, call: 'dup2', args: { oldfd: read, newfd: 1 } },
        { step, call: 'close_range', args: { first: 2, last: 'UINT_MAX', flags: 0 } },
        { step, call: 'poll', args: { fds: memory(pollfd, { fd: 1, events: 0 }), nfds: 1, timeout: -1 } },
        ...restore,
        { step, call: '_exit', args: { status: 0 } },
      ],
    });
  }

  get pid(): number {
    return this.running.pid;
  }

  /** Notes which process group is to get the terminal back, or that none is to. */
  note(group: number | undefined): void {
    const word = Buffer.alloc(4);
    if (this.noted) readSync(this.ends[0], word);
    this.noted = group !== undefined;
    if (group === undefined) return;
    word.writeInt32LE(group);
    writeSync(this.ends[1], word);
  }

  /** It is not needed any more. */
  end(): void {
    endChild(this.pid);
    this.running.record();
    this.running.release();
    drop(this.kernel, ...this.ends);
  }
}
