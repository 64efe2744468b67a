/** What the kernel takes as the lines of a uid_map or gid_map: user_namespaces(7). */
import type { MapLine } from '../../common/spec.js';

/** So many lines, since Linux 4.15. */
export const mostLines = 340;

/** All lines are one write(2) of less than a page; that is 4,096 bytes where it is smallest. */
const mostBytes = 4_095;

/** IDs are 32 bits wide, and the last one means none. */
export const mostIds = 4_294_967_295;

/** Whether the kernel takes that many lines of that length. */
export const fitsKernel = (lines: readonly MapLine[]): boolean =>
  lines.length <= mostLines && mapText(lines).length <= mostBytes;

const mapText = (lines: readonly MapLine[]): string =>
  lines.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join('');
