import type { Kernel } from '../kernel/kernel.js';
import { resolveBeneath } from '../program.js';

/** Where a path of the new root is, seen from this process. */
export const seen = (kernel: Kernel, path: string): string =>
  kernel.root === '/' ? path : resolveBeneath(kernel.root, path);
