/** yargs reads the command line and writes the help, both from the tables of options. */
import yargs, { type Argv } from 'yargs';
import { usageFailure } from '../common/failure.js';
import type { Command, Option, Values } from './command.js';
import { type Canonical, globalOptions } from './command-line.js';

const types = { flag: 'boolean', text: 'string', number: 'number', list: 'string' } as const;

/**
 * Reads a command line that is in one form.
 * @throws Failure (status 2) when words are missing or too many
 */
export function readValues(line: Canonical & { readonly command: Command }): Values {
  const { command, options, words } = line;
  const parsed = withOptions(yargs(), command.options).parseSync([...options]);
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

/** The help of one command, or of all. */
export async function help(command: Command | undefined, commands: readonly Command[]): Promise<string> {
  const reader = yargs([])
    .scriptName('gontainer')
    .wrap(Math.min(110, process.stdout.columns ?? 100));
  if (command === undefined) {
    reader.usage(
      'A container is only namespaces. Gontainer runs a command in Linux namespaces and shows every step.\n',
    );
    reader.usage('Usage: gontainer -run -uid -uts -hostname box -pid\n       gontainer COMMAND [OPTIONS]');
    for (const { name, summary } of commands) reader.command(name.replace(' ', '-'), summary);
    const written = await withOptions(reader, []).getHelp();
    return `${commands.reduce((text, { name }) => text.replace(`gontainer ${name.replace(' ', '-')}`, `gontainer ${name}`), written)}\n\nOne command’s options: gontainer COMMAND --help. Options are written with one dash or with two.`;
  }
  const positionals = command.positionals.map(({ name, takes }) =>
    takes === 'rest' ? `[-- ${name} ARG…]` : takes === 'optional' ? `[${name}]` : name,
  );
  reader
    .usage(`${command.summary}\n`)
    .usage(`Usage: gontainer ${[command.name, ...positionals].join(' ')} [OPTIONS]`);
  for (const [line, explanation] of command.examples) reader.example(line, explanation);
  return withOptions(reader, command.options).getHelp();
}

function withOptions(reader: Argv, options: readonly Option[]): Argv {
  reader
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
