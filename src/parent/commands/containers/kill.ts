/** `gontainer kill`: a signal for the command of a container. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as later } from 'node:timers/promises';
import { Failure, usageFailure } from '../../../common/failure.js';
import { childrenOf } from '../../../common/process-files.js';
import { requiredSignal } from '../../spec/signal-words.js';
import { findContainer } from '../../state/find.js';
import type { Container } from '../../state/listing.js';
import { isAlive } from '../../state/process-identity.js';

/** Milliseconds that a container's init has to end after its command, and between two looks. */
const [patience, pause] = [1_000, 10];

/** @throws Failure with status 2 for an unknown container or signal, 125 when it cannot be sent */
export async function kill(word: string, given: string | undefined): Promise<number> {
  if (/^-\d+$/.test(word))
    throw usageFailure(
      `${word} is not a container: the signal is the word after the name`,
      `Try: gontainer kill ${given ?? 'NAME'} ${word.slice(1)}`,
    );
  if (given !== undefined) requiredSignal(given, 0);
  const container = findContainer(word);
  const signal = given ?? container.stopSignal ?? 'TERM';
  const number = requiredSignal(signal, 0);
  const pid = receiver(container);
  try {
    if (!isAlive(container.process)) throw Object.assign(new Error(), { code: 'ESRCH' });
    if (container.asPid1 && container.state === 'running') checkHandled(container, number);
    else checkNotIgnored(container, pid, number);
    process.kill(pid, number);
    if (number === constants.signals.SIGKILL) await endOf(container);
    return 0;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const ended = (error as NodeJS.ErrnoException).code === 'ESRCH';
    throw new Failure(
      ended
        ? `${container.name} has just ended`
        : `the kernel does not let you send ${signal} to the command of ${container.name}`,
    );
  }
}

/**
 * The command; its init goes when the command does. While the container is being set up the launcher is told, which
 * then gives up and leaves nothing.
 */
function receiver({ state, process, launcher, asPid1 }: Container): number {
  if (state === 'set-up') return launcher.pid;
  if (asPid1) return process.pid;
  // The command is the first child of its init, for as long as there is a container.
  const [command] = childrenOf(process.pid);
  if (command === undefined) throw new Failure('the command has just ended');
  return command;
}

/**
 * The container's init ends by itself when its command was killed. Root inside can keep it from that; then it is killed
 * too, and the launcher, whose child it is, ends what is left.
 */
async function endOf({ process: init }: Container): Promise<void> {
  for (const until = performance.now() + patience; isAlive(init); await later(pause)) {
    if (performance.now() < until) continue;
    process.kill(init.pid, 'SIGKILL');
    return;
  }
}

/**
 * PID 1 gets no signal that it has no handler for, not even from the host, but SIGKILL and SIGSTOP: pid_namespaces(7).
 * @throws Failure when that is so, as the kernel would say nothing
 */
function checkHandled({ name, process: { pid } }: Container, number: number): void {
  const caught = signalMask(pid, 'SigCgt');
  const { SIGKILL, SIGSTOP, SIGCONT } = constants.signals;
  const mask = number === 0 ? 0n : 1n << BigInt(number - 1);
  if ([0, SIGKILL, SIGSTOP, SIGCONT].includes(number) || (caught & mask) !== 0n) return;
  throw new Failure(
    `the command of ${name} is PID 1 and has no handler for signal ${number}: the kernel drops it`,
    {
      next: `To end it whatever it does: gontainer kill ${name} KILL`,
    },
  );
}

/**
 * An interactive shell ignores SIGTERM, as many an interactive program does.
 * @throws Failure where the signal would do nothing
 */
function checkNotIgnored({ name, state }: Container, pid: number, number: number): void {
  if (state !== 'running' || number === 0 || (signalMask(pid, 'SigIgn') & (1n << BigInt(number - 1))) === 0n)
    return;
  throw new Failure(`the command of ${name} ignores signal ${number}, as an interactive shell does`, {
    next: `Send it HUP (gontainer kill ${name} HUP), or end it whatever it does: gontainer kill ${name} KILL`,
  });
}

/** A set of signals of a process: proc_pid_status(5). */
function signalMask(pid: number, name: 'SigCgt' | 'SigIgn'): bigint {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? 0}`);
}
