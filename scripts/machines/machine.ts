/** What a machine is to the tests, whether it is a container or a virtual machine. */
import type { Processor } from './debian.js';

export interface Machine {
  readonly name: string;
  readonly what: string;
  /** Where it is not that of the host. */
  readonly processor?: Processor;
  /** Programs of the host, and Debian's packages of them. */
  readonly needs: Readonly<Record<string, string>>;
  /** Launches that fail at first, by who runs them; every other one works. */
  readonly fails: Readonly<Record<User, readonly string[]>>;
  /** What is said there: a piece of the message of a launch that fails, or of the doctor's fix of a line. */
  readonly says?: Readonly<Record<string, string>>;
  /** Whether /proc is partly covered at first. */
  readonly coversProc: boolean;
  /** Whether the doctor's fixes are options of what starts the machine: then it is started again with them. */
  readonly fixedByOptions: boolean;
  /** The doctor's lines whose fixes are commands: they are run as root, as if they had been pasted. */
  readonly fixedByCommands: Readonly<Record<User, readonly string[]>>;
  /** Launches that fail once the doctor's fixes are done. */
  readonly failsAfterwards: Readonly<Record<User, readonly string[]>>;
  /** What is set against launches, one after the other, and undone as the doctor says. */
  readonly obstacles: Readonly<Record<User, readonly Obstacle[]>>;
  /** The tests that are run on it, once the doctor's fixes are done: files or folders of the project. */
  readonly tests: readonly string[];
  /** The lessons that are untrue on it, by number, for whom they are not skipped; every other one is true or skipped. */
  readonly untrue?: readonly number[];
  /**
   * Makes it ready.
   * @param place a folder with what is needed inside
   */
  readonly prepare: (place: string) => Promise<Entrance>;
}

/** Something that a host may have set, which the doctor has to see, and its fix to undo. */
export interface Obstacle {
  /** A command for sh, which root runs. */
  readonly set: string;
  /** The launch of probe.js that fails then. */
  readonly launch: string;
  /** The doctor's line that says so, and what to do. */
  readonly line: string;
  /** Whether nothing but a new start of the machine undoes it. */
  readonly lasts?: boolean;
}

export type User = 'root' | 'user';

export interface Entrance {
  /** Where the contents of the place are seen inside. */
  readonly place: string;
  /**
   * Runs a command inside, as root.
   * @param options further options of what starts the machine
   * @throws Error where that takes longer than so many seconds
   */
  readonly run: (words: readonly string[], options: readonly string[], seconds: number) => Promise<Ran>;
  /** Words in front of a command that is to be run by the ordinary user; setpriv(1) where there is nothing better. */
  readonly ordinary?: readonly string[];
  readonly leave?: () => Promise<void>;
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
