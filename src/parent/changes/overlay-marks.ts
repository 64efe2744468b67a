/** The marks of an overlay's upper folder: what was deleted in it, and what no longer shows through (kernel: overlayfs). */
import type { BigIntStats } from 'node:fs';
import { attributeOf } from '../../common/kernel/file-attributes.js';
import type { HeldOverlay } from './layers.js';

type Marks = HeldOverlay['marks'];

/** A character device that no driver has; or, since Linux 6.7, an empty file with an attribute. */
export const isWhiteout = (stats: BigIntStats, path: Buffer, marks: Marks): boolean =>
  isWhiteoutDevice(stats) ||
  (stats.isFile() && stats.size === 0n && attributeOf(path, `${marks}.overlay.whiteout`) !== undefined);

/** A folder that shows through may have such a device too, and it hides nothing but itself. */
export const isWhiteoutDevice = (stats: BigIntStats): boolean =>
  stats.isCharacterDevice() && stats.rdev === 0n;

/** Whether nothing of the folder below it shows through. */
export const isOpaque = (path: Buffer, marks: Marks): boolean =>
  attributeOf(path, `${marks}.overlay.opaque`)?.toString('latin1') === 'y';
