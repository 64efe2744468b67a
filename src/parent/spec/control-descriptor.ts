/** --control-fd: a launch that starts no command of its own. */
import { usageFailure } from '../../common/failure.js';
import { checkDescriptor } from '../command-line/descriptor-option.js';
import type { Values } from '../command-line/subcommand.js';

/** What is about a command of the launch's own, or takes its caller's terminal. */
const without = [
  'as-pid-1',
  'pty',
  'window',
  'window-fd',
  'new-session',
  'entrypoint',
  'watch',
  'decide-fd',
  'detach',
  'step',
  'shell',
];

/**
 * @returns undefined where the launch has a command
 * @throws Failure (status 2) for options that do not go with it
 */
export function controlDescriptor({ options, rest }: Values): number | undefined {
  const { 'control-fd': given } = options;
  if (given === undefined) return undefined;
  const other = without.find((name) => options[name] !== undefined && options[name] !== false);
  if (other !== undefined)
    throw usageFailure(
      `--${other} is about a command, and with --control-fd the launch has none of its own`,
      `Leave out --${other}.`,
    );
  if (rest.length > 0)
    throw usageFailure(
      '--control-fd takes commands over the descriptor, and none from the command line',
      'Leave out what follows --.',
    );
  checkDescriptor('control-fd', Number(given), 'it takes a socket: open() of the library passes one');
  return Number(given);
}
