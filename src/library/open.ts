/** Opening a container for commands that come later. */
import { defined } from '../common/defined.js';
import { Failure, usageFailure } from '../common/failure.js';
import type { Box, OfTheCommand, OpenOptions } from './box.js';
import { commandEnvironment } from './command-environment.js';
import { ownDescriptor, pipeTo, startLauncher } from './launcher-process.js';
import { OpenBox } from './open-box.js';
import { optionWords } from './option-words.js';
import { RunningContainer } from './running-container.js';

const ofTheCommand: readonly string[] = [
  ...(['asPid1', 'pty', 'newSession', 'entrypoint', 'watch'] satisfies OfTheCommand[]),
  'onCall',
];

/**
 * Makes the namespaces once. Any number of commands can then be run in them, in turn and at the same time.
 * @returns the container, once commands can be asked for
 * @throws Failure when there is none, a KernelError where a kernel call failed; the reason of the AbortSignal when it is
 *   aborted
 */
export async function open(options: OpenOptions): Promise<Box> {
  const { cwd, signal, env, ...run } = options;
  if (run.pid !== true)
    throw usageFailure(
      'open() needs pid: without a PID namespace something could be left of a container whose program was killed',
      'Pass pid: true.',
    );
  const about = ofTheCommand.find((name) => (run as Record<string, unknown>)[name]);
  if (about !== undefined)
    throw usageFailure(
      `open() has no option ${about}`,
      'It is about a command, and an open container has none of its own.',
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
