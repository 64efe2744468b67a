/**
 * The name that was probably meant by what was typed.
 * @param most how many letters may be wrong, missing, too many or swapped with the next; a third of what was typed, and
 *   at least two of four
 */
export function nearestName(
  given: string,
  names: readonly string[],
  most = given.length < 4 ? 1 : Math.max(2, given.length / 3),
): string | undefined {
  const [nearest] = names
    .map((name) => ({ name, slips: slips(given, name) }))
    .sort((a, b) => a.slips - b.slips);
  return nearest !== undefined && nearest.slips <= most ? nearest.name : undefined;
}

/** “Did you mean …?”, where a name is near enough. */
export function suggestion(
  given: string,
  names: readonly string[],
  { prefix = '', otherwise = 'See: gontainer --help' } = {},
): string {
  const nearest = nearestName(given, names);
  return nearest === undefined ? otherwise : `Did you mean ${prefix}${nearest}?`;
}

/**
 * How many slips of the fingers make one word of the other: a letter wrong, missing, too many, or swapped with the next
 * one (the optimal string alignment distance). Without the last `hlep` is as far from `help` as from `step`.
 */
function slips(from: string, to: string): number {
  const table = Array.from({ length: from.length + 1 }, (_, i) =>
    Array.from({ length: to.length + 1 }, (_, j) => i + j),
  );
  const at = (i: number, j: number): number => table[i]?.[j] as number;
  for (let i = 1; i <= from.length; i++) {
    const row = table[i] as number[];
    for (let j = 1; j <= to.length; j++) {
      const wrong = from[i - 1] === to[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row[j] = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + wrong,
        swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return at(from.length, to.length);
}
