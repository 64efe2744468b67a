/** What is said of a call that this kernel does not have, or does not take as it is made here. */
import { release } from 'node:os';
import { type NewerCall, newerCalls } from '../../common/kernel/calls.js';
import type { KernelErrorData } from '../../common/kernel/kernel-error.js';
import { withLine } from './doctor-lines.js';
import { filteredBySeccomp, outOfContainer } from './obstacles.js';

/**
 * One sentence about a call that failed for want of a newer kernel; undefined where that is not why. close_range(2) takes
 * CLOSE_RANGE_CLOEXEC later than it is there, and EINVAL has no other reason.
 */
export function needsNewerKernel({
  call,
  errno,
}: Pick<KernelErrorData, 'call' | 'errno'>): string | undefined {
  if (call === 'close_range' && errno === 'EINVAL')
    return withLine(`This takes Linux ${newerCalls.close_range.later?.since} or later`, 'kernel');
  if (errno !== 'ENOSYS' || !isNewer(call)) return undefined;
  return withLine(whyMissing(call), 'kernel');
}

/** Why a call is missing here: by its version this kernel is too old, or something keeps the call from this process. */
export function whyMissing(call: NewerCall): string {
  const { since } = newerCalls[call];
  const here = release();
  if (isBefore(here, since)) return `${call}(2) takes Linux ${since} or later, and this is ${here}`;
  const though = `though Linux has it since ${since} and this is ${here}`;
  return filteredBySeccomp()
    ? `A seccomp filter keeps ${call}(2) from this process, ${though}: ${outOfContainer()}`
    : `${call}(2) is missing, ${though}: this kernel was built without it, or something hides it`;
}

const isNewer = (call: string): call is NewerCall => Object.hasOwn(newerCalls, call);

/** Compares versions such as 5.10.0-8-amd64 and 5.9. */
export function isBefore(here: string, since: string): boolean {
  const [ours, theirs] = [here, since].map((version) => version.split(/\D/, 3).map(Number)) as [
    number[],
    number[],
  ];
  const at = theirs.findIndex((number, index) => number !== (ours[index] ?? 0));
  return at !== -1 && (ours[at] ?? 0) < (theirs[at] as number);
}
