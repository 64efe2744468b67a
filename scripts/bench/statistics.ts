import type { Usage } from './process.js';

/** A middle, a least, and how many there were. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly count: number;
}

export interface Measured {
  readonly wall: Summary;
  readonly cpu: Summary;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export const summary = (values: readonly number[]): Summary => ({
  median: median(values),
  min: Math.min(...values),
  count: values.length,
});

export const measured = (usages: readonly Usage[]): Measured => ({
  wall: summary(usages.map(({ wall }) => wall)),
  cpu: summary(usages.map(({ cpu }) => cpu)),
});
