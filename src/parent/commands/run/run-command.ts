import { openSync, writeSync } from 'node:fs';
import { lacksCompiledCode } from '../../../common/compiled-code.js';
import { exitStatus, Failure, usageFailure } from '../../../common/failure.js';
import { errnoWords } from '../../../common/kernel/kernel-error.js';
import { exitNow, isTerminal } from '../../../common/kernel/processes.js';
import type { LaunchSpec } from '../../../common/spec.js';
import type { Command, Values } from '../../command-line/subcommand.js';
import { launch } from '../../launch/launch.js';
import { checkDescriptor } from '../../launch/status-descriptor.js';
import { type Level, Log } from '../../log/log.js';
import { launchSpec } from '../../spec/launch-spec.js';
import { checkProgramAccess } from '../../spec/program-access.js';
import { openFollowedLog } from '../../state/followed-log.js';
import { Registration } from '../../state/registration.js';
import { banner, coloured } from './banner.js';
import { runOptions } from './run-options.js';
import { RunReport } from './run-report.js';

export const runCommand: Command = {
  name: 'run',
  summary: 'run a command, or a shell, in new namespaces; -run means the same',
  positionals: [{ name: 'COMMAND', describe: 'what to run instead of /bin/sh', takes: 'rest' }],
  options: runOptions,
  examples: [
    ['gontainer -run -uid', 'root in a new user namespace, and an ordinary user outside'],
    [
      'gontainer -run -uid -uts -hostname box -pid -net',
      'with a host name, process IDs and a network of its own',
    ],
    ['gontainer -run --all -mnt /tmp/rootfs', 'all eight, in a root file system of its own'],
    ['gontainer run --uid --pid -- ps aux', 'one command instead of a shell'],
    ['gontainer run --all --step', 'step by step, each explained and looked at before it is done'],
    ['gontainer run --all --dry-run', 'what would be done, and nothing is'],
  ],
  run: async (values) => {
    const prepared = prepare(values);
    const script = process.argv[1] as string;
    const { 'dry-run': rehearsed, step: walked, json, shell } = values.options;
    if (!rehearsed && (json || shell))
      throw usageFailure(`-${json ? 'json' : 'shell'} needs -dry-run`, 'Add -dry-run.');
    if (json && shell) throw usageFailure('-json and -shell are two forms of the same list: choose one');
    if (rehearsed && walked)
      throw usageFailure('-step goes through a launch, and -dry-run makes none: choose one');
    if (rehearsed) {
      if (prepared instanceof Failure) throw prepared;
      const { dryRun } = await import('../../rehearsal/dry-run.js');
      return dryRun(prepared, script, json ? 'json' : shell ? 'shell' : 'text');
    }
    const { background } = values;
    if (values.options.output !== undefined && !values.options.detach)
      throw usageFailure(
        '-output needs -detach',
        'Without it redirect in your shell: gontainer -run … >FILE',
      );
    if (values.options.detach && background === undefined) {
      const { startDetached } = await import('./detach.js');
      return startDetached(values, script, process.argv.slice(2));
    }
    const standardError = background?.standardError ?? 2;
    const walk =
      walked && !(prepared instanceof Failure)
        ? new (await import('../../rehearsal/walk.js')).Walk(prepared, script)
        : undefined;
    const supervised = ['timeout', 'pid-file', 'status-fd', 'die-with-parent'].some(
      (name) => values.options[name] !== undefined,
    );
    const supervision = supervised
      ? new (await import('../../launch/supervision.js')).Supervision(values)
      : undefined;
    const colour = coloured({ isTTY: isTerminal(standardError) });
    const report =
      values.options.report === undefined ? undefined : new RunReport(String(values.options.report));
    const { name, 'log-file': logFile, output } = values.options as Record<string, string | undefined>;
    const warnings: string[] = [];
    const warn = (sentence: string): void => {
      if (background !== undefined) throw new Failure(`-detach: ${sentence}`);
      warnings.push(sentence);
    };
    // Before the log file is emptied: where the name is taken it may be that container's.
    const registration =
      prepared instanceof Failure
        ? undefined
        : Registration.take(
            { ...prepared, name, log: logFile, output, detached: background !== undefined },
            warn,
          );
    let log: Log | undefined;
    let failed = false;
    let ended: number;
    try {
      if (registration?.output !== undefined) background?.writeTo(registration.output, output === undefined);
      log = new Log({
        ...logOptions(values, colour, standardError),
        standardError,
        ...(report && { lines: report.lines }),
        followed: registration && openFollowedLog(registration.name),
      });
      if (prepared instanceof Failure) throw prepared;
      checkProgramAccess(prepared, script);
      if (!values.options.quiet) writeSync(standardError, banner(prepared, colour));
      for (const sentence of warnings) log.warn(sentence);
      const runs = (pid: number): void => {
        log?.leave();
        background?.started(registration?.name ?? '', pid);
      };
      ended = await launch(prepared, log, script, {
        ...{ walk, supervision, registration },
        ...(background && { runs }),
      });
      supervision?.ended(ended);
    } catch (error) {
      failed = true;
      log?.failed(error as Error);
      throw error;
    } finally {
      supervision?.release();
      registration?.release();
      await log?.open();
      log?.close();
      await report?.write();
      background?.release(failed);
    }
    await leave(ended);
    return ended;
  },
};

/**
 * Ends this process at once: all is written, and taking Node down in order takes longer than most of the launch's calls.
 * Not where Node was given options, or is asked for its coverage: it may have something to write at its end. Nor at a
 * terminal, whose settings Node puts back as they were, whatever the command did to them.
 */
async function leave(status: number): Promise<void> {
  if (process.execArgv.length > 0 || process.env.NODE_OPTIONS || process.env.NODE_V8_COVERAGE) return;
  if (lacksCompiledCode(__dirname)) (await import('./compile.js')).writeCompiledCode(__dirname);
  if (![0, 1, 2].some(isTerminal)) exitNow(status);
}

/**
 * The launch, or why its command cannot be run, which belongs into the log.
 * @throws Failure for a command line that is wrong: then there is no log
 */
function prepare(values: Values): LaunchSpec | Failure {
  try {
    return launchSpec(values);
  } catch (error) {
    if (error instanceof Failure && error.status !== exitStatus.usage) return error;
    throw error;
  }
}

/**
 * Opens, and empties, the file that --log-file names: before anything is started, as a launch without the log that was
 * asked for would be worth little.
 */
function openLogFile(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw usageFailure(`--log-file=${path} cannot be written: ${errnoWords(error)}`);
  }
}

function openDescriptor(descriptor: number): number {
  checkDescriptor('log-fd', descriptor);
  return descriptor;
}

/** How the log of a command with the options of the group Log is written. */
export function logOptions({ options }: Values, colour: boolean, standardError = 2) {
  // At a terminal the walk shows every step itself.
  const shown = options.step && isTerminal(standardError) ? 'silent' : undefined;
  const level = (shown ?? options['log-level'] ?? (options.quiet ? 'silent' : 'info')) as Level;
  const format = (options['log-format'] ?? (isTerminal(standardError) ? 'pretty' : 'json')) as
    | 'pretty'
    | 'json';
  return {
    level,
    format,
    colour,
    ...(options['log-file'] === undefined ? {} : { file: openLogFile(String(options['log-file'])) }),
    ...(options['log-fd'] === undefined ? {} : { descriptor: openDescriptor(Number(options['log-fd'])) }),
  };
}
