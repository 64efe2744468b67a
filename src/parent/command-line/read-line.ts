/**
 * The one reader of the command line. Gontainer spells options with one dash (`-hostname=box`, Go's way), others with
 * two; both are read everywhere, with the value after `=` or as the next word. What is read is checked against the
 * table of options of the subcommand. yargs reads the same lines, and takes longer to load than a launch
 * (docs/performance.md): it only writes the help.
 */
import { type Failure, usageFailure } from '../../common/failure.js';
import { suggestion } from './nearest-name.js';
import type { Option } from './option.js';
import { insteadOfFlag, insteadOfLetters, insteadOfValue, insteadOfWord } from './phrasebook.js';
import type { Subcommand, Values } from './subcommand.js';

/** Options that every subcommand has. */
export const globalOptions: readonly Option[] = [
  { name: 'help', alias: 'h', kind: 'flag', describe: 'show this help', group: 'Help' },
  { name: 'version', alias: 'v', kind: 'flag', describe: 'show the version', group: 'Help' },
];

/** A command line that was read. */
export type Line =
  | { readonly asks: 'version' }
  | {
      readonly asks: 'help';
      /** What the help is about; undefined for all subcommands, or for those that begin with `family`. */
      readonly subcommand: Subcommand | undefined;
      readonly family: string | undefined;
    }
  | { readonly asks: 'run'; readonly subcommand: Subcommand; readonly values: Values };

/**
 * Reads the words after `gontainer`.
 * @throws Failure (status 2) for an unknown subcommand or option, an option without its value, and words that are
 *   missing or too many
 */
export function readLine(words: readonly string[], subcommands: readonly Subcommand[]): Line {
  const line = withoutWords(words);
  const subcommand = subcommandOf(line, subcommands);
  const { options, words: given } = optionsAndWords(line, subcommand);
  if (options.version) return { asks: 'version' };
  if (subcommand === undefined || options.help) {
    return { asks: 'help', subcommand, family: subcommand === undefined ? given[0] : undefined };
  }
  return { asks: 'run', subcommand, values: { options, ...positionalsOf(subcommand, given) } };
}

/** The line with --help and --version for the words `help` and `version`, with which other programs are asked. */
function withoutWords(line: readonly string[]): readonly string[] {
  const [first, ...rest] = line;
  return first === 'help'
    ? [...rest.filter((word) => word !== 'help'), '--help']
    : first === 'version'
      ? ['--version']
      : line;
}

/** `-run` anywhere before the container's command, or the subcommand's name as the first word. */
function subcommandOf(line: readonly string[], subcommands: readonly Subcommand[]): Subcommand | undefined {
  const end = line.indexOf('--');
  const before = end < 0 ? line : line.slice(0, end);
  const run = subcommands.find(({ name }) => name === 'run');
  const isName = subcommands.some(({ name }) => name.split(' ')[0] === before[0]);
  if (!isName && before.some(isRun)) return run;
  const [first, second] = before.filter((word) => !isOptionLike(word));
  if (first === undefined) {
    if (before.some(asksForHelp) || before.length === 0) return undefined;
    throw nothingToDo(before, run);
  }
  const found = subcommands.find(({ name }) => name === first || name === `${first} ${second}`);
  if (found !== undefined) return found;
  const family = subcommands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  if (family.length > 0 && before.some(asksForHelp)) return undefined;
  const both = `${first} ${second}`;
  if (family.length > 0 && second !== undefined)
    throw usageFailure(
      `unknown command “${both}”`,
      insteadOfWord(both) ?? suggestion(both, family, { otherwise: `See: gontainer ${first} --help` }),
    );
  if (family.length > 0)
    throw usageFailure(
      `${first} needs one more word: ${family.join(', ')}`,
      `See: gontainer ${family[0]} --help`,
    );
  const pair = insteadOfWord(both);
  if (pair !== undefined) throw usageFailure(`unknown command “${both}”`, pair);
  const names = subcommands.map(({ name }) => name);
  throw usageFailure(`unknown command “${first}”`, insteadOfWord(first) ?? suggestion(first, names));
}

/** The failure of a line that has options only; what `run` does not know is said instead. */
function nothingToDo(options: readonly string[], run: Subcommand | undefined): Failure {
  optionsAndWords(options, run);
  const typed = options.join(' ');
  return options.every((word) => word.startsWith('--'))
    ? usageFailure(`nothing to do: ${typed} needs the word run`, `Try: gontainer run ${typed}`)
    : usageFailure(`nothing to do: ${typed} needs -run`, `Try: gontainer -run ${typed}`);
}

/** `-` and `-1` are words. */
const isOptionLike = (word: string): boolean => /^-{1,2}[a-z]/i.test(word);
const isRun = (word: string): boolean => /^--?run(=true)?$/.test(word);
const asksForHelp = (word: string): boolean => /^--?(h|help|v|version)$/.test(word);

/** The values of the options by their names, and the words that are left. */
function optionsAndWords(
  line: readonly string[],
  subcommand: Subcommand | undefined,
): { options: Values['options']; words: string[] } {
  const known = [...(subcommand?.options ?? []), ...globalOptions];
  const options: Record<string, Values['options'][string]> = {};
  const words: string[] = [];
  const rest = [...line];
  const firstOfRest = subcommand?.positionals.findIndex(({ takes }) => takes === 'rest') ?? -1;
  let nameWords = subcommand?.name.split(' ') ?? [];
  while (rest.length > 0) {
    const word = rest.shift() as string;
    if (word === '--') {
      words.push(...rest.splice(0));
    } else if (word === nameWords[0]) {
      nameWords = nameWords.slice(1);
    } else if (subcommand?.name === 'run' && isRun(word)) {
      // Gontainer's spelling: an option that says what to do.
    } else if (isOptionLike(word)) {
      const { option, given } = readOption(word, known, rest, subcommand);
      options[option.name] = withValue(option, given, options[option.name]);
    } else {
      words.push(word);
      // The words of the container's command are not gontainer's.
      if (firstOfRest >= 0 && words.length > firstOfRest) words.push(...rest.splice(0));
    }
  }
  return { options, words };
}

/**
 * The option that a word names, and the text of its value, for which the next word may be taken from `rest`.
 * @throws Failure (status 2), with the option as it was typed
 */
function readOption(
  word: string,
  known: readonly Option[],
  rest: string[],
  subcommand: Subcommand | undefined,
): { option: Option; given: string } {
  const [, typed = '', dashes = '', name = '', value] = /^((--?)([^=]+))(?:=(.*))?$/s.exec(word) ?? [];
  const option = known.find((candidate) => candidate.name === name || candidate.alias === name);
  if (option === undefined || isVolume(typed, value ?? rest[0])) {
    throw usageFailure(`unknown option ${typed}`, insteadOf(name, dashes, known, subcommand));
  }
  if (isHostname(typed, value ?? rest[0], subcommand))
    throw usageFailure(`${typed} shows the help, and takes no value`, 'Use --uts --hostname NAME.');
  if (option.kind === 'flag') {
    if (value !== undefined && value !== 'true')
      throw usageFailure(
        `${typed} takes no value, and got “${value}”`,
        insteadOfValue(name, value, subcommand),
      );
    return { option, given: '' };
  }
  if (option.alone !== undefined && value === undefined) return { option, given: option.alone };
  const given = value ?? (isOption(rest[0], known) ? undefined : rest.shift());
  if (given === undefined || given === '') {
    throw usageFailure(`${typed} needs a value: ${typed}=${option.value}`);
  }
  if (option.choices !== undefined && !option.choices.includes(given)) {
    throw usageFailure(`${typed} is one of ${option.choices.join(', ')}, not “${given}”`);
  }
  if (option.kind === 'number' && !(/^-?\d+$/.test(given) && Number.isSafeInteger(Number(given)))) {
    throw usageFailure(`${typed} takes a whole number, not “${given}”`);
  }
  if (option.kind === 'decimal' && !/^-?\d+(\.\d+)?$/.test(given)) {
    throw usageFailure(`${typed} takes a number, not “${given}”`);
  }
  return { option, given };
}

/** What to type instead of an option that is not known. */
function insteadOf(
  name: string,
  dashes: string,
  known: readonly Option[],
  subcommand: Subcommand | undefined,
): string {
  const phrase = insteadOfFlag(name, subcommand);
  if (phrase !== undefined) return phrase;
  const otherwise =
    (dashes === '-' ? insteadOfLetters(name, subcommand) : undefined) ??
    `See: gontainer ${subcommand === undefined ? '' : `${subcommand.name} `}--help`;
  return suggestion(
    name,
    known.map((candidate) => candidate.name),
    { prefix: dashes, otherwise },
  );
}

/** Whether `-h` is meant as Docker has it, `run -h box`; `-h run` and `-h=true`, as Go writes a flag, ask for the help. */
const isHostname = (typed: string, next: string | undefined, subcommand: Subcommand | undefined): boolean =>
  typed === '-h' &&
  subcommand?.name === 'run' &&
  next !== undefined &&
  !next.startsWith('-') &&
  next !== 'run' &&
  next !== 'true';

/** Whether `-v` is meant as Docker has it, `-v /a:/b`: alone it asks for the version, as Gontainer has it. */
const isVolume = (typed: string, next: string | undefined): boolean =>
  typed === '-v' && next !== undefined && /^\/|:/.test(next);

/** A flag is true; a list gets one more; of another option given twice the last value counts. */
function withValue(
  { kind }: Option,
  given: string,
  before: Values['options'][string],
): Values['options'][string] {
  switch (kind) {
    case 'flag':
      return true;
    case 'number':
    case 'decimal':
      return Number(given);
    case 'list':
      return [...((before as readonly string[] | undefined) ?? []), given];
    case 'text':
      return given;
  }
}

/** Whether the next word is an option itself, and so no value: `-mnt -uid`. */
const isOption = (word: string | undefined, known: readonly Option[]): boolean =>
  word === undefined ||
  word === '--' ||
  known.some(({ name, alias }) =>
    [`-${name}`, `--${name}`, `-${alias}`].includes(String(word.split('=')[0])),
  );

/** The words by the names of the subcommand's positionals. */
function positionalsOf(
  { name: subcommand, positionals: expected }: Subcommand,
  words: readonly string[],
): Pick<Values, 'positionals' | 'rest'> {
  const positionals: Record<string, string | undefined> = {};
  const rest = [...words];
  for (const { name, takes } of expected) {
    if (takes === 'rest') return { positionals, rest };
    positionals[name] = rest.shift();
    if (positionals[name] === undefined && takes !== 'optional')
      throw usageFailure(`${subcommand} needs ${name}`, `See: gontainer ${subcommand} --help`);
  }
  if (rest.length > 0)
    throw usageFailure(`${subcommand} does not take “${rest[0]}”`, `See: gontainer ${subcommand} --help`);
  return { positionals, rest };
}
