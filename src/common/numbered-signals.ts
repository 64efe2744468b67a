/**
 * Signals that process.on() does not take, because Node has no names for them: the real-time ones. What Node makes for a
 * signal with a name, its SIGNALWRAP, takes any number. No module gives it away, but async_hooks shows each as it is made.
 */
import { createHook } from 'node:async_hooks';
import { constants } from 'node:os';
import { realtime } from './kernel/processes.js';
import { callersOptions } from './node-options.js';

interface SignalWrap {
  onsignal: (number: number) => void;
  unref(): void;
  start(number: number): number;
}

/** SIGPROF too: V8 has it while it takes a profile, as for coverage, and Node then warns of every listener. */
const profiled = (): boolean => callersOptions().length > 0 || process.env.NODE_V8_COVERAGE !== undefined;

const numbers = (): number[] => [
  ...Array.from({ length: realtime.last - realtime.first + 1 }, (_, index) => realtime.first + index),
  ...(profiled() ? [] : [constants.signals.SIGPROF]),
];

/**
 * From here on they do not end this process, where this Node lets them be heard at all; else they do.
 * @param ignored the numbers of those that are left as they are
 */
export function onNumberedSignals(take: (number: number) => void, ignored: readonly number[]): void {
  const Wrap = signalWrap();
  if (Wrap === undefined) return;
  for (const number of numbers()) {
    if (ignored.includes(number)) continue;
    const wrap = new Wrap();
    wrap.unref();
    wrap.onsignal = take;
    wrap.start(number);
  }
}

function signalWrap(): (new () => SignalWrap) | undefined {
  let found: (new () => SignalWrap) | undefined;
  const hook = createHook({
    init(_, type, __, resource) {
      if (type === 'SIGNALWRAP') found = resource.constructor as new () => SignalWrap;
    },
  }).enable();
  const nothing = (): void => {};
  // Another name of SIGIO: Node makes one for each name.
  process.on('SIGPOLL', nothing);
  hook.disable();
  process.off('SIGPOLL', nothing);
  return found;
}
