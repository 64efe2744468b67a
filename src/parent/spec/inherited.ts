/**
 * What the caller had and Node has changed at its start, as the shell at the head of main.cjs noted it (src/stub.sh).
 * Where nothing was noted, as with `node main.cjs`, what Node has is all there is to give to the command.
 */
import { constants } from 'node:os';
import { noteVariable } from '../../common/caller-note.js';
import { defined } from '../../common/defined.js';
import type { Limit } from '../../common/resource-limits.js';
import type { Inherited } from '../../common/spec.js';

/** Read each time: the files that the program is built into share no state. */
export function inherited(): Inherited {
  const [blocked = '', ignored = '', soft, hard] = note();
  const limits = { soft: limit(soft), hard: limit(hard) };
  return defined({
    ignoredSignals: signalsIn(ignored),
    blockedSignals: signalsIn(blocked),
    openFiles:
      limits.soft === undefined || limits.hard === undefined || limits.soft === limits.hard
        ? undefined
        : { soft: limits.soft, hard: limits.hard },
  });
}

/** From here on the signals that the caller ignored do not end this process. */
export function ignoreLikeCaller(): void {
  for (const name of ignoredNames()) process.on(name, () => {});
}

/** The same note for a launcher that this one starts. */
export function noteForChild(): Record<string, string> {
  return { [noteVariable]: [process.pid, ...note()].join(' ') };
}

/** The masks of blocked and of ignored signals, and the limits; nothing where the note is about another process and so is stale. */
function note(): string[] {
  const [pid, ...rest] = process.env[noteVariable]?.split(' ') ?? [];
  // A launcher in the background has one from the process that started it.
  return [process.pid, process.ppid].includes(Number(pid)) ? rest : [];
}

/** The ignored signals that this process has to ignore too, by name. */
export function ignoredNames(): NodeJS.Signals[] {
  const { ignoredSignals } = inherited();
  if (ignoredSignals.length === 0) return [];
  return (Object.entries(constants.signals) as [NodeJS.Signals, number][])
    .filter(([name, number]) => ignoredSignals.includes(number) && !left.includes(name))
    .map(([name]) => name);
}

/** Node ignores SIGPIPE itself, and has to hear of its children. */
const left: readonly NodeJS.Signals[] = ['SIGPIPE', 'SIGCHLD'];

const limit = (text = ''): Limit | undefined =>
  text === 'unlimited' ? text : /^\d+$/.test(text) ? Number(text) : undefined;

/** SIGKILL and SIGSTOP, which nobody can ignore, and the two that the C library keeps for itself (nptl(7)). */
const outOfReach = [9, 19, 32, 33];

/** The signals of a mask as proc_pid_status(5) writes it: bit 0 is signal 1. */
function signalsIn(mask: string): number[] {
  const bits = /^[0-9a-f]+$/.test(mask) ? BigInt(`0x${mask}`) : 0n;
  return Array.from({ length: 64 }, (_, index) => index + 1).filter(
    (signal) => ((bits >> BigInt(signal - 1)) & 1n) === 1n && !outOfReach.includes(signal),
  );
}
