/** Sizes for people: written and read with the suffixes of units(7), powers of 1024. */

const suffixes = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** For example `1.9 MiB`. */
export function readableSize(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), suffixes.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${suffixes[power]}`;
}

/**
 * Reads what a person writes: `512M`, `20G`, `20GiB`, `1000`.
 * @returns bytes, or undefined if it is not a size
 */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const power = ' KMGT'.indexOf((match[2] || ' ').toUpperCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}
