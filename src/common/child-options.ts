/** The options of node that the child is started with, so that it starts sooner: docs/performance.md has what each gives. */

/** The options of V8 change without notice, and node refuses to start with one that it does not know. */
const newestKnown = 26;

/**
 * V8 makes up a seed for its hash tables at each start, and sorts all tables of the start-up snapshot anew by it, so that
 * nobody who sends data can foresee which keys fall together. Nobody sends the child any. Compiled code is only valid for
 * the options of V8 that it was made with: Node's own modules are compiled anew in the child, and it pays all the same.
 */
export const v8Options: readonly string[] =
  Number.parseInt(process.versions.node, 10) <= newestKnown ? ['--no-rehash-snapshot'] : [];

/** One thread for what V8 does beside, in place of four. */
export const childOptions: readonly string[] = [...v8Options, '--v8-pool-size=1'];
