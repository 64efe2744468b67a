/** The limits of one command, as the launcher takes them. */
import type { CommandLimits } from '../common/control.js';
import { usageFailure } from '../common/failure.js';
import type { CommandLimitOptions } from './box.js';
import { optionOf } from './left-out.js';

/** What each may be. */
const kinds: Readonly<Record<keyof CommandLimitOptions, (value: unknown) => boolean>> = {
  ulimit: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  memory: (value) => typeof value === 'string',
  memorySwap: (value) => typeof value === 'string',
  pidsLimit: (value) => typeof value === 'number',
  cpus: (value) => typeof value === 'number',
  cpuWeight: (value) => typeof value === 'number',
  ioWeight: (value) => typeof value === 'number',
};

export const limitNames = Object.keys(kinds) as readonly (keyof CommandLimitOptions)[];

/**
 * @returns undefined where there is none
 * @throws Failure (status 2) for a value of another kind
 */
export function commandLimits(options: CommandLimitOptions): CommandLimits | undefined {
  const chosen = limitNames.filter((name) => options[name] !== undefined);
  for (const name of chosen)
    if (!kinds[name](options[name]))
      throw usageFailure(`option ${name} of a command cannot be ${String(options[name])}`);
  if (chosen.length === 0) return undefined;
  return Object.fromEntries(chosen.map((name) => [optionOf(name), options[name]]));
}
