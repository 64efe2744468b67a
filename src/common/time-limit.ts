/** The time that a command may take, and what it gets after that: for --timeout, and `timeout` of the library. */

/** Milliseconds between the stop signal and SIGKILL, for a command that wants to put things in order. */
export const grace = 2_000;

/** Seconds: setTimeout takes 31 bits of milliseconds. */
const longest = 2_000_000;

/**
 * What is wrong with a time limit, behind the name of the option; undefined where nothing is.
 * @param seconds a fraction too
 */
export const wrongTimeLimit = (seconds: number): string | undefined =>
  seconds > 0 && seconds <= longest
    ? undefined
    : `is more than 0 and at most ${longest} seconds, not ${seconds}`;
