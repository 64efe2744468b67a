import { distance } from 'fastest-levenshtein';

/**
 * The name that was probably meant by what was typed. Of names as near as each other it is the one of the same letters:
 * they were only typed in another order.
 * @param most how many letters may be wrong, missing or too many
 */
export function nearestName(given: string, names: readonly string[], most: number): string | undefined {
  const differs = (name: string): number =>
    distance(given, name) + (letters(name) === letters(given) ? 0 : 0.5);
  const [nearest] = [...names].sort((a, b) => differs(a) - differs(b));
  return nearest !== undefined && distance(given, nearest) <= most ? nearest : undefined;
}

const letters = (word: string): string => [...word].sort().join('');
