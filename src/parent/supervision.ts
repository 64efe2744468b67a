/**
 * For whoever starts gontainer from a program: who the container is (--pid-file, --status-fd), how it ended, and an end
 * to it when its time is up (--timeout).
 */
import { fstatSync, readlinkSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { namespaceIds } from '../common/evidence.js';
import { Failure, usageFailure } from '../common/failure.js';
import type { Values } from './command.js';

/** Milliseconds between SIGTERM and SIGKILL, for a command that wants to put things in order. */
const grace = 2_000;

/** setTimeout takes 31 bits of milliseconds. */
const longestTimeout = 2_000_000;

export class Supervision {
  private readonly pidFile: string | undefined;
  private readonly statusDescriptor: number | undefined;
  private readonly timeout: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private hasStarted = false;

  /** @throws Failure with status 2 for values that cannot be carried out */
  constructor({ options }: Values) {
    this.pidFile = options['pid-file'] as string | undefined;
    this.statusDescriptor = options['status-fd'] as number | undefined;
    this.timeout = options.timeout as number | undefined;
    if (this.timeout !== undefined && (this.timeout < 1 || this.timeout > longestTimeout))
      throw usageFailure(`-timeout is 1 to ${longestTimeout} seconds, not ${this.timeout}`);
    if (this.statusDescriptor !== undefined) checkDescriptor(this.statusDescriptor);
  }

  /**
   * The command is about to run.
   * @param child the container's first process, as it is numbered here
   * @param signal passes a signal to the command
   */
  started(child: number, signal: (signal: NodeJS.Signals) => void): void {
    this.hasStarted = true;
    if (this.pidFile !== undefined) this.write(this.pidFile, `${child}\n`);
    this.tell({ state: 'started', pid: child, namespaces: namespaceIds(child) });
    if (this.timeout === undefined) return;
    this.timer = setTimeout(() => {
      signal('SIGTERM');
      this.timer = setTimeout(() => signal('SIGKILL'), grace);
    }, this.timeout * 1000);
  }

  /** gontainer ends with this status. */
  ended(status: number): void {
    clearTimeout(this.timer);
    if (this.hasStarted && this.pidFile !== undefined) rmSync(this.pidFile, { force: true });
    this.tell({ state: 'exited', status });
  }

  private write(path: string, text: string): void {
    try {
      writeFileSync(path, text);
    } catch (cause) {
      throw new Failure(`-pid-file=${path} cannot be written (${(cause as NodeJS.ErrnoException).code})`, {
        next: 'Choose a file in a folder that is there and yours.',
        cause,
      });
    }
  }

  /** One JSON document a line. A reader that went away is no reason to end the container. */
  private tell(change: Readonly<Record<string, unknown>>): void {
    if (this.statusDescriptor === undefined) return;
    try {
      writeSync(this.statusDescriptor, `${JSON.stringify(change)}\n`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
  }
}

/** The descriptor has to be the caller's: Node's own are anonymous, and those are no place for a report. */
function checkDescriptor(descriptor: number): void {
  let file: string | undefined;
  try {
    fstatSync(descriptor);
    file = readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // Not open: said below.
  }
  if (file === undefined || file.startsWith('anon_inode:')) {
    throw usageFailure(
      `-status-fd=${descriptor} is not an open file descriptor`,
      `In a shell: gontainer -run … -status-fd=${descriptor} ${descriptor}>status`,
    );
  }
}
