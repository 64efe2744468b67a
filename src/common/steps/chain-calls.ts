/** Calls that more than one call chain makes (docs/call-chain.md). */
import type { Chain, ChainCall } from '../kernel/calls.js';

/** The process is killed when its parent dies: PR_SET_PDEATHSIG(2const). */
export const deathSignal = (step: string): ChainCall => ({
  step,
  call: 'prctl',
  args: { option: 'PR_SET_PDEATHSIG', arg2: 'SIGKILL', arg3: 0, arg4: 0, arg5: 0 },
});

/** Starts a chain in a process that is a child of the caller's parent, which can then wait for it (clone(2)). */
export const cloneSibling = (step: string, chain: Chain): ChainCall => ({
  step,
  call: 'clone',
  args: {
    fn: { place: 'setcontext' },
    stack: { place: 'stack' },
    flags: ['CLONE_PARENT', 'CLONE_PARENT_SETTID', 'SIGCHLD'],
    arg: chain,
    parent_tid: { place: 'process ID' },
  },
});
