import { usageFailure } from '../../common/failure.js';

/**
 * The size of a tmpfs as tmpfs(5) takes it, and as --tmpfs, --shm-size and --ephemeral-size do.
 * @param option where it was given, for the sentence
 * @throws Failure (status 2) for what is no size; 0 would be no limit at all
 */
export function tmpfsSize(option: string, text: string): string {
  const [, number, unit = ''] = /^(\d{1,15})([kmg]?|%)$/i.exec(text) ?? [];
  const count = Number(number);
  if (number === undefined || count === 0 || (unit === '%' && count > 100))
    throw usageFailure(
      `${option}: “${text}” is not a size: bytes, more than 0, with k, m or g behind them, or a part of the memory up to 100%`,
      'For example: 64m, or 10%',
    );
  return text.toLowerCase();
}
