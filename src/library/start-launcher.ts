/**
 * Launching from another program. The launcher is a process of its own: the program's signal handlers, children and threads
 * are left alone, and two pipes tell what the launcher does.
 */
import { defined } from '../common/defined.js';
import { windowText } from '../common/window-size.js';
import { usualWindow, windowWithoutPty } from './checked-window.js';
import { commandEnvironment } from './command-environment.js';
import type { Container, LaunchOptions, StandardStreams } from './container.js';
import { ownDescriptor, pipeTo, startLauncher } from './launcher-process.js';
import type { OptionKinds } from './option-kinds.js';
import { checkRunOptions, optionWords } from './option-words.js';
import { RunningContainer } from './running-container.js';

/** What it has beside the options of `gontainer run`. */
const own = {
  command: 'texts',
  stdio: 'standardStreams',
  cwd: 'path',
  signal: 'signal',
  env: 'environment',
  window: 'window',
  maxOutput: 'count',
  overflow: 'overflow',
  onCall: 'function',
  changes: 'flag',
} as const satisfies OptionKinds;

/**
 * Runs a command in new namespaces.
 * @throws Failure (status 2) for an option that there is not, or of another kind, and for what no process can be started
 *   with; the reason of an AbortSignal that is aborted already. Everything else that can go wrong rejects `ended`.
 */
export function launch<const Streams extends StandardStreams = 'pipe'>(
  options: LaunchOptions<Streams>,
): Container<Streams> {
  checkRunOptions('launch()', options, own);
  const {
    command = [],
    stdio = 'pipe',
    cwd,
    signal,
    env,
    window,
    maxOutput,
    overflow,
    onCall,
    changes,
    ...run
  } = options;
  if (window !== undefined && !run.pty) throw windowWithoutPty();
  const environment = commandEnvironment(env, run.mnt === undefined);
  const pipes = [
    ...(run.pty ? ['window-fd'] : []),
    ...(onCall ? ['decide-fd'] : []),
    ...(changes ? ['changes-fd'] : []),
  ];
  const words = [
    ...(run.pty ? [`--window=${windowText(window ?? usualWindow)}`] : []),
    ...pipes.map((option, index) => `--${option}=${ownDescriptor + index}`),
    ...optionWords(onCall === undefined ? run : { ...run, watch: run.watch || true }),
    '--',
    ...command,
  ];
  signal?.throwIfAborted();
  const launcher = startLauncher({
    words,
    environment,
    streams: typeof stdio === 'string' ? [stdio, stdio, stdio] : stdio,
    ownPipes: pipes.length,
    cwd,
  });
  const pipeOf = (option: string) =>
    pipes.includes(option) ? pipeTo(launcher, ownDescriptor + pipes.indexOf(option)) : undefined;
  const [sizes, questions, list] = [pipeOf('window-fd'), pipeOf('decide-fd'), pipeOf('changes-fd')];
  // Which streams are pipes is what the type says of the options.
  return new RunningContainer(
    launcher,
    defined({ signal, maxOutput, overflow, sizes, questions, onCall, changes: list }),
  ) as Container as Container<Streams>;
}
