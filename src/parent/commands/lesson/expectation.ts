/**
 * Whether an output is the one that a lesson shows. What differs from machine to machine is written as a pattern:
 *
 *   …                any text within a line; on a line of its own, any lines, or none
 *   ‹number› ‹word›  a number; anything without blanks
 *   ‹name›           the same text wherever the name stands in the lesson
 *   ‹name ≠ other›   and not the text that `other` stands for
 *
 * Several blanks count as one, those at either end as none: tables are set with different widths.
 */
export type Bindings = ReadonlyMap<string, string>;

const unnamed: Readonly<Record<string, string>> = { number: '-?\\d+(?:\\.\\d+)?', word: '\\S+' };
const pattern = /…|‹([^‹›]+)›/g;

/**
 * Compares an output with the lines that are expected.
 * @param bindings what the names of the lesson stand for so far
 * @returns the names with those that this output gave a meaning to; undefined when it is another output
 */
export function matchOutput(
  expected: readonly string[],
  output: readonly string[],
  bindings: Bindings,
): Bindings | undefined {
  const [first, ...later] = expected;
  if (first === undefined) return output.length === 0 ? bindings : undefined;
  if (first.trim() === '…') {
    for (let skipped = 0; skipped <= output.length; skipped += 1) {
      const found = matchOutput(later, output.slice(skipped), bindings);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const [line, ...rest] = output;
  const bound = line === undefined ? undefined : matchLine(evened(first), evened(line), bindings);
  return bound && matchOutput(later, rest, bound);
}

const evened = (line: string): string => line.trim().replace(/\s+/g, ' ');

/** The lines of an output, without empty lines at the end. */
export const outputLines = (output: string): string[] => {
  const lines = output.split('\n').map((line) => line.trimEnd());
  return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
};

/** A text with what is known already in the place of the names. */
export const filledIn = (text: string, bindings: Bindings): string =>
  text.replace(pattern, (whole, name?: string) => bindings.get(name ?? '') ?? whole);

function matchLine(expected: string, line: string, bindings: Bindings): Bindings | undefined {
  const groups: { name: string; differs: string | undefined }[] = [];
  let source = '';
  let end = 0;
  for (const match of expected.matchAll(pattern)) {
    source += literal(expected.slice(end, match.index));
    end = match.index + match[0].length;
    source += match[1] === undefined ? '.*' : placeholder(match[1]);
  }
  const found = new RegExp(`^${source}${literal(expected.slice(end))}$`).exec(line);
  if (found === null) return undefined;
  const all = new Map(bindings);
  for (const [index, { name }] of groups.entries()) all.set(name, found[index + 1] as string);
  return groups.some(({ name, differs }) => differs !== undefined && all.get(name) === all.get(differs))
    ? undefined
    : all;

  function placeholder(text: string): string {
    if (unnamed[text] !== undefined) return unnamed[text];
    const [name = '', differs] = text.split(' ≠ ');
    const known = bindings.get(name);
    if (known !== undefined) return literal(known);
    const earlier = groups.findIndex((group) => group.name === name);
    if (earlier >= 0) return `\\${earlier + 1}`;
    groups.push({ name, differs });
    return '(\\S+?)';
  }
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
