/** The launcher's process: the same `gontainer run` that a user types, which is told to say everything over pipes. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { Socket } from 'node:net';
import { noteOfThisProgram } from '../common/caller-note.js';
import { defined } from '../common/defined.js';
import { exitStatus, Failure, usageFailure } from '../common/failure.js';
import { errnoWords, errorCode, KernelError } from '../common/kernel/kernel-error.js';
import { type CommandEnvironment, launcherEnvironment } from './command-environment.js';
import type { StandardStream } from './container.js';
import { launcherFile } from './launcher-file.js';

/** The launcher's descriptors beside the command's streams. */
const descriptors = { status: 3, log: 4, environment: 5 } as const;

/** The next one, for what one kind of launch has beside that: the first of its own pipes. */
export const ownDescriptor = 6;

/** How the launcher is told to say everything over the two pipes, and nothing on the command's standard error. */
const ownWords = [
  ...['run', `--status-fd=${descriptors.status}`, '--log-level=silent', `--log-fd=${descriptors.log}`],
  ...[`--env-fd=${descriptors.environment}`, '--die-with-parent', '--quiet'],
];

interface Start {
  /** What follows on the command line. */
  readonly words: readonly string[];
  readonly environment: CommandEnvironment;
  readonly streams: readonly StandardStream[];
  /** How many pipes of its own it has, at `ownDescriptor` and above. */
  readonly ownPipes: number;
  /** Whether it leaves the program's session, and the terminal's signals with it. */
  readonly detached?: boolean;
  readonly cwd?: string | undefined;
}

/**
 * @throws Failure (status 2) for a directory or streams that no process can start with, a KernelError where the command and
 *   the options are too long
 */
export function startLauncher({ words, environment, streams, ownPipes, detached, cwd }: Start): ChildProcess {
  if (cwd !== undefined) checkDirectory(cwd);
  const { whole, entries } = environment;
  const all = ['--', launcherFile(), ...ownWords, ...(whole ? ['--clear-env'] : []), ...words];
  const launcher = started(all, {
    stdio: [...streams, 'pipe', 'pipe', 'pipe', ...Array<'pipe'>(ownPipes).fill('pipe')],
    // Started without the stub, which would look for a node in PATH.
    env: { ...launcherEnvironment(), ...noteOfThisProgram() },
    ...defined({ cwd, detached }),
  });
  // A launcher that ends before it reads them says why.
  pipeTo(launcher, descriptors.environment)?.end(entries.map((entry) => `${entry}\0`).join(''));
  return launcher;
}

function checkDirectory(cwd: string): void {
  try {
    accessSync(`${cwd}/.`, constants.X_OK);
  } catch (cause) {
    const code = errorCode(cause);
    const isNone = code === 'ENOENT' || code === 'ENOTDIR';
    const wrong = isNone ? 'is not a directory' : `cannot be entered, ${errnoWords(cause)}`;
    const next = code === 'ENOENT' ? 'Make it, or name another one.' : 'Name another one.';
    throw usageFailure(`cwd ${wrong}: ${cwd}`, next);
  }
}

/** Node throws some errors, and emits the others when it has returned: those the container tells of. */
function started(words: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    // After --, Node does not look for its own --env-file.
    return spawn(process.execPath, words, options);
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'E2BIG')
      throw new KernelError(
        { step: '', call: 'execve', args: { pathname: process.execPath }, errno: code },
        {
          message: `the command and its options are too long: ${errnoWords(cause)}`,
          status: exitStatus.notExecutable,
          next: 'Give the command less, for example in a file or on its standard input.',
          cause,
        },
      );
    if (code === 'EBADF' || code === 'ERR_INVALID_ARG_VALUE')
      throw usageFailure(
        'stdio has a descriptor that is not open, or a stream that has none',
        'Pass a stream when it is open, or the number of an open file.',
      );
    throw new Failure(`the launcher cannot be started: ${errnoWords(cause)}`, { cause });
  }
}

/**
 * This program's end of a pipe, which is a pair of sockets: both sides may write. There is none where the launcher could not
 * be started.
 */
export function pipeTo(launcher: ChildProcess, descriptor: number): Socket | undefined {
  const end = (launcher.stdio as readonly unknown[] | undefined)?.[descriptor] as Socket | null | undefined;
  end?.on('error', () => {});
  return end ?? undefined;
}
