/**
 * For whoever starts gontainer from a program: who the container is (--pid-file, --status-fd), how it ended, and an end
 * to it when its time is up (--timeout).
 */
import { lstatSync, rmSync, writeFileSync } from 'node:fs';
import type { Usage } from '../../common/cgroup/usage.js';
import { defined } from '../../common/defined.js';
import { namespaceIds } from '../../common/evidence.js';
import { Failure, usageFailure } from '../../common/failure.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import { errnoWords } from '../../common/kernel/kernel-error.js';
import { grace, wrongTimeLimit } from '../../common/time-limit.js';
import type { HeldOverlay } from '../changes/layers.js';
import { checkDescriptor } from '../command-line/descriptor-option.js';
import type { Values } from '../command-line/subcommand.js';
import { ownIdentity } from '../state/process-identity.js';
import { tell } from './status-descriptor.js';

export class Supervision {
  private readonly pidFile: string | undefined;
  private readonly statusDescriptor: number | undefined;
  private readonly timeout: number | undefined;
  private readonly diesWithParent: boolean;
  private readonly stopSignal: NodeJS.Signals;
  private timer: NodeJS.Timeout | undefined;
  private hasPidFile = false;
  private timedOut = false;
  private usage: Usage | undefined;
  private limit: 'memory' | undefined;

  /**
   * @param stopSignal what ends the command in order
   * @throws Failure with status 2 for values that cannot be carried out
   */
  constructor({ options }: Values, stopSignal: NodeJS.Signals = 'SIGTERM') {
    this.stopSignal = stopSignal;
    this.pidFile = options['pid-file'] as string | undefined;
    this.statusDescriptor = options['status-fd'] as number | undefined;
    this.timeout = options.timeout as number | undefined;
    this.diesWithParent = options['die-with-parent'] === true;
    const wrong = this.timeout === undefined ? undefined : wrongTimeLimit(this.timeout);
    if (wrong !== undefined) throw usageFailure(`--timeout ${wrong}`);
    if (this.statusDescriptor !== undefined) checkDescriptor('status-fd', this.statusDescriptor);
  }

  /** Before the first step. The signal comes when the thread ends that made this process: PR_SET_PDEATHSIG(2const). */
  begin(kernel: Kernel): void {
    if (this.diesWithParent)
      kernel.call('prctl', { option: 'PR_SET_PDEATHSIG', arg2: 'SIGKILL', arg3: 0, arg4: 0, arg5: 0 });
  }

  /**
   * The command is about to run.
   * @param child the container's first process, as it is numbered here
   * @param overlays the container's, whose changes can be listed
   * @param signal passes a signal to the command
   * @param end ends the container from the host
   */
  started(
    child: number,
    overlays: readonly HeldOverlay[],
    signal: (signal: NodeJS.Signals) => void,
    end: () => void,
  ): void {
    if (this.pidFile !== undefined) this.write(this.pidFile, `${child}\n`);
    if (this.statusDescriptor !== undefined)
      tell(this.statusDescriptor, {
        state: 'started',
        pid: child,
        namespaces: namespaceIds(child),
        ...(overlays.length > 0 && { launcher: ownIdentity(), overlays }),
      });
    if (this.timeout === undefined) return;
    this.timer = setTimeout(() => {
      this.timedOut = true;
      signal(this.stopSignal);
      this.timer = setTimeout(end, grace);
    }, this.timeout * 1000);
  }

  /** What the container has used, where it has limits, and which of them has ended it. */
  used(usage: Usage | undefined, limit: 'memory' | undefined): void {
    this.usage = usage;
    this.limit = limit;
  }

  /** The command has ended with this status. */
  ended(status: number): void {
    if (this.statusDescriptor !== undefined)
      tell(this.statusDescriptor, {
        state: 'exited',
        status,
        ...defined({ reason: this.timedOut ? 'timeout' : this.limit, usage: this.usage }),
      });
  }

  /** The container is gone, however it ended. */
  release(): void {
    clearTimeout(this.timer);
    // Not a device, or what somebody else has put in its place.
    if (this.hasPidFile && this.pidFile !== undefined && isFile(this.pidFile))
      rmSync(this.pidFile, { force: true });
  }

  private write(path: string, text: string): void {
    try {
      writeFileSync(path, text);
      this.hasPidFile = true;
    } catch (cause) {
      throw new Failure(`--pid-file=${path} cannot be written: ${errnoWords(cause)}`, {
        next: 'Choose a file in a folder that exists and is yours.',
        cause,
      });
    }
  }
}

const isFile = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
