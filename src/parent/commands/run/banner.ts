import { styleText } from 'node:util';
import { namespaces } from '../../../common/namespaces.js';
import { type LaunchSpec, unshares } from '../../../common/spec.js';

/** Whether a stream may be coloured: a terminal, and the reader has not asked for none (https://no-color.org). */
export const coloured = (stream: { readonly isTTY?: boolean }): boolean =>
  stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

/** What Gontainer shows before anything else: the new root, and each namespace enabled or disabled. */
export function banner(spec: LaunchSpec, colour: boolean): string {
  const paint = (format: 'green' | 'red', text: string) =>
    colour ? styleText(format, text, { validateStream: false }) : text;
  const lines = namespaces
    .filter(({ flag }) => flag !== 'mnt')
    .map(
      ({ flag }) =>
        `• ${flag}: ${unshares(spec, flag) ? paint('green', 'enabled') : paint('red', 'disabled')}`,
    );
  return ['[Gontainer config]', `• mnt: "${spec.root?.path ?? ''}"`, ...lines, ''].join('\n');
}
