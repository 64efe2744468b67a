/** path_resolution(7): the kernel follows no more symbolic links than this in one path (ELOOP). */
export const mostLinks = 40;

/** What a walk finds at a place: a symbolic link and its text, something to go into, or what ends the walk. */
export type Found = { readonly link: string } | 'here' | 'nothing';

/** The names of a path, from its beginning on. */
export const namesOf = (path: string): string[] =>
  path.split('/').filter((name) => name !== '' && name !== '.');

/**
 * Walks a path down from a root one name at a time, as the kernel does in a process whose root directory it starts from: `..`
 * does not leave the root, and an absolute link starts there again.
 * @param look is asked for each place that the path leads through, given as the names from the root on
 * @returns the place that the names lead to, or why the walk ended early
 */
export function walkDown(
  names: readonly string[],
  look: (place: readonly string[], isLast: boolean) => Found,
): readonly string[] | 'nothing' | 'loop' {
  let waiting = [...names];
  let place: string[] = [];
  let links = 0;
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (name === '..') {
      place.pop();
      continue;
    }
    const next = [...place, name];
    const found = look(next, waiting.length === 0);
    if (found === 'nothing') return found;
    if (found === 'here') place = next;
    else {
      links += 1;
      if (links > mostLinks) return 'loop';
      waiting = [...namesOf(found.link), ...waiting];
      if (found.link.startsWith('/')) place = [];
    }
  }
  return place;
}
