/** Whether the kernel takes a call: asked with arguments that are wrong, so that nothing is done. */
import { constants as system } from 'node:os';
import { constants } from './constants.js';
import { int, invoke, type Passed, pointer, text } from './libc.js';

const { EINVAL } = system.errno;

/** Arguments that each refuses, or has nothing to do for: unknown flags, a structure of no size, a range of no descriptors. */
const refused: Readonly<Record<string, readonly Passed[]>> = {
  open_tree: [int(-1), text(''), int(-1)],
  mount_setattr: [int(-1), text(''), int(0), pointer(0n), pointer(0n)],
};

/** Whether close_range(2) can mark descriptors for execve(2) to close, as it can since Linux 5.11. */
export const closesAtExecve = (): boolean =>
  invoke('close_range', [int(-1), int(-1), int(constants.CLOSE_RANGE_CLOEXEC)]).value === 0;

/** False where the kernel is too old for one of these calls, or a seccomp filter hides it. */
export const available = (...calls: readonly ('open_tree' | 'mount_setattr')[]): boolean =>
  calls.every((name) => {
    const { value, errno } = invoke(name, refused[name] as readonly Passed[]);
    return value !== -1 || errno === EINVAL;
  });
