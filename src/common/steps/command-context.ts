/** What the steps around the command work with: its process and its terminal. */
import type { StepContext } from '../step.js';
import type { OpenLayers } from './overlay-layers.js';

/** The pseudo-terminal of the command. */
export interface TerminalOfCommand {
  /** `/dev/pts/0`; empty before it is open. */
  readonly path: string;
  /** Opens it, and hands its master to the parent. */
  open(): void;
}

/** Where the launcher finds the other end of the filter by which a command is watched. */
export interface ListenerPlace {
  /** The command's process, as it is numbered where it is told. */
  readonly pid: number;
  readonly descriptor: number;
}

/** The process that becomes the command: one of its own (command-process.ts), or this one (command-as-pid-1.ts). */
export interface CommandProcess {
  /** 0 before it is made. */
  readonly pid: number;
  /** The path of the program, found inside. */
  readonly path: string;
  /** What a rehearsal has only names for (kernel/rehearsal.ts), once it is there. */
  readonly known: Readonly<Record<string, number>>;
  /**
   * Makes the process, and does in it everything that comes before execve(2).
   * @param terminal the path of the terminal of its own, where it gets one
   */
  make(terminal: string): void;
  /** Has it call execve(2), and returns when that has succeeded. @throws Failure or KernelError when it has failed */
  execute(): void;
}

/** The control groups of the container, which only the launcher may reach. */
interface GroupOfCommand {
  /** Has the launcher put a process into them, and returns when it is there. */
  enter(pid: number): void;
}

/** The layers of the container's overlays, which the launcher keeps hold of. */
interface OverlaysOfContainer {
  /** Has the launcher open these, and returns when it has. */
  readonly handOut: (layers: OpenLayers) => void;
}

export interface CommandContext extends StepContext {
  readonly overlays: OverlaysOfContainer;
  readonly command: CommandProcess;
  readonly terminal: TerminalOfCommand;
  readonly group: GroupOfCommand;
}
