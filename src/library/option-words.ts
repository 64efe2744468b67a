/** From the options of a program to the command line of `gontainer run`, which checks the values. */
import { type RunOptions, runOptionKinds } from './launch-options.js';
import { leftOut, optionOf, propertyOf } from './left-out.js';
import { checkOptions, type OptionKinds } from './option-kinds.js';

/**
 * @param owner whose options they are, such as `launch()`
 * @param own those that it has beside those of `gontainer run`
 * @param without those of `gontainer run` that it has not, and what to do about each of them
 * @throws Failure (status 2) for an option that is not for programs, or a value of no kind that it has
 */
export function checkRunOptions(
  owner: string,
  options: unknown,
  own: OptionKinds,
  without: Readonly<Record<string, string>> = {},
): void {
  const all = Object.entries({ ...runOptionKinds, ...own }).filter(([name]) => !Object.hasOwn(without, name));
  checkOptions(owner, options, Object.fromEntries(all), (name) => without[name] ?? nextFor(name));
}

/** The options of `gontainer run`, as words of its command line. */
export const optionWords = (options: RunOptions): string[] =>
  Object.entries(options).flatMap(([property, value]) => {
    if (value === undefined || value === false) return [];
    const name = optionOf(property);
    return value === true ? [`--${name}`] : [value].flat().map((single) => `--${name}=${single}`);
  });

/** A sentence about options of the command line, in the words of a program: `--read-only` is `readOnly`. */
export const inProgramWords = (sentence: string): string =>
  // Within a path it is part of a name.
  sentence.replace(/(?<![^\s(“])--([a-z][a-z0-9-]*)/g, (_, name: string) => propertyOf(name));

/** A name that is written as on the command line is easily mended. */
function nextFor(property: string): string {
  if (leftOut.includes(optionOf(property))) return 'Use the command gontainer run for that.';
  const meant = propertyOf(property.replace(/^-+/, ''));
  return Object.hasOwn(runOptionKinds, meant)
    ? `It is called ${meant} here.`
    : 'Its options are those of gontainer run --help, in camel case.';
}
