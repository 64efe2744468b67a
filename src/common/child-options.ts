/**
 * The options of node that the child is started with, so that it starts sooner and needs less memory: docs/performance.md
 * has what each gives. The child lives for a few hundred lines of work, and then sleeps until the command ends.
 */

/** One thread for what V8 does beside, in place of four. */
const threads = '--v8-pool-size=1';

/**
 * - V8 makes up a seed for its hash tables at each start, and sorts all tables of the start-up snapshot again by it, so
 *   that nobody who sends data can foresee which keys fall together. Nobody sends the child any.
 * - No function runs often enough to be worth optimizing, but V8 finds that out by trying.
 *
 * Options of V8 change without notice, and node refuses to start with one that it does not know: they are used where
 * code that was compiled with them is kept (compiled-code.ts). Node's own modules, whose kept code was made without
 * options, are then compiled again; it pays all the same.
 */
const v8Options = ['--no-rehash-snapshot', '--no-sparkplug', '--no-maglev', '--no-opt'] as const;

/** @param withV8Options whether this node is known to take them */
export const childOptions = (withV8Options: boolean): string[] => [
  threads,
  ...(withV8Options ? v8Options : []),
];
