/** What Gontainer shows before anything else. */
import { namespaces } from '../../../common/namespaces.js';
import { shownText } from '../../../common/shown-text.js';
import { type LaunchSpec, unshares } from '../../../common/spec.js';
import { painter } from '../../text/paint.js';

/** The new root, and each namespace enabled or disabled. */
export function banner(spec: LaunchSpec, colour: boolean): string {
  const paint = painter(colour);
  const lines = namespaces
    .filter(({ flag }) => flag !== 'mnt')
    .map(
      ({ flag }) =>
        `• ${flag}: ${unshares(spec, flag) ? paint('green', 'enabled') : paint('red', 'disabled')}`,
    );
  return ['[Gontainer config]', `• mnt: "${shownText(spec.root?.path ?? '')}"`, ...lines, ''].join('\n');
}
