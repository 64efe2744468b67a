/**
 * Launching from another program. The launcher is a process of its own, the same `gontainer run` that a user types: the
 * program's signal handlers, children and threads are left alone, and two pipes tell what the launcher does.
 */
import { type SpawnOptions, type StdioOptions, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { defined } from '../common/defined.js';
import type { Container, LaunchOptions, StandardStream, StandardStreams } from './container.js';
import { optionWords } from './option-words.js';
import { RunningContainer } from './running-container.js';

/** This package's program lies beside this file. */
const program = createRequire(import.meta.url).resolve('./main.cjs');

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
  const { command = [], stdio = 'pipe', cwd, signal, ...run } = options;
  // After --, Node does not look for its own --env-file.
  const words = ['--', program, ...ownWords, ...optionWords(run), '--', ...command];
  signal?.throwIfAborted();
  const streams: readonly StandardStream[] = typeof stdio === 'string' ? [stdio, stdio, stdio] : stdio;
  const descriptors: StdioOptions = [...streams, 'pipe', 'pipe'];
  const settings: SpawnOptions = defined({ stdio: descriptors, cwd });
  const launcher = spawn(process.execPath, words, settings);
  // Which streams are pipes is what the type says of the options.
  return new RunningContainer(launcher, signal) as Container as Container<Streams>;
}
