/** Opening a container for commands that come later. */
import { defined } from '../common/defined.js';
import { Failure, usageFailure } from '../common/failure.js';
import type { Box, OfTheCommand, OpenOptions } from './box.js';
import { commandEnvironment } from './command-environment.js';
import type { LaunchOptions } from './container.js';
import type { RunOptions } from './launch-options.js';
import { ownDescriptor, pipeTo, startLauncher } from './launcher-process.js';
import { OpenBox } from './open-box.js';
import type { OptionKinds } from './option-kinds.js';
import { checkRunOptions, optionWords } from './option-words.js';
import { RunningContainer } from './running-container.js';

/** What it has beside the options of `gontainer run`. */
const own = { cwd: 'path', signal: 'signal', env: 'environment' } as const satisfies OptionKinds;

const ofOne = 'It is about a command, and an open container has none of its own.';
const ofEach = 'It is about a command: pass it to exec() or spawn().';
const ofSpawned = 'It is about a command: pass it to spawn().';

/** What launch() has beside those, and where it belongs here. */
const without: Readonly<
  Record<OfTheCommand | Exclude<keyof LaunchOptions, keyof RunOptions | keyof typeof own>, string>
> = {
  asPid1: 'An open container lives as long as its first process, its init, and its commands come and go.',
  entrypoint: ofOne,
  newSession: 'Every command of an open container has a session of its own.',
  command: ofEach,
  maxOutput: ofEach,
  overflow: ofEach,
  stdio: ofSpawned,
  pty: ofSpawned,
  window: ofSpawned,
  watch: 'Pass it to exec() or spawn(): each command is watched by itself.',
  onCall: 'Start a command whose calls you decide about by launch(); exec() and spawn() have watch.',
  changes: 'Ask for changes() before the container is closed.',
};

/**
 * Makes the namespaces once. Any number of commands can then be run in them, in turn and at the same time.
 * @returns the container, once commands can be asked for
 * @throws Failure when there is none, a KernelError where a kernel call failed; the reason of the AbortSignal when it is
 *   aborted
 */
export async function open(options: OpenOptions): Promise<Box> {
  checkRunOptions('open()', options, own, without);
  const { cwd, signal, env, ...run } = options;
  if (run.pid !== true)
    throw usageFailure(
      'open() needs pid: without a PID namespace something could be left of a container whose program was killed',
      'Pass pid: true.',
    );
  const environment = commandEnvironment(env, run.mnt === undefined);
  const words = [`--control-fd=${ownDescriptor}`, ...optionWords(run)];
  signal?.throwIfAborted();
  const launcher = startLauncher({
    words,
    environment,
    streams: ['ignore', 'ignore', 'ignore'],
    ownPipes: 1,
    detached: true,
    cwd,
  });
  const container = new RunningContainer(launcher, defined({ signal }));
  const control = pipeTo(launcher, ownDescriptor);
  if (control === undefined) {
    await container.ended;
    throw new Failure('the launcher cannot be started');
  }
  return new OpenBox(launcher, container, control).whenOpen();
}
