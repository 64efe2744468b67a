/** `gontainer run`: what the command line asks for, in one of its forms: a launch, a rehearsal, or one let go of. */
import { callerWords } from '../../../common/caller-text.js';
import { exitStatus, Failure, usageFailure } from '../../../common/failure.js';
import type { LaunchSpec } from '../../../common/spec.js';
import type { Subcommand, Values } from '../../command-line/subcommand.js';
import type { ChosenImage } from '../../spec/image-defaults.js';
import { launchSpec } from '../../spec/launch-spec.js';
import type { Background } from './background.js';
import { runLaunch } from './run-launch.js';
import { runOptions } from './run-options.js';

export const runCommand: Subcommand = {
  name: 'run',
  summary: 'run a command, or a shell, in new namespaces; -run means the same',
  positionals: [{ name: 'COMMAND', describe: 'what to run instead of /bin/sh', takes: 'rest' }],
  options: runOptions,
  examples: [
    ['gontainer run --uid', 'a shell as root in a new user namespace, and an ordinary user on the host'],
    [
      'gontainer run --uid --uts --hostname box --pid --net',
      'with a host name, process IDs and a network of its own',
    ],
    ['gontainer run --all --mnt /tmp/rootfs', 'all eight namespaces, in a root file system of its own'],
    ['gontainer run --uid --pid -- ps aux', 'one command instead of a shell'],
    ['gontainer run --uid --pid --image alpine', 'what an image says; it is pulled if it is not there yet'],
    ['gontainer run --all --step', 'step by step: each one is explained before it is done'],
    ['gontainer run --all --dry-run', 'print what would be done, and do nothing'],
  ],
  run: async (typed) => {
    checkForms(typed);
    const { values, image } = await withImage(typed);
    const prepared = prepare(values, image);
    const script = process.argv[1] as string;
    const { 'dry-run': rehearsed, detach, json, shell } = values.options;
    if (rehearsed) {
      if (prepared instanceof Failure) throw prepared;
      const { dryRun } = await import('../../rehearsal/dry-run.js');
      return dryRun(prepared, script, json ? 'json' : shell ? 'shell' : 'text');
    }
    if (detach) {
      const { startDetached } = await import('./detach.js');
      return startDetached(values, script, callerWords());
    }
    return runLaunch(prepared, values, script);
  },
};

/** The launcher that `run --detach` has started. */
export async function runInBackground(typed: Values, background: Background): Promise<number> {
  const { values, image } = await withImage(typed);
  return runLaunch(prepare(values, image), values, process.argv[1] as string, background);
}

async function withImage(values: Values): Promise<{ values: Values; image?: ChosenImage }> {
  if (values.options.image === undefined && !values.options['image-config']) return { values };
  const { runImage } = await import('./run-image.js');
  return runImage(values);
}

/** @throws Failure (status 2) for options that ask for two forms of a run at once */
function checkForms({ options: { 'dry-run': rehearsed, step, json, shell, output, detach } }: Values): void {
  if (!rehearsed && (json || shell))
    throw usageFailure(`--${json ? 'json' : 'shell'} needs --dry-run`, 'Add --dry-run.');
  if (json && shell) throw usageFailure('--json and --shell are two forms of the same list', 'Choose one.');
  if (rehearsed && step)
    throw usageFailure('--step goes through a launch, and --dry-run makes none', 'Choose one.');
  if (output !== undefined && !detach)
    throw usageFailure('--output needs --detach', 'Without it redirect in your shell: gontainer run … >FILE');
}

/**
 * The launch, or why its command cannot be run, which belongs in the log.
 * @throws Failure for a command line that is wrong: then there is no log
 */
function prepare(values: Values, image: ChosenImage | undefined): LaunchSpec | Failure {
  try {
    return launchSpec(values, image);
  } catch (error) {
    if (error instanceof Failure && error.status !== exitStatus.usage) return error;
    throw error;
  }
}
