/** The launcher's process: the same `gontainer run` that a user types, which is told to say everything over pipes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { noteOfThisProgram } from '../common/caller-note.js';
import { defined } from '../common/defined.js';
import { usageFailure } from '../common/failure.js';
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

export function startLauncher(start: Start): ChildProcess {
  const { words, environment, streams, ownPipes, detached, cwd } = start;
  if (cwd !== undefined && !statSync(cwd, { throwIfNoEntry: false })?.isDirectory())
    throw usageFailure(`cwd is not a directory: ${cwd}`, 'Make it, or name another one.');
  const { whole, entries } = environment;
  const all = [...ownWords, ...(whole ? ['--clear-env'] : []), ...words];
  // After --, Node does not look for its own --env-file.
  const launcher = spawn(process.execPath, ['--', launcherFile(), ...all], {
    stdio: [...streams, 'pipe', 'pipe', 'pipe', ...Array<'pipe'>(ownPipes).fill('pipe')],
    // Started without the stub, which would look for a node in PATH.
    env: { ...launcherEnvironment(), ...noteOfThisProgram() },
    ...defined({ cwd, detached }),
  });
  // A launcher that ends before it reads them says why.
  pipeTo(launcher, descriptors.environment)?.end(entries.map((entry) => `${entry}\0`).join(''));
  return launcher;
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
