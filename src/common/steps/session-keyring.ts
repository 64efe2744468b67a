/** keyrings(7): the keys of the caller's session, which every process inherits from its parent. */
import type { Kernel } from '../kernel/kernel.js';
import { KernelError } from '../kernel/kernel-error.js';
import type { Refusal } from '../step.js';

/** The kernel has no keyrings, a seccomp filter hides them, or the user has as many keys as the quota allows. */
const tolerable = ['ENOSYS', 'EPERM', 'EACCES', 'EDQUOT', 'ENOMEM'];

/**
 * Gives this process an empty session keyring, and so whoever it starts: no namespace separates the keys of a session,
 * which a process that has inherited them may read, whoever it is.
 */
export function leaveSessionKeyring(kernel: Kernel): void {
  try {
    kernel.call('keyctl', {
      operation: 'KEYCTL_JOIN_SESSION_KEYRING',
      arg2: 0,
      arg3: 0,
      arg4: 0,
      arg5: 0,
    });
  } catch (error) {
    if (!(error instanceof KernelError) || !tolerable.includes(error.data.errno)) throw error;
  }
}

export const keyringRefusals: readonly Refusal[] = [
  { call: 'keyctl', instead: 'the command keeps the keys of its caller’s session' },
];
