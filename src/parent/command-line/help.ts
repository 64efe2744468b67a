/** yargs reads the command line and writes the help, both from the tables of options. */
import yargs, { type Argv } from 'yargs';
import { usageFailure } from '../../common/failure.js';
import { type Canonical, globalOptions } from './canonical-line.js';
import type { Option } from './option.js';
import type { Command, Values } from './subcommand.js';

const types = { flag: 'boolean', text: 'string', number: 'number', list: 'string' } as const;

/**
 * Reads a command line that is in one form.
 * @throws Failure (status 2) when words are missing or too many
 */
export function readValues(line: Canonical & { readonly command: Command }): Values {
  const { command, options, words } = line;
  const lists = command.options.filter(({ kind }) => kind === 'list').map((option) => option.name);
  const parsed = withOptions(yargs(), command.options).parseSync(
    options.map((option) =>
      lists.some((name) => option.startsWith(`--${name}=`)) ? inQuotes(option) : option,
    ),
  );
  const values = Object.fromEntries(
    command.options.map(({ name, kind }) => [
      name,
      kind === 'list' ? (parsed[name] as string[] | undefined) : parsed[name],
    ]),
  ) as Values['options'];
  const positionals: Record<string, string | undefined> = {};
  const rest = [...words];
  for (const { name, takes } of command.positionals) {
    if (takes === 'rest') return { options: values, positionals, rest };
    positionals[name] = rest.shift();
    if (positionals[name] === undefined && takes !== 'optional') {
      throw usageFailure(`gontainer ${command.name} needs ${name}`, `See: gontainer ${command.name} --help`);
    }
  }
  if (rest.length > 0) {
    throw usageFailure(
      `gontainer ${command.name} does not take “${rest[0]}”`,
      `See: gontainer ${command.name} --help`,
    );
  }
  return { options: values, positionals, rest };
}

/** yargs takes a pair of quotes away from the value of a list, as if no shell had done so already. */
const inQuotes = (option: string): string => option.replace(/=(["'])([\s\S]*)\1$/, '=$1$1$2$1$1');

/**
 * The help of one command; of those that begin with `family`; or of all, with the options of `run`.
 * @param width columns
 */
export async function help(
  command: Command | undefined,
  all: readonly Command[],
  family: string | undefined,
  width: number,
): Promise<string> {
  const commands = family === undefined ? all : all.filter(({ name }) => name.startsWith(`${family} `));
  const reader = yargs([])
    .scriptName('gontainer')
    .wrap(width)
    .updateStrings({ 'Commands:': 'Commands (each has a --help of its own):' });
  const shown = command ?? commands.find(({ name }) => name === 'run');
  if (command === undefined) {
    reader.usage(`A container is only namespaces. Gontainer runs a command in Linux namespaces and shows every step.

Usage: gontainer -run NAMESPACES [OPTIONS] [-- COMMAND ARG…]   options with one dash or with two
Or: gontainer COMMAND [OPTIONS]`);
    for (const { name, summary } of commands) reader.command(name.replace(' ', '-'), summary);
  } else {
    const words = command.positionals.map(({ name, takes }) =>
      takes === 'rest' ? `[-- ${name} ARG…]` : takes === 'optional' ? `[${name}]` : name,
    );
    reader.usage(`${command.summary}\n\nUsage: gontainer ${[command.name, '[OPTIONS]', ...words].join(' ')}`);
  }
  for (const [line, explanation] of shown?.examples ?? []) reader.example(line, explanation);
  const text = await withOptions(reader, shown?.options ?? []).getHelp();
  return commands
    .reduce((all, { name }) => all.replace(`gontainer ${name.replace(' ', '-')}`, `gontainer ${name}`), text)
    .replace(/\s*\[(boolean|string|number|array)\]/g, '');
}

function withOptions(reader: Argv, options: readonly Option[]): Argv {
  reader
    .locale('en')
    .help(false)
    .version(false)
    .exitProcess(false)
    .strict()
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'boolean-negation': false,
      'greedy-arrays': false,
    })
    .fail((message, error) => {
      throw error ?? usageFailure(message);
    });
  for (const { name, alias, kind, value, choices, describe, group } of [...options, ...globalOptions]) {
    reader.option(name, {
      type: types[kind],
      describe: value === undefined ? describe : `${value}: ${describe}`,
      group: `${group}:`,
      ...(alias === undefined ? {} : { alias }),
      ...(choices === undefined ? {} : { choices }),
      ...(kind === 'list' ? { array: true } : {}),
      ...(kind === 'text' || kind === 'list' ? { requiresArg: true } : {}),
    });
  }
  return reader;
}
