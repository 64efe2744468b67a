/**
 * What is around the generated part of a page: that stands between `<!-- options -->` and `<!-- /options -->`.
 * @returns what is before it, with the first comment, and what follows, with the second one
 * @throws Error where they are missing
 */
export function aroundMarks(page: string, mark: string): { readonly head: string; readonly tail: string } {
  const begin = `<!-- ${mark} -->`;
  const [from, to] = [page.indexOf(begin), page.indexOf(`<!-- /${mark} -->`)];
  if (from < 0 || to < from) throw new Error(`the page has no comments ${mark}`);
  return { head: page.slice(0, from + begin.length), tail: page.slice(to) };
}
