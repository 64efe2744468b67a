/**
 * A scale that keeps the order but not the proportions: short spans get the width they need to be seen, and long
 * stretches where nothing happens grow only with their logarithm.
 */

export interface Span {
  readonly from: number;
  readonly to: number;
  /** The width that it takes at least. */
  readonly least: number;
}

export interface Scale {
  /** Where a value stands, from 0 to `width`. Between the points that the scale was made for it is proportional. */
  readonly x: (value: number) => number;
  readonly width: number;
}

/**
 * The scale for these spans, as wide as asked or, where the spans need more, wider.
 * @param unit a distance that counts as short: shorter ones grow in proportion, longer ones with their logarithm
 */
export function compressedScale(spans: readonly Span[], width: number, unit: number): Scale {
  const points = [...new Set(spans.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
  const index = new Map(points.map((point, position) => [point, position]));
  const endingAt = new Map<number, { from: number; least: number }[]>();
  for (const { from, to, least } of spans) {
    const end = index.get(to) as number;
    endingAt.set(end, [...(endingAt.get(end) ?? []), { from: index.get(from) as number, least }]);
  }

  /** The positions of the points, when a stretch of the length of `unit` is `spread` wide. */
  const placed = (spread: number): number[] => {
    const positions: number[] = [];
    for (const [position, point] of points.entries()) {
      const before = points[position - 1];
      const free =
        before === undefined
          ? 0
          : (positions[position - 1] as number) + spread * Math.log2(1 + (point - before) / unit);
      const needed = (endingAt.get(position) ?? []).map(({ from, least }) => (positions[from] ?? 0) + least);
      positions.push(Math.max(free, ...needed));
    }
    return positions;
  };

  // The wider the spread, the wider the whole: halving finds the one that fits.
  let [low, high] = [0.2, width];
  for (let round = 0; round < 40; round++) {
    const middle = (low + high) / 2;
    if ((placed(middle).at(-1) ?? 0) > width) high = middle;
    else low = middle;
  }
  const positions = placed(low);

  return {
    width: positions.at(-1) ?? width,
    x: (value) => {
      const next = points.findIndex((point) => point >= value);
      if (next <= 0) return next === 0 ? (positions[0] ?? 0) : (positions.at(-1) ?? 0);
      const [start, end] = [points[next - 1] as number, points[next] as number];
      const [left, right] = [positions[next - 1] as number, positions[next] as number];
      return left + ((value - start) / (end - start)) * (right - left);
    },
  };
}

/** A length with one decimal at most. */
export const px = (length: number): number => Math.round(length * 10) / 10;
