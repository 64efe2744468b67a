/** Trying things instead of guessing them from a version: through the same call chain that a launch uses. */
import { spawnSync } from 'node:child_process';
import { KernelError } from '../../common/kernel/kernel-error.js';
import { waitForProcess } from '../../common/kernel/processes.js';
import { Recorder } from '../../common/kernel/recorder.js';
import type { CloneFlag } from '../../common/namespaces.js';

/**
 * Makes namespaces in a process of its own, which ends at once.
 * @returns undefined when it worked, else the errno's name
 */
export function tryUnshare(flags: readonly CloneFlag[]): string | undefined {
  const kernel = new Recorder('doctor', process.hrtime.bigint(), () => {});
  const step = 'doctor';
  const running = kernel.clone({
    actor: 'trial',
    calls: [
      { step, call: 'unshare', args: { flags } },
      { step, call: '_exit', args: { status: 0 } },
    ],
  });
  waitForProcess(running.pid, true);
  running.record();
  try {
    running.throwFailure();
    return undefined;
  } catch (error) {
    return error instanceof KernelError ? error.data.errno : String(error);
  } finally {
    running.release();
  }
}

/**
 * A whole launch, with a shell script inside.
 * @returns undefined when it worked, else what gontainer said
 */
export function tryLaunch(options: readonly string[], script = ':'): string | undefined {
  const words = [
    ...process.execArgv,
    process.argv[1] as string,
    'run',
    '--quiet',
    ...options,
    '--',
    '/bin/sh',
    '-c',
    script,
  ];
  const { status, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return status === 0
    ? undefined
    : stderr.trim().replace(/^gontainer: /, '') || `it ended with status ${status}`;
}
