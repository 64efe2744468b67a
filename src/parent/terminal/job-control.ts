/**
 * The terminal, job control included (credentials(7), setpgid(2)). When the launcher is the terminal's foreground job,
 * the command becomes a job of its own with the terminal, as if a shell had started it; the launcher takes the terminal
 * back when the command stops or ends. In a pipeline or in the background it stays in the launcher's process group.
 */
import type { Kernel } from '../../common/kernel/kernel.js';
import { giveTerminal, isTerminal } from '../../common/kernel/processes.js';
import { processStat } from '../../common/process-files.js';
import type { LaunchSpec } from '../../common/spec.js';
import { restoreForeground, TerminalKeeper } from './terminal-keeper.js';

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
  /** Gives the terminal back if this process is killed. */
  private keeping: TerminalKeeper | undefined;

  constructor(
    private readonly use: LaunchSpec['terminal'],
    private readonly kernel: Kernel,
  ) {}

  /** The process that gives the terminal back if this one is killed. */
  get keeper(): number | undefined {
    return this.keeping?.pid;
  }

  /** The command has been given the terminal: remembers which process group that is, and whose it was. */
  given(): void {
    const { own, foreground } = processGroups();
    this.commandGroup = foreground;
    if (this.use !== 'foreground') return;
    this.keeping = new TerminalKeeper(this.kernel, restoreForeground());
    this.keeping.note(own);
  }

  /** Everything is over: the terminal is this process group's again. */
  end(): void {
    this.takeBack();
    this.kernel.step = ''; // It belongs to none, as what is done before the first.
    this.keeping?.end();
    this.keeping = undefined;
  }

  /** Lends the terminal to `work` while the command's process, which may have it already, waits. */
  async lend<Result>(work: () => Promise<Result>): Promise<Result> {
    const { own, foreground } = processGroups();
    if (this.use !== 'foreground' || foreground === own) return work();
    giveTerminal(own);
    try {
      return await work();
    } finally {
      giveTerminal(foreground);
    }
  }

  /** Takes the terminal back if it is still the command's, or nobody's. */
  private takeBack(): void {
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
      // From here on it is the shell's.
      this.keeping?.note(undefined);
      // Returns after SIGCONT; at once where no shell could continue us (an orphaned process group is not stopped).
      process.kill(0, 'SIGTSTP');
    }
    const { own, foreground } = processGroups();
    if (own === foreground) this.keeping?.note(own);
    return own === foreground;
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
