/**
 * Launching from another program. The launcher is a process of its own, the same `gontainer run` that a user types: the
 * program's signal handlers, children and threads are left alone, and two pipes tell what the launcher does.
 */
import { type SpawnOptions, type StdioOptions, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { noteOfThisProgram } from '../common/caller-note.js';
import { defined } from '../common/defined.js';
import { commandEnvironment, launcherEnvironment } from './command-environment.js';
import type { Container, LaunchOptions, StandardStream, StandardStreams } from './container.js';
import { launcherFile } from './launcher-file.js';
import { optionWords } from './option-words.js';
import { RunningContainer } from './running-container.js';

/** How the launcher is told to say everything over the two pipes, and nothing on the command's standard error. */
const ownWords = ['run', '--status-fd=3', '--log-level=silent', '--log-fd=4', '--die-with-parent', '--quiet'];

/**
 * Runs a command in new namespaces.
 * @throws Failure (status 2) for an option that is not for programs; the reason of an AbortSignal that is aborted already.
 *   Everything else that can go wrong rejects `ended`.
 */
export function launch<const Streams extends StandardStreams = 'pipe'>(
  options: LaunchOptions<Streams>,
): Container<Streams> {
  const { command = [], stdio = 'pipe', cwd, signal, env, maxOutput, overflow, ...run } = options;
  const { whole, entries } = commandEnvironment(env, run.mnt === undefined);
  const environmentWords = [...(whole ? ['--clear-env'] : []), ...(entries.length > 0 ? ['--env-fd=5'] : [])];
  // After --, Node does not look for its own --env-file.
  const words = [
    '--',
    launcherFile(),
    ...ownWords,
    ...environmentWords,
    ...optionWords(run),
    '--',
    ...command,
  ];
  signal?.throwIfAborted();
  const streams: readonly StandardStream[] = typeof stdio === 'string' ? [stdio, stdio, stdio] : stdio;
  const descriptors: StdioOptions = [
    ...streams,
    'pipe',
    'pipe',
    ...(entries.length > 0 ? ['pipe' as const] : []),
  ];
  // Started without the stub, which would look for a node in PATH.
  const environment = { ...launcherEnvironment(), ...noteOfThisProgram() };
  const settings: SpawnOptions = { stdio: descriptors, env: environment, ...defined({ cwd }) };
  const launcher = spawn(process.execPath, words, settings);
  const variables = (launcher.stdio as readonly unknown[])[5] as Writable | undefined;
  // A launcher that fails before it reads them says why.
  variables?.on('error', () => {}).end(entries.map((entry) => `${entry}\0`).join(''));
  // Which streams are pipes is what the type says of the options.
  return new RunningContainer(
    launcher,
    defined({ signal, maxOutput, overflow }),
  ) as Container as Container<Streams>;
}
