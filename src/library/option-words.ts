/** From the options of a program to the command line of `gontainer run`, which checks the values. */
import { usageFailure } from '../common/failure.js';
import { type RunOptions, runOptionNames } from './launch-options.js';
import { leftOut, optionOf, propertyOf } from './left-out.js';

/**
 * @throws Failure (status 2) for an option that is not for programs, or a value of no kind that an option has
 */
export function optionWords(options: RunOptions): string[] {
  return Object.entries(options).flatMap(([property, value]) => {
    const name = optionOf(property);
    if (leftOut.includes(name)) {
      throw usageFailure(`launch() has no option ${property}`, 'Use the command gontainer run for that.');
    }
    if (!runOptionNames.includes(property))
      throw usageFailure(`there is no option ${property}`, nextFor(property));
    if (value === undefined || value === false) return [];
    if (value === true) return [`--${name}`];
    return [value].flat().map((single: unknown) => {
      if (typeof single === 'string' || typeof single === 'number') return `--${name}=${single}`;
      throw usageFailure(`option ${property} of launch() cannot be ${String(single)}`);
    });
  });
}

/** A sentence about options of the command line, in the words of a program: `--read-only` is `readOnly`. */
export const inProgramWords = (sentence: string): string =>
  // Within a path it is part of a name.
  sentence.replace(/(?<![^\s(“])--([a-z][a-z0-9-]*)/g, (_, name: string) => propertyOf(name));

/** A name that is written as on the command line is easily mended. */
const nextFor = (property: string): string => {
  const meant = propertyOf(property.replace(/^-+/, ''));
  return runOptionNames.includes(meant)
    ? `It is called ${meant} here.`
    : 'Its options are those of gontainer run --help, in camel case.';
};
