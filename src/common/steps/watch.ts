/** How the command's process comes to be watched: a filter whose other end the launcher takes (docs/watch.md). */
import type { ChainCall } from '../kernel/calls.js';
import type { Watch } from '../spec.js';
import { filterProgram } from '../watch/filter-program.js';

/**
 * Installs the filter, whose listener is a descriptor of the process: seccomp(2). It needs PR_SET_NO_NEW_PRIVS, or
 * CAP_SYS_ADMIN in the user namespace. From here on the first call that waits for an answer is execve(2).
 */
export const installFilter = (step: string, { kinds, killable }: Watch): ChainCall<'seccomp'> => ({
  step,
  call: 'seccomp',
  args: {
    operation: 'SECCOMP_SET_MODE_FILTER',
    flags: killable
      ? ['SECCOMP_FILTER_FLAG_NEW_LISTENER', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV']
      : 'SECCOMP_FILTER_FLAG_NEW_LISTENER',
    args: { instructions: filterProgram(kinds) },
  },
});

/** The same in a call chain: a descriptor is free below all others, so that the listener's number is known. */
export const installFilterInChain = (step: string, watch: Watch, free: number): ChainCall[] => [
  { step, call: 'close', args: { fd: free } },
  { ...installFilter(step, watch), returns: free },
];
