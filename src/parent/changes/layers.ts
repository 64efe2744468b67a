/** The layers of a container's overlays, as they are written down for whoever lists what was changed in them. */

/** An overlay whose layers a launcher holds open. */
export interface HeldOverlay {
  /** Where it is mounted inside, an absolute path. */
  readonly target: string;
  /** The launcher's descriptors: of the folder that has the changes, and of the one that shows through. */
  readonly upper: number;
  readonly lower: number;
  /** The folder of the host that keeps the changes; absent where they are in memory. */
  readonly keptIn?: string;
  /** The attributes by which it marks what was deleted: those of a user namespace, or of real root. */
  readonly marks: 'user' | 'trusted';
  /** What the launch itself has made to mount something on. */
  readonly made: readonly string[];
}

/** The same for somebody who reaches the folders by paths. */
export type ReachedOverlay = Pick<HeldOverlay, 'target' | 'marks' | 'made'> & {
  readonly upper: string;
  readonly lower: string;
};

/** A descriptor of a process is reached by this path: proc_pid_fd(5). */
export const reached = (
  { upper, lower, ...overlay }: HeldOverlay,
  process: number | 'self',
): ReachedOverlay => ({
  ...overlay,
  upper: `/proc/${process}/fd/${upper}`,
  lower: `/proc/${process}/fd/${lower}`,
});

/** Whether somebody has written down overlays. */
export const areOverlays = (list: unknown): list is readonly HeldOverlay[] =>
  Array.isArray(list) &&
  list.every(
    ({ target, upper, lower, marks, made }: Partial<HeldOverlay>) =>
      typeof target === 'string' &&
      Number.isInteger(upper) &&
      Number.isInteger(lower) &&
      (marks === 'user' || marks === 'trusted') &&
      Array.isArray(made) &&
      made.every((path) => typeof path === 'string'),
  );
