/** What was changed in the overlays of a container: what `gontainer diff --json` prints, and the library gives. */

/** One change. */
export interface Change {
  /** Added, changed or deleted. */
  readonly kind: 'A' | 'C' | 'D';
  /** As the container has it. A byte that is not UTF-8 is the lone surrogate U+DC00 + byte. */
  readonly path: string;
  /** What it is, or what was deleted. */
  readonly type: 'file' | 'directory' | 'link' | 'fifo' | 'socket' | 'device';
}

/** A place of which not everything is known. */
export interface Unread {
  readonly path: string;
  /** Why, for the end of a sentence. */
  readonly why: string;
}

export interface ChangeList {
  /** Overlay by overlay, each in the order of its paths. */
  readonly changes: readonly Change[];
  /** What could not be looked into; empty when the list is complete. */
  readonly unread: readonly Unread[];
}
