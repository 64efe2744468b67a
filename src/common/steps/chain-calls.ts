/** Calls that more than one call chain makes (docs/call-chain.md). */
import type { Chain, ChainCall } from '../kernel/calls.js';
import { stringsArea } from '../process-files.js';
import { looksIntoCopies } from './capabilities.js';

/** The process is killed when its parent dies: PR_SET_PDEATHSIG(2const). */
export const deathSignal = (step: string): ChainCall => ({
  step,
  call: 'prctl',
  args: { option: 'PR_SET_PDEATHSIG', arg2: 'SIGKILL', arg3: 0, arg4: 0, arg5: 0 },
});

/** No program that it executes gets more privileges than it has: PR_SET_NO_NEW_PRIVS(2const). */
export const noNewPrivileges = (step: string): ChainCall => ({
  step,
  call: 'prctl',
  args: { option: 'PR_SET_NO_NEW_PRIVS', arg2: 1, arg3: 0, arg4: 0, arg5: 0 },
});

/**
 * Nobody may look into the process, nor trace it, but who has the capability for that in the user namespace that its
 * program was started in: PR_SET_DUMPABLE(2const), ptrace(2). It holds until execve(2).
 */
export const notDumpable = (step: string): ChainCall => ({
  step,
  call: 'prctl',
  args: { option: 'PR_SET_DUMPABLE', arg2: 'SUID_DUMP_DISABLE', arg3: 0, arg4: 0, arg5: 0 },
});

/**
 * The same for a copy of this process, where it may still look into that itself: the evidence is read from it. That is so
 * for root, and root is who needs it. A container of root's without a PID namespace sees the copy, and it may look into
 * one that has no more capabilities than itself, or that is in a user namespace of root's: its owner has every capability
 * there (user_namespaces(7)). Nobody in the container of an ordinary user may look into the user's processes.
 */
export const hidden = (step: string): ChainCall[] => (looksIntoCopies() ? [notDumpable(step)] : []);

/** Closes every descriptor from 3 on but these. */
export function closeAllBut(step: string, kept: readonly number[]): ChainCall[] {
  const sorted = [...kept].sort((a, b) => a - b);
  const gaps = [...sorted, undefined].map(
    (next, index) => [index === 0 ? 3 : (sorted[index - 1] as number) + 1, next] as const,
  );
  return gaps
    .filter(([first, next]) => next === undefined || first < next)
    .map(([first, next]) => ({
      step,
      call: 'close_range',
      args: { first, last: next === undefined ? 'UINT_MAX' : next - 1, flags: 0 },
    }));
}

/**
 * The process forgets the arguments and the environment that this program was started with: /proc/PID/cmdline shows the
 * first to everybody.
 */
export const forgetStrings = (step: string): ChainCall[] =>
  (['arguments', 'environment'] as const).map((place) => ({
    step,
    call: 'memset',
    args: { s: { place }, c: 0, n: stringsArea()[place].length },
  }));

/**
 * Starts a chain in a process that is a child of the caller's parent, which can then wait for it (clone(2)).
 * @param shares whether it runs in the caller's memory, and the caller waits until it has executed its program: a copy of the
 * page tables of a Node takes longer than the rest of a chain
 */
export const cloneSibling = (step: string, chain: Chain, shares = false): ChainCall => ({
  step,
  call: 'clone',
  args: {
    fn: { place: 'setcontext' },
    stack: { place: 'stack' },
    flags: [
      ...(shares ? (['CLONE_VM', 'CLONE_VFORK'] as const) : []),
      'CLONE_PARENT',
      'CLONE_PARENT_SETTID',
      'SIGCHLD',
    ],
    arg: chain,
    parent_tid: { place: 'process ID' },
  },
});
