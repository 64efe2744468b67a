import { usageFailure } from '../../common/failure.js';
import { parseSize } from '../../common/readable-size.js';

/**
 * The size of a tmpfs as --tmpfs, --mount, --shm-size and --ephemeral-size take it; with a unit also as Docker writes it:
 * `64m`, `64mb` or `64MiB`. To the kernel a number that begins with 0 is octal, and one of 2^64 bytes begins anew with 0.
 * @param option where it was given, for the sentence
 * @returns the same as tmpfs(5) takes it
 * @throws Failure (status 2) for what is no size; 0 would be no limit at all
 */
export function tmpfsSize(option: string, text: string): string {
  const [, number, unit = '', percent = ''] = /^([1-9]\d{0,14})(?:([kmg]?)(?:i?b)?|(%))$/i.exec(text) ?? [];
  const most = percent === '' ? Number.MAX_SAFE_INTEGER : 100;
  if (number === undefined || (parseSize(`${number}${unit}`) as number) > most)
    throw usageFailure(
      `${option}: “${text}” is not a size: bytes, more than 0 and without a leading 0, with k, m or g behind them, or a part of the memory up to 100%`,
      'For example: 64m, or 10%',
    );
  return `${number}${unit.toLowerCase()}${percent}`;
}
