import type { ChainCall } from './calls.js';
import type { Kernel } from './kernel.js';
import type { ProcessChange } from './processes.js';

/**
 * Runs a program with the standard streams of this process and without an environment, and waits for its end.
 * @param actor what the log calls it, and its first word
 * @throws KernelError when it cannot be executed
 */
export function runProgram(
  kernel: Kernel,
  actor: string,
  pathname: string,
  words: readonly string[],
): ProcessChange {
  const { step } = kernel;
  const running = kernel.clone({
    actor,
    calls: [
      ...[0, 1, 2].map((fd): ChainCall => ({ step, call: 'fcntl', args: { fd, cmd: 'F_SETFD', arg: 0 } })),
      { step, call: 'execve', args: { pathname, argv: [actor, ...words], envp: {} } },
      { step, call: '_exit', args: { status: 127 } },
    ],
  });
  const ended = kernel.wait(running.pid);
  running.record([actor]);
  running.throwFailure();
  running.release();
  return ended;
}
