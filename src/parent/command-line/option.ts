/** One option of a subcommand, spelled `--name` and, as Gontainer did, `-name`. */
export interface Option {
  /** Without dashes, for example `hostname`. */
  readonly name: string;
  /** One more spelling, for example `h` for `help`. */
  readonly alias?: string;
  /** A flag takes no value; a list may be given several times. */
  readonly kind: 'flag' | 'text' | 'number' | 'decimal' | 'list';
  /** What the help calls the value, in capitals, for example `DIR`. */
  readonly value?: string;
  /** What it means without a value, which it then takes only behind `=`. */
  readonly alone?: string;
  /** The only values allowed. */
  readonly choices?: readonly string[];
  /** One line for the help. */
  readonly describe: string;
  /** The heading under which the help shows it. */
  readonly group: string;
}

/** Whether the word that follows it is its value. */
export const takesWord = ({ kind, alone }: Pick<Option, 'kind' | 'alone'>): boolean =>
  kind !== 'flag' && alone === undefined;

/** `=DIR`, and `[=DIR]` where it may be left out; nothing for a flag. */
export const shownValue = ({ value, alone }: Pick<Option, 'value' | 'alone'>): string =>
  value === undefined ? '' : alone === undefined ? `=${value}` : `[=${value}]`;
