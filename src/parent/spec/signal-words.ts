/** Signals as people, and images, write them: kill(1). */
import { constants } from 'node:os';
import { usageFailure } from '../../common/failure.js';
import { realtime } from '../../common/kernel/processes.js';

/** The number of `TERM`, `SIGTERM`, `sigterm`, `15` or `RTMIN+3`; undefined for what is none. */
export function signalNumbered(text: string): number | undefined {
  const name = text.toUpperCase().replace(/^(SIG)?/, 'SIG');
  const number = /^\d{1,2}$/.test(text)
    ? Number(text)
    : (constants.signals[name as NodeJS.Signals] ?? realtimeNumbered(name));
  return number !== undefined && number <= realtime.last ? number : undefined;
}

/**
 * The same.
 * @param least 0 where the signal that is none is one too: it only asks whether there is such a process (kill(2))
 * @throws Failure (status 2) for what is no signal
 */
export function requiredSignal(text: string, least: 0 | 1): number {
  const number = signalNumbered(text);
  if (number !== undefined && number >= least) return number;
  throw usageFailure(`there is no signal “${text}”`, 'For example TERM, INT, HUP or KILL: see kill -l.');
}

/** `SIGRTMIN+3` or `SIGRTMAX-3`; undefined for what is neither. */
function realtimeNumbered(name: string): number | undefined {
  const [, edge, distance = '0'] = /^SIGRT(MIN(?=$|\+)|MAX(?=$|-))([+-]\d{1,2})?$/.exec(name) ?? [];
  if (edge === undefined) return undefined;
  const number = (edge === 'MIN' ? realtime.first : realtime.last) + Number(distance);
  return number >= realtime.first && number <= realtime.last ? number : undefined;
}
