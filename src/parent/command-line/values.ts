/**
 * Reads a launch's command line without yargs, whose loading takes longer than the launch itself. canonical() has
 * checked every option against the same table that yargs is given; what is left is to sort values by kind. A
 * property-based test holds the two against each other for every accepted line.
 */

import type { Canonical } from './canonical-line.js';
import type { Command, Values } from './subcommand.js';

/** The values of a command line whose words all belong to one positional with `takes: 'rest'`. */
export function plainValues({ command, options, words }: Canonical & { readonly command: Command }): Values {
  const values: Record<string, string | number | boolean | string[]> = {};
  for (const text of options) {
    const equals = text.indexOf('=');
    const name = text.slice(2, equals < 0 ? undefined : equals);
    const value = equals < 0 ? '' : text.slice(equals + 1);
    switch (command.options.find((option) => option.name === name)?.kind) {
      case 'flag':
        values[name] = true;
        break;
      case 'number':
        values[name] = Number(value);
        break;
      case 'list':
        values[name] = [...((values[name] as string[] | undefined) ?? []), value];
        break;
      case 'text':
        values[name] = value;
        break;
    }
  }
  return { options: values, positionals: {}, rest: words };
}

/** Whether plainValues can read this line: every word belongs to such a positional, and help is not asked for. */
export const isPlain = (line: Canonical): line is Canonical & { readonly command: Command } =>
  line.command?.positionals.every(({ takes }) => takes === 'rest') === true &&
  (line.command.positionals.length > 0 || line.words.length === 0) &&
  !line.options.includes('--help') &&
  !line.options.includes('--version');
