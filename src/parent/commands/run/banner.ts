/** What Gontainer shows before anything else. */

import type { WindowSize } from '../../../common/kernel/terminal-modes.js';
import { namespaces } from '../../../common/namespaces.js';
import { shownText } from '../../../common/shown-text.js';
import { type LaunchSpec, unshares } from '../../../common/spec.js';
import { numberedSteps } from '../../../common/steps/index.js';
import { painter } from '../../text/paint.js';

/** What stands in the window besides the banner and the steps: the line that was typed, a blank one, and the prompt. */
const otherLines = 3;

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
 * @param window where there is one: in a low one the banner takes two lines, so that all steps stay in sight
 */
export function banner(spec: LaunchSpec, colour: boolean, window: WindowSize | undefined): string {
  const paint = painter(colour);
  // Beside it there are the words in front of it, and its quotes.
  const room = (window?.columns ?? Number.POSITIVE_INFINITY) - '[Gontainer config]  mnt: "" '.length;
  const root = `"${fitting(shownText(spec.root?.path ?? ''), room)}"`;
  const states = ([true, false] as const).map((enabled) => ({
    flags: namespaces
      .map(({ flag }) => flag)
      .filter((flag) => flag !== 'mnt' && unshares(spec, flag) === enabled),
    state: enabled ? paint('green', 'enabled') : paint('red', 'disabled'),
  }));
  const whole = [
    '[Gontainer config]',
    `• mnt: ${root}`,
    ...namespaces.flatMap(({ flag }) =>
      states.flatMap(({ flags, state }) => (flags.includes(flag) ? [`• ${flag}: ${state}`] : [])),
    ),
    '',
  ];
  const low = window !== undefined && whole.length + numberedSteps(spec).size + otherLines > window.rows;
  if (!low) return whole.join('\n');
  const folded = states
    .filter(({ flags }) => flags.length > 0)
    .map(({ flags, state }) => `${flags.map((flag) => `• ${flag}`).join(' ')}: ${state}`);
  return [`[Gontainer config]  mnt: ${root}`, folded.join('  '), ''].join('\n');
}
