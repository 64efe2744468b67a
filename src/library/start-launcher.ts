/**
 * Launching from another program. The launcher is a process of its own, the same `gontainer run` that a user types: the
 * program's signal handlers, children and threads are left alone, and two pipes tell what the launcher does.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { noteOfThisProgram } from '../common/caller-note.js';
import { defined } from '../common/defined.js';
import { checkedWindow } from './checked-window.js';
import { commandEnvironment, launcherEnvironment } from './command-environment.js';
import type { Container, LaunchOptions, StandardStream, StandardStreams, Window } from './container.js';
import { launcherFile } from './launcher-file.js';
import { optionWords } from './option-words.js';
import { RunningContainer } from './running-container.js';

/** The launcher's descriptors beside the command's streams. */
const descriptors = { status: 3, log: 4, environment: 5, window: 6 } as const;

/** How the launcher is told to say everything over the two pipes, and nothing on the command's standard error. */
const ownWords = [
  ...['run', `--status-fd=${descriptors.status}`, '--log-level=silent', `--log-fd=${descriptors.log}`],
  ...[`--env-fd=${descriptors.environment}`, '--die-with-parent', '--quiet'],
];

const usualWindow: Window = { columns: 80, rows: 24 };

/**
 * Runs a command in new namespaces.
 * @throws Failure (status 2) for an option that is not for programs; the reason of an AbortSignal that is aborted already.
 *   Everything else that can go wrong rejects `ended`.
 */
export function launch<const Streams extends StandardStreams = 'pipe'>(
  options: LaunchOptions<Streams>,
): Container<Streams> {
  const { command = [], stdio = 'pipe', cwd, signal, env, window, maxOutput, overflow, ...run } = options;
  const { whole, entries } = commandEnvironment(env, run.mnt === undefined);
  const windowWords = run.pty
    ? [`--window=${checkedWindow(window ?? usualWindow)}`, `--window-fd=${descriptors.window}`]
    : [];
  const words = [
    ...ownWords,
    ...(whole ? ['--clear-env'] : []),
    ...windowWords,
    ...optionWords(run),
    '--',
    ...command,
  ];
  signal?.throwIfAborted();
  const streams: readonly StandardStream[] = typeof stdio === 'string' ? [stdio, stdio, stdio] : stdio;
  const pipes = ['pipe', 'pipe', 'pipe', ...(run.pty ? ['pipe' as const] : [])] as const;
  const settings: SpawnOptions = {
    stdio: [...streams, ...pipes],
    // Started without the stub, which would look for a node in PATH.
    env: { ...launcherEnvironment(), ...noteOfThisProgram() },
    ...defined({ cwd }),
  };
  // After --, Node does not look for its own --env-file.
  const launcher = spawn(process.execPath, ['--', launcherFile(), ...words], settings);
  // A launcher that ends before it reads them says why.
  pipeTo(launcher, descriptors.environment)?.end(entries.map((entry) => `${entry}\0`).join(''));
  const beside = defined({
    signal,
    maxOutput,
    overflow,
    sizes: run.pty ? pipeTo(launcher, descriptors.window) : undefined,
  });
  // Which streams are pipes is what the type says of the options.
  return new RunningContainer(launcher, beside) as Container as Container<Streams>;
}

/** This program's end of a pipe; there is none where the launcher could not be started. */
function pipeTo(launcher: ChildProcess, descriptor: number): Writable | undefined {
  const end = (launcher.stdio as readonly unknown[] | undefined)?.[descriptor] as Writable | null | undefined;
  end?.on('error', () => {});
  return end ?? undefined;
}
