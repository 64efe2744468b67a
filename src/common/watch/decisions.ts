/**
 * What the launcher and a program that decides about watched calls (onCall of the library) say to each other over
 * --decide-fd: lines of JSON. Any number of calls wait at the same time, and are answered in any order.
 */

/** From the launcher: this call waits. It has the fields of its record (docs/log.md) that are known by then. */
export interface Question<Call = unknown> {
  readonly number: number;
  readonly call: Call;
}

/** From the program: the call goes on, or fails with this errno. */
export interface Decision {
  readonly number: number;
  readonly errno?: number;
  /** Why the program could not decide: the call fails, and then the container is ended. */
  readonly fault?: string;
}

/** errno(3) ends with EHWPOISON. What is beyond it the kernel keeps to itself, to restart calls for example. */
const highestErrno = 133;

export const isErrno = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= highestErrno;

export const decisionLine = (message: Question | Decision): string => `${JSON.stringify(message)}\n`;
