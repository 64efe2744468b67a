/** The scripts lie beside the program: they are made from the table of subcommands when the package is built. */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { usageFailure } from '../../../common/failure.js';
import { print } from '../../../common/print.js';

const files = new Map([
  ['bash', 'gontainer.bash'],
  ['zsh', '_gontainer'],
  ['fish', 'gontainer.fish'],
]);

/** @throws Failure (status 2) for a shell without a script */
export function printScript(shell: string): number {
  const file = files.get(shell);
  if (file === undefined) {
    throw usageFailure(
      `there is no completion script for “${shell}”`,
      `Choose one of ${[...files.keys()].join(', ')}.`,
    );
  }
  const folder = join(dirname(realpathSync(process.argv[1] as string)), 'completions');
  print(readFileSync(join(folder, file), 'utf8').trimEnd());
  return 0;
}
