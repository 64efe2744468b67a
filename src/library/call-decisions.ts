/** Has a function of the program decide about each watched call, and tells the launcher (src/common/watch/decisions.ts). */
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import { defined } from '../common/defined.js';
import { type Failure, usageFailure } from '../common/failure.js';
import { errnoNumber } from '../common/kernel/errno.js';
import { type Decision, decisionLine, isErrno, type Question } from '../common/watch/decisions.js';
import type { AskedCall, CallDecision } from './container.js';
import { readJsonLines } from './json-lines.js';

export type OnCall = (call: AskedCall) => CallDecision | Promise<CallDecision>;

/**
 * Answers every question that comes, each as soon as the function has decided.
 * @param failed called where the function throws, or answers what is no decision: that call fails with EPERM, and then the
 *   launcher ends the container
 */
export function decideCalls(launcher: Duplex, onCall: OnCall, failed: (reason: unknown) => void): void {
  void readJsonLines(launcher, (document) => {
    const { number, call } = document as Question<AskedCall>;
    void decision(call, onCall, failed).then((decided) => {
      // The container may have ended meanwhile.
      if (launcher.writable) launcher.write(decisionLine({ number, ...decided }));
    });
  });
}

async function decision(
  call: AskedCall,
  onCall: OnCall,
  failed: (reason: unknown) => void,
): Promise<Omit<Decision, 'number'>> {
  try {
    return defined({ errno: errnoOf(await onCall(call), call.watched) });
  } catch (reason) {
    failed(reason);
    return { errno: constants.errno.EPERM, fault: `onCall failed at ${call.watched}` };
  }
}

/** @throws Failure (status 2) for what is no decision: a program need not be one of TypeScript */
function errnoOf(answer: unknown, call: string): number | undefined {
  if (answer === 'continue') return undefined;
  if (typeof answer !== 'object' || answer === null || !('errno' in answer))
    throw wrong(`what onCall answered to ${call} is not a decision`);
  const { errno } = answer;
  const number = typeof errno === 'string' ? errnoNumber(errno) : errno;
  if (isErrno(number)) return number;
  const shown = ['string', 'number'].includes(typeof errno) ? `“${errno}”` : `a ${typeof errno}`;
  throw wrong(`onCall answered to ${call} with ${shown}, which is not an errno of the system`);
}

const wrong = (message: string): Failure =>
  usageFailure(message, "Answer 'continue', or { errno: 'EACCES' } or another errno by name or number.");
