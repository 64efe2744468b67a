/**
 * How much each tmpfs of a container may hold (tmpfs(5)) where nobody says. The kernel's own default is half of the memory
 * for each; what is written to several of them, and never removed, would take all of it.
 */
export const tmpfsSizes = {
  /** A --tmpfs, and the changes of --ephemeral. */
  ofMemory: '25%',
  /** /dev/shm, as Docker has it. */
  sharedMemory: '64m',
} as const;
