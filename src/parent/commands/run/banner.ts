/** What Gontainer shows before anything else. */
import { namespaces } from '../../../common/namespaces.js';
import { shownText } from '../../../common/shown-text.js';
import { type LaunchSpec, unshares } from '../../../common/spec.js';
import { painter } from '../../text/paint.js';

/** How many lines the banner has where it is folded. */
export const foldedLines = 2;
/** How many it has otherwise: its name, and one for each namespace, where the new root stands for that of mounts. */
export const wholeLines = namespaces.length + 1;

/** A path's end, where there is no room for all of it; a character may take two columns. */
function fitting(path: string, columns: number): string {
  const characters = [...path];
  const wide = (some: readonly string[]): number =>
    some.reduce((sum, one) => sum + (one > '\u1100' ? 2 : 1), 0);
  let first = 0;
  while (wide(characters.slice(first)) > columns) first += 1;
  return first === 0 ? path : `…${characters.slice(first + 1).join('')}`;
}

/**
 * The new root, and each namespace enabled or disabled.
 * @param columns those of the window, where there is one
 * @param folded whether it takes two lines
 */
export function banner(
  spec: LaunchSpec,
  colour: boolean,
  columns: number | undefined,
  folded: boolean,
): string {
  const paint = painter(colour);
  // Beside it there are the words in front of it, and its quotes.
  const room = (columns ?? Number.POSITIVE_INFINITY) - '[Gontainer config]  mnt: "" '.length;
  const root = `"${fitting(shownText(spec.root?.path ?? ''), room)}"`;
  const states = ([true, false] as const).map((enabled) => ({
    flags: namespaces
      .map(({ flag }) => flag)
      .filter((flag) => flag !== 'mnt' && unshares(spec, flag) === enabled),
    state: enabled ? paint('green', 'enabled') : paint('red', 'disabled'),
  }));
  if (folded) {
    const kinds = states
      .filter(({ flags }) => flags.length > 0)
      .map(({ flags, state }) => `${flags.map((flag) => `• ${flag}`).join(' ')}: ${state}`);
    return [`[Gontainer config]  mnt: ${root}`, kinds.join('  '), ''].join('\n');
  }
  return [
    '[Gontainer config]',
    `• mnt: ${root}`,
    ...namespaces.flatMap(({ flag }) =>
      states.flatMap(({ flags, state }) => (flags.includes(flag) ? [`• ${flag}: ${state}`] : [])),
    ),
    '',
  ].join('\n');
}
