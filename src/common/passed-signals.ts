/**
 * The signals that are passed on to the command: all that can be taken and that do not mean this process alone, such as
 * SIGCHLD and SIGTSTP. The launcher's handler takes them, and so does its child's. Those that Node has no names for, the
 * real-time signals, are in numbered-signals.ts.
 */

/** Sent to have somebody end. */
export const endingSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

/** Those that do nothing to a process without a handler: signal(7). */
const harmlessSignals = ['SIGCONT', 'SIGURG', 'SIGWINCH'] as const;

/** Those that end a process without a handler, though they may be sent for something else. */
const otherDeadlySignals = [
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPWR',
  'SIGIO',
  'SIGXCPU',
  'SIGSYS',
  'SIGSTKFLT',
] as const;

export const deadlySignals = [...endingSignals, ...otherDeadlySignals] as const;

/** All but those that are sent to have somebody end. */
export const otherPassedSignals = [...otherDeadlySignals, ...harmlessSignals] as const;

/** Whether it would end a process without a handler. */
export const isDeadly = (signal: NodeJS.Signals): boolean =>
  !(harmlessSignals as readonly NodeJS.Signals[]).includes(signal);
