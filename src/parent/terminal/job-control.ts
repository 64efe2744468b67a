/**
 * The terminal, job control included (credentials(7), setpgid(2)). When the launcher is the terminal's foreground job,
 * the command becomes a job of its own with the terminal, as if a shell had started it; the launcher takes the terminal
 * back when the command stops or ends. In a pipeline or in the background it stays in the launcher's process group.
 */
import { giveTerminal, isTerminal } from '../../common/kernel/processes.js';
import { processStat } from '../../common/process-files.js';
import type { LaunchSpec } from '../../common/spec.js';

/** The process group of this process, and the one that has the terminal. */
function processGroups(): { own: number; foreground: number } {
  const { group, foreground } = processStat('self');
  return { own: group, foreground };
}

/** Whether no other process group has the terminal: this one does, or it has no controlling terminal. */
export function hasTerminal(): boolean {
  const { own, foreground } = processGroups();
  return foreground === own || foreground === -1;
}

/** How a command started now should share the terminal. */
export function terminalUse(): LaunchSpec['terminal'] {
  const { own, foreground } = processGroups();
  return isTerminal(0) && isTerminal(1) && own === foreground ? 'foreground' : 'shared';
}

export class JobControl {
  private commandGroup = 0;

  constructor(private readonly use: LaunchSpec['terminal']) {}

  /** The command has been given the terminal: remembers which process group that is. */
  given(): void {
    this.commandGroup = processGroups().foreground;
  }

  /** Lends the terminal to `work` while the command's process, which may have it already, waits. */
  async lend(work: () => Promise<void>): Promise<void> {
    const { own, foreground } = processGroups();
    if (this.use !== 'foreground' || foreground === own) return work();
    giveTerminal(own);
    try {
      await work();
    } finally {
      giveTerminal(foreground);
    }
  }

  /** Takes the terminal back if it is still the command's, or nobody's. */
  takeBack(): void {
    if (this.use !== 'foreground') return;
    const { own, foreground } = processGroups();
    if (foreground !== own && (foreground === this.commandGroup || !exists(foreground))) giveTerminal(own);
  }

  /**
   * The command was stopped, by Ctrl-Z for example: stops this process group too, so that the shell behind it sees a
   * stopped job, and returns when the shell continues it.
   * @returns whether the command gets the terminal again; undefined when nothing is to be done
   */
  stop(signal: NodeJS.Signals): boolean | undefined {
    // In a shared process group the terminal stops the launcher, and the shell continues the command, without us; what
    // happens in a session of its own is none of this terminal's business.
    if (this.use !== 'foreground') return undefined;
    const wantsTerminal = signal === 'SIGTTIN' || signal === 'SIGTTOU';
    if (!wantsTerminal || !this.isForeground()) {
      this.takeBack();
      // Returns after SIGCONT; at once where no shell could continue us (an orphaned process group is not stopped).
      process.kill(0, 'SIGTSTP');
    }
    return this.isForeground();
  }

  /** Whether the command is in this process group, and both get the signals of a terminal's keys. */
  sharesKeys(): boolean {
    return this.use === 'shared' && processGroups().foreground !== -1;
  }

  /** Whether this process group has the terminal, and gets the signals of its keys. */
  isForeground(): boolean {
    const { own, foreground } = processGroups();
    return own === foreground;
  }
}

function exists(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
