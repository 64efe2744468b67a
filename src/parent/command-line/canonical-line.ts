/**
 * Reading the command line. Gontainer spells options with one dash (`-hostname=box`, Go's way), others with two; both
 * are read everywhere. The words are brought into one form here and then read by yargs.
 */
import { usageFailure } from '../../common/failure.js';
import { nearestName } from './nearest-name.js';
import type { Option } from './option.js';
import type { Command } from './subcommand.js';

/** Options that every command has. */
export const globalOptions: readonly Option[] = [
  { name: 'help', alias: 'h', kind: 'flag', describe: 'show this help', group: 'Help' },
  { name: 'version', alias: 'v', kind: 'flag', describe: 'show the version', group: 'Help' },
];

/** A command line in one form: long options with two dashes, values after `=`. */
export interface Canonical {
  /** Undefined where none was named, as in `gontainer --help`. */
  readonly command: Command | undefined;
  /** Options, `--name` or `--name=value`. */
  readonly options: readonly string[];
  /** The other words. */
  readonly words: readonly string[];
}

/**
 * Brings a command line into one form.
 * @throws Failure (status 2) for an unknown command or option, or an option without its value
 */
export function canonical(line: readonly string[], commands: readonly Command[]): Canonical {
  const command = commandOf(line, commands);
  const known = [...(command?.options ?? []), ...globalOptions];
  const options: string[] = [];
  const words: string[] = [];
  const rest = [...line];
  const firstOfRest = command?.positionals.findIndex(({ takes }) => takes === 'rest') ?? -1;
  let nameWords = command?.name.split(' ') ?? [];
  while (rest.length > 0) {
    const word = rest.shift() as string;
    if (word === '--') {
      words.push(...rest.splice(0));
    } else if (word === nameWords[0]) {
      nameWords = nameWords.slice(1);
    } else if (command?.name === 'run' && isRun(word)) {
      // Gontainer's spelling: an option that says what to do.
    } else if (/^-{1,2}[a-z]/i.test(word)) {
      options.push(canonicalOption(word, known, rest));
    } else {
      words.push(word);
      // The words of the container's command are its own.
      if (firstOfRest >= 0 && words.length > firstOfRest) words.push(...rest.splice(0));
    }
  }
  return { command, options, words };
}

/** `-run` anywhere before the container's command, or the command's name as the first word. */
function commandOf(line: readonly string[], commands: readonly Command[]): Command | undefined {
  const end = line.indexOf('--');
  const own = end < 0 ? line : line.slice(0, end);
  const isName = commands.some(({ name }) => name.split(' ')[0] === own[0]);
  if (!isName && own.some(isRun)) return commands.find(({ name }) => name === 'run');
  const [first, second] = own.filter((word) => !word.startsWith('-'));
  if (first === undefined) {
    if (own.some(asksForHelp) || own.length === 0) return undefined;
    throw usageFailure(`nothing to do: ${own.join(' ')} needs -run`, `Try: gontainer -run ${own.join(' ')}`);
  }
  const found = commands.find(({ name }) => name === first || name === `${first} ${second}`);
  if (found !== undefined) return found;
  const family = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  if (family.length > 0) {
    if (own.some(asksForHelp)) return undefined;
    throw usageFailure(
      `gontainer ${first} needs one more word: ${family.join(', ')}`,
      `See: gontainer ${family[0]} --help`,
    );
  }
  throw usageFailure(
    `unknown command “${first}”`,
    suggestion(
      first,
      commands.map(({ name }) => name),
      '',
    ),
  );
}

const isRun = (word: string): boolean => /^--?run(=true)?$/.test(word);
const asksForHelp = (word: string): boolean => /^--?(h|help|v|version)$/.test(word);

function canonicalOption(word: string, known: readonly Option[], rest: string[]): string {
  const [, name = '', value] = /^--?([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  const option = known.find((candidate) => candidate.name === name || candidate.alias === name);
  if (option === undefined) {
    throw usageFailure(
      `unknown option ${word.split('=')[0]}`,
      suggestion(
        name,
        known.map((candidate) => candidate.name),
        '-',
      ),
    );
  }
  if (option.kind === 'flag') {
    if (value !== undefined && value !== 'true')
      throw usageFailure(`-${option.name} takes no value, and got “${value}”`);
    return `--${option.name}`;
  }
  const given = value ?? (isOption(rest[0], known) ? undefined : rest.shift());
  if (given === undefined || given === '') {
    throw usageFailure(`-${option.name} needs a value: -${option.name}=${option.value}`);
  }
  if (option.choices !== undefined && !option.choices.includes(given)) {
    throw usageFailure(`-${option.name} is one of ${option.choices.join(', ')}, not “${given}”`);
  }
  if (option.kind === 'number' && !/^-?\d+$/.test(given)) {
    throw usageFailure(`-${option.name} takes a whole number, not “${given}”`);
  }
  return `--${option.name}=${given}`;
}

/** Whether the next word is an option of its own, and so no value: `-mnt -uid`. */
const isOption = (word: string | undefined, known: readonly Option[]): boolean =>
  word === undefined ||
  word === '--' ||
  known.some(({ name, alias }) =>
    [`-${name}`, `--${name}`, `-${alias}`].includes(String(word.split('=')[0])),
  );

/** The nearest name, if it is near enough to be what was meant. */
export function suggestion(
  given: string,
  names: readonly string[],
  prefix: string,
  otherwise = 'See: gontainer --help',
): string {
  const nearest = nearestName(given, names, Math.max(2, given.length / 3));
  return nearest === undefined ? otherwise : `Did you mean ${prefix}${nearest}?`;
}
