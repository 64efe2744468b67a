/** Calls about processes and the terminal that go on while the command runs; after the launch, so not in its log. */
import { constants as system } from 'node:os';
import { childrenOf } from '../process-files.js';
import { withSignalMask } from './arena.js';
import { constants } from './constants.js';
import { errnoName } from './errno.js';
import { bytes, int, invoke, pointer } from './libc.js';

/** What waitpid(2) says of a process: it ended with a status, was killed by a signal, or was stopped by one. */
export interface ProcessChange {
  readonly pid: number;
  readonly status?: number;
  readonly killedBy?: NodeJS.Signals;
  readonly stoppedBy?: NodeJS.Signals;
}

/** `SIGTERM` for 15, `SIGRTMIN+6` for 40: signal(7). Node has no names for real-time signals. */
export const signalName = (signal: number): NodeJS.Signals =>
  (Object.entries(system.signals).find(([, number]) => number === signal)?.[0] ??
    (signal < realtime.first ? `SIG${signal}` : realtimeName(signal - realtime.first))) as NodeJS.Signals;

const realtimeName = (index: number): string => (index === 0 ? 'SIGRTMIN' : `SIGRTMIN+${index}`);

export const signalNumber = (name: NodeJS.Signals): number =>
  system.signals[name] ??
  (name.startsWith('SIGRTMIN')
    ? realtime.first + Number(name.slice('SIGRTMIN'.length))
    : Number(name.slice('SIG'.length)));

/** SIGRTMIN and SIGRTMAX of glibc, which keeps the two before them for itself: nptl(7). */
export const realtime = { first: 34, last: 64 } as const;

const { EINTR, ECHILD } = system.errno;

/**
 * waitpid(2). Safe beside libuv, which waits only for the processes it started itself.
 * @param pid a process, or -1 for any child
 * @returns undefined when there is nothing to tell (now, with `wait` false), or no such child
 * @throws an error with `syscall` and `code`, as Node's own, when the kernel refuses to say
 */
export function waitForProcess(pid: number, wait: boolean): ProcessChange | undefined {
  const word = Buffer.alloc(4);
  const options = wait ? 0 : constants.WNOHANG | constants.WUNTRACED;
  const { value, errno } = invoke('waitpid', [int(pid), bytes(word), int(options)]);
  if (value === -1 && errno === EINTR) return waitForProcess(pid, wait);
  if (value === -1 && errno !== ECHILD) {
    const code = errnoName(errno);
    throw Object.assign(new Error(`waitpid: ${code}`), { syscall: 'waitpid', code });
  }
  return value <= 0 ? undefined : processChange(value, word.readInt32LE(0));
}

/** Takes the status of waitpid(2) apart as its macros do: the low 7 bits are the signal, 0x7f means stopped. */
export function processChange(pid: number, status: number): ProcessChange {
  const [low, high] = [status & 0x7f, (status >> 8) & 0xff];
  if (low === 0x7f) return { pid, stoppedBy: signalName(high) };
  return low === 0 ? { pid, status: high } : { pid, killedBy: signalName(low) };
}

/**
 * Ends every child of this process, and their children, which become its own as their parents end (it is a subreaper:
 * PR_SET_CHILD_SUBREAPER(2const)).
 * @param spared the one that goes on
 */
export function endChildren(spared?: number): void {
  const left = () => childrenOf(process.pid).filter((child) => child !== spared);
  for (let children = left(); children.length > 0; children = left()) {
    for (const child of children) {
      try {
        process.kill(child, 'SIGKILL');
      } catch {
        return; // It became somebody whom this process may not kill: a set-user-ID program.
      }
    }
    for (const child of children) waitForProcess(child, true);
  }
}

/** Ends a child of this process and waits for it. A child keeps its process ID until it has been waited for. */
export function endChild(pid: number): ProcessChange | undefined {
  process.kill(pid, 'SIGKILL');
  return waitForProcess(pid, true);
}

/** tcsetpgrp(3): makes a process group the one that the terminal behind standard input belongs to. */
export function giveTerminal(group: number): void {
  const word = Buffer.alloc(4);
  word.writeInt32LE(group);
  // From the background this stops the caller with SIGTTOU unless that is blocked.
  withSignalMask('all', () => invoke('ioctl', [int(0), pointer(BigInt(constants.TIOCSPGRP)), bytes(word)]));
}

/** tcflush(3): throws away what was typed on standard input and not read yet. */
export const discardInput = (): void => {
  invoke('ioctl', [int(0), pointer(BigInt(constants.TCFLSH)), int(constants.TCIFLUSH)]);
};

/** isatty(3). node:tty has it too, and with it loads what Node has for networks and streams. */
export const isTerminal = (fd: number): boolean => invoke('isatty', [int(fd)]).value === 1;

/** Ends this process at once, without waiting for threads that are still reading: _exit(2). */
export function exitNow(status: number): never {
  invoke('_exit', [int(status)]);
  throw new Error('unreachable');
}
