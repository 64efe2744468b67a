/** Whether the kernel takes a call: asked with arguments that are wrong, so that nothing is done. */
import { constants as system } from 'node:os';
import { int, invoke, type Passed, pointer, text } from './libc.js';

const { EINVAL } = system.errno;

/** Arguments that each refuses, before it looks at anything else, with EINVAL: unknown flags, a structure of no size. */
const refused: Readonly<Record<string, readonly Passed[]>> = {
  open_tree: [int(-1), text(''), int(-1)],
  mount_setattr: [int(-1), text(''), int(0), pointer(0n), pointer(0n)],
};

/** False where the kernel or the C library is too old for one of these calls, or a seccomp filter hides it. */
export const available = (...calls: readonly ('open_tree' | 'mount_setattr')[]): boolean =>
  calls.every((name) => {
    const { value, errno } = invoke(name, refused[name] as readonly Passed[]);
    return value !== -1 || errno === EINVAL;
  });
