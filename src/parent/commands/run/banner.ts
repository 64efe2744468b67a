/** What Gontainer shows before anything else. */
import { namespaces } from '../../../common/namespaces.js';
import { shownText } from '../../../common/shown-text.js';
import { type LaunchSpec, unshares } from '../../../common/spec.js';
import { numberedSteps } from '../../../common/steps/index.js';
import { painter } from '../../text/paint.js';

/** What stands in the window besides the banner and the steps: the line that was typed, a blank one, and the prompt. */
const otherLines = 3;

/**
 * The new root, and each namespace enabled or disabled.
 * @param rows of the window, where there is one: in a low one the banner takes two lines, so that all steps stay in sight
 */
export function banner(spec: LaunchSpec, colour: boolean, rows: number | undefined): string {
  const paint = painter(colour);
  const root = `"${shownText(spec.root?.path ?? '')}"`;
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
  const low = rows !== undefined && whole.length + numberedSteps(spec).size + otherLines > rows;
  if (!low) return whole.join('\n');
  const folded = states
    .filter(({ flags }) => flags.length > 0)
    .map(({ flags, state }) => `${flags.map((flag) => `• ${flag}`).join(' ')}: ${state}`);
  return [`[Gontainer config]  mnt: ${root}`, folded.join('  '), ''].join('\n');
}
