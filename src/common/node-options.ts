/**
 * The options of node that a launch is started with, so that it starts sooner and needs less memory: docs/performance.md
 * has what each gives. Launcher and child live for a few hundred lines of work, and then sleep until the command ends.
 */

/** One thread for what V8 does beside, in place of four. */
const threads = '--v8-pool-size=1';

/**
 * - V8 makes up a seed for its hash tables at each start, and sorts all tables of the start-up snapshot again by it, so
 *   that nobody who sends data can foresee which keys fall together. Nobody sends a launch more than a few lines.
 * - No function runs often enough to be worth optimizing, but V8 finds that out by trying.
 *
 * Options of V8 change without notice, and node refuses to start with one that it does not know: they are used where
 * code that was compiled with them is kept (compiled-code.ts). Node's own modules, whose kept code was made without
 * options, are then compiled again; it pays all the same.
 */
const v8Options = ['--no-rehash-snapshot', '--no-sparkplug', '--no-maglev', '--no-opt'] as const;

/**
 * All of them. A process cannot give them to itself: the shell at the head of main.cjs starts the launcher with them
 * (src/stub.sh), and the launcher the child.
 */
export const quickOptions: readonly string[] = [threads, ...v8Options];

/** @param known whether this node is known to take those of V8 */
export const childOptions = (known: boolean): readonly string[] => (known ? quickOptions : [threads]);

/** Whether this process was started with all of them. */
export const startedQuickly = (): boolean =>
  quickOptions.every((option, index) => process.execArgv[index] === option);

/** The options of node that the user gave. */
export const callersOptions = (): readonly string[] =>
  startedQuickly() ? process.execArgv.slice(quickOptions.length) : process.execArgv;
