/** The help, written by yargs from the tables of options. */
import yargs, { type Argv } from 'yargs';
import { defined } from '../../common/defined.js';
import type { Option } from './option.js';
import { globalOptions } from './read-line.js';
import type { Subcommand } from './subcommand.js';

/**
 * The help of one subcommand; of those that begin with `family`; or of all, with the options of `run`.
 * @param width columns
 */
export async function help(
  subcommand: Subcommand | undefined,
  all: readonly Subcommand[],
  family: string | undefined,
  width: number,
): Promise<string> {
  const listed = family === undefined ? all : all.filter(({ name }) => name.startsWith(`${family} `));
  const reader = yargs([])
    .scriptName('gontainer')
    .wrap(width)
    .updateStrings({ 'Commands:': 'Commands (each has a --help of its own):' });
  const shown = subcommand ?? listed.find(({ name }) => name === 'run');
  if (subcommand === undefined) {
    reader.usage(`A container is only namespaces. Gontainer runs a command in Linux namespaces and shows every step.

Usage: gontainer run NAMESPACES [OPTIONS] [-- COMMAND ARG…]
   or: gontainer COMMAND [OPTIONS]
Options take one dash or two: gontainer -run -uid is gontainer run --uid.`);
    for (const { name, summary } of listed) reader.command(name.replace(' ', '-'), summary);
  } else {
    const words = subcommand.positionals.map(({ name, takes }) =>
      takes === 'rest'
        ? name === 'COMMAND'
          ? '[-- COMMAND ARG…]'
          : `${name}…`
        : takes === 'optional'
          ? `[${name}]`
          : name,
    );
    reader.usage(
      `${subcommand.summary}\n\nUsage: gontainer ${[subcommand.name, '[OPTIONS]', ...words].join(' ')}`,
    );
  }
  for (const [line, explanation] of shown?.examples ?? []) reader.example(line, explanation);
  const text = await withOptions(reader, shown?.options ?? []).getHelp();
  return listed.reduce(
    (all, { name }) => all.replace(`gontainer ${name.replace(' ', '-')}`, `gontainer ${name}`),
    text,
  );
}

function withOptions(reader: Argv, options: readonly Option[]): Argv {
  reader.locale('en').help(false).version(false);
  for (const { name, alias, value, choices, describe, group } of [...options, ...globalOptions]) {
    reader.option(name, {
      describe: value === undefined ? describe : `${value}: ${describe}`,
      group: `${group}:`,
      ...defined({ alias, choices }),
    });
  }
  return reader;
}
