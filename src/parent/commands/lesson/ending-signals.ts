/** Signals that would kill this process end the lesson first: what it started, and its folder. */
import { statusOfSignal } from '../../../common/failure.js';
import { signalNumber } from '../../../common/kernel/processes.js';

/**
 * From here on each of these signals ends the lesson, and then this process, with the status that a shell gives for it.
 * A second one, while the first is obeyed, changes nothing.
 * @param end called no sooner than this process waits for something
 */
export function endWith(signals: readonly NodeJS.Signals[], end: () => Promise<unknown>): void {
  for (const signal of signals) {
    process.removeAllListeners(signal);
    process.on(signal, () => {
      void end().finally(() => process.exit(statusOfSignal(signalNumber(signal))));
    });
  }
}
