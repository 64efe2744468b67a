/** The limits of one command, as the launcher takes them. */
import type { CommandLimits } from '../common/control.js';
import type { CommandLimitOptions } from './box.js';
import { optionOf } from './left-out.js';
import type { KindName } from './option-kinds.js';

/** What each may be. */
export const limitKinds = {
  ulimit: 'texts',
  memory: 'text',
  memorySwap: 'text',
  pidsLimit: 'number',
  cpus: 'number',
  cpuWeight: 'number',
  ioWeight: 'number',
} as const satisfies Record<keyof CommandLimitOptions, KindName>;

const names = Object.keys(limitKinds) as readonly (keyof CommandLimitOptions)[];

/** Undefined where there is none. */
export function commandLimits(options: CommandLimitOptions): CommandLimits | undefined {
  const chosen = names.filter((name) => options[name] !== undefined);
  if (chosen.length === 0) return undefined;
  return Object.fromEntries(chosen.map((name) => [optionOf(name), options[name]]));
}
