/**
 * What steps ask the kernel through. Two things answer: the recorder (recorder.ts), which makes the calls and logs
 * them, and the rehearsal (rehearsal.ts), which only notes what would be called.
 */
import type { Arguments, CallName, Chain, ChainCall } from './calls.js';
import type { ProcessChange } from './processes.js';

/** One call in the log, as docs/log.md describes it. */
export interface CallRecord {
  /** Who made it: parent, P, G, child or command. */
  readonly actor: string;
  /** The process that made it, as it is numbered where it was recorded. */
  readonly pid: number;
  /** The step of the launch that it belongs to. */
  readonly step: string;
  readonly call: string;
  readonly args: Record<string, unknown>;
  readonly ret: number;
  /** The errno's name, on failure. */
  readonly errno?: string;
  /** Microseconds since the launch began. */
  readonly at: number;
  /** Microseconds that it took; absent for a call that does not return. */
  readonly us?: number;
}

/** A process that runs a call chain. */
export interface Running {
  readonly pid: number;
  /** The process ID of a chain cloned inside, 0 while there is none. */
  pidOf(actor: string): number;
  /** Records what has run since it was last asked. `executed` names actors whose execve is known to have succeeded. */
  record(executed?: readonly string[]): void;
  /** Throws the first failure among the calls recorded so far. */
  throwFailure(): void;
  release(): void;
}

/** How a process replaces its own program. */
export interface Execution {
  /** The signals that the program starts with blocked. */
  readonly blocked: readonly number[];
  /** Calls of this process that leave it hardly anything to go on with, made right before execve(2). */
  readonly before: readonly ChainCall<'setrlimit'>[];
}

export interface Kernel {
  /** The id of the step that the next calls belong to. */
  step: string;
  /** Where the new root is, seen from this process while it is set up: `/`, except for a rehearsal on the host. */
  readonly root: string;
  /** Microseconds since the launch began. */
  clock(): number;
  /**
   * Makes a call and returns what it returned.
   * @throws KernelError when that is -1.
   */
  call<Name extends CallName>(name: Name, args: Arguments<Name>): number;
  /**
   * Replaces the program of this process: execve(2). When that succeeds nobody is left here to record it, so `foretold`
   * is given the records beforehand.
   * @throws KernelError when it fails; a rehearsal returns
   */
  execute(args: Arguments<'execve'>, how: Execution, foretold: (record: CallRecord) => void): void;
  /**
   * Writes a file of /proc: open(2), one write(2), as the kernel wants the ID maps, and close(2).
   * @throws KernelError
   */
  writeFile(path: string, content: string): void;
  /**
   * Waits until a process of ours has ended: waitpid(2).
   * @throws KernelError
   */
  wait(pid: number): ProcessChange;
  /**
   * Looks again and again until another process has done something; a rehearsal does not wait for it.
   * @param patience milliseconds
   * @returns whether it has
   */
  until(holds: () => boolean, patience: number): boolean;
  /**
   * Starts a process that runs these calls.
   * @throws KernelError
   */
  clone(chain: Chain): Running;
}

/** Makes a call that a chain could make too. */
export const makeCall = <Name extends CallName>(kernel: Kernel, { call, args }: ChainCall<Name>): number =>
  kernel.call(call, args);
