/** One launch with everything that the options put beside it: log, report, registration, supervision, walk. */
import { lacksCompiledCode } from '../../../common/compiled-code.js';
import { defined } from '../../../common/defined.js';
import { Failure } from '../../../common/failure.js';
import { exitNow, isTerminal } from '../../../common/kernel/processes.js';
import { windowSize } from '../../../common/kernel/terminal-modes.js';
import { callersOptions } from '../../../common/node-options.js';
import { inform } from '../../../common/print.js';
import type { LaunchSpec } from '../../../common/spec.js';
import type { Values } from '../../command-line/subcommand.js';
import type { FinalChanges } from '../../launch/final-changes.js';
import { launch } from '../../launch/launch.js';
import type { Supervision } from '../../launch/supervision.js';
import { Log } from '../../log/log.js';
import { logOptions } from '../../log/log-options.js';
import type { CallWalk } from '../../rehearsal/call-walk.js';
import type { Walk } from '../../rehearsal/walk.js';
import { checkProgramAccess } from '../../spec/program-access.js';
import { reachOfOthers } from '../../spec/reach-of-others.js';
import { leftOutOfMaps } from '../../spec/subordinate-ids.js';
import { openFollowedLog } from '../../state/followed-log.js';
import { Registration } from '../../state/registration.js';
import { StandardTerminals } from '../../terminal/standard-terminals.js';
import type { WindowSizes } from '../../terminal/window-sizes.js';
import { coloured } from '../../text/paint.js';
import { stepIndent } from '../../text/step-indent.js';
import type { Decider } from '../../watch/decider.js';
import type { Watcher } from '../../watch/watcher.js';
import type { Background } from './background.js';
import { banner } from './banner.js';
import { type Fold, foldFor } from './low-window.js';
import { RunReport } from './run-report.js';

/**
 * Launches, and ends what was put beside the launch, however that goes.
 * @param prepared the launch, or why its command cannot be run
 * @param script this program's own file
 * @param background in the launcher that `run --detach` has started: its ties to the caller
 * @returns the command's exit status
 * @throws Failure when the command was not started, or was lost
 */
export async function runLaunch(
  prepared: LaunchSpec | Failure,
  values: Values,
  script: string,
  background?: Background,
): Promise<number> {
  const { options } = values;
  const terminals = new StandardTerminals();
  const standardError = background?.standardError ?? 2;
  const spec = prepared instanceof Failure ? undefined : prepared;
  const program = await programOf(values);
  const walk = spec && (await walkOf(values, spec, script));
  const calls = spec && (await callsOf(values, spec));
  const supervision = await supervisionOf(values, spec?.stopSignal);
  const sizes = await sizesOf(values);
  const report =
    options.report === undefined
      ? undefined
      : new RunReport(String(options.report), options.quiet === true || background !== undefined);
  const warnings: string[] = [];
  // Before the log file is emptied: where the name is taken it may be that container's.
  const registration = spec && register(spec, values, background, warnings);
  let log: Log | undefined;
  let failed = false;
  let ended: number;
  try {
    if (registration?.output !== undefined)
      background?.writeTo(registration.output, options.output === undefined);
    if (spec !== undefined) warnings.push(...reachOfOthers(spec), ...leftOutOfMaps(spec));
    const fold = spec && (await foldOf(spec, values, standardError, warnings));
    log = openLog(values, standardError, report, registration, fold);
    if (prepared instanceof Failure) throw prepared;
    checkProgramAccess(prepared, script);
    begin(prepared, values, log, standardError, warnings, fold);
    const runs = (pid: number): void => {
      log?.leave();
      background?.started(registration?.name ?? '', pid);
    };
    const watcher = await watcherOf(prepared, log, calls ?? program);
    const changes = await changesOf(values, prepared);
    ended = await launch(prepared, log, script, {
      walk,
      watcher,
      calls,
      supervision,
      sizes,
      registration,
      changes,
      runs: background && runs,
    });
    supervision?.ended(ended);
  } catch (error) {
    failed = true;
    log?.failed(error as Error);
    throw error;
  } finally {
    supervision?.release();
    try {
      await log?.open();
      log?.close();
    } finally {
      // Whoever waits for the container's entry to go finds its log complete.
      registration?.release();
    }
    await report?.write();
    background?.release(failed);
  }
  await leave(ended, terminals);
  return ended;
}

const colourOn = (standardError: number): boolean => coloured({ isTTY: isTerminal(standardError) });

function openLog(
  values: Values,
  standardError: number,
  report: RunReport | undefined,
  registration: Registration | undefined,
  fold: Fold | undefined,
): Log {
  return new Log({
    ...logOptions(values, colourOn(standardError), standardError),
    ...defined({ lines: report?.lines, together: fold?.steps }),
    standardError,
    followed: registration && openFollowedLog(registration.name),
  });
}

/** Shows the banner, and warns of what the caller may not expect. */
function begin(
  spec: LaunchSpec,
  { options }: Values,
  log: Log,
  standardError: number,
  warnings: readonly string[],
  fold: Fold | undefined,
): void {
  const columns = windowSize(standardError)?.columns;
  if (!options.quiet)
    inform(banner(spec, colourOn(standardError), columns, fold?.banner === true), standardError);
  for (const sentence of warnings) log.warn(sentence);
}

/** What is folded in the window; undefined where there is none. */
async function foldOf(
  spec: LaunchSpec,
  { options }: Values,
  standardError: number,
  warnings: readonly string[],
): Promise<Fold | undefined> {
  const window = windowSize(standardError);
  if (window === undefined) return undefined;
  return foldFor(spec, window, !options.quiet, await linesOf(warnings, window.columns - 1));
}

/** How many lines they take. What breaks them is loaded where there are any, as most launches have none. */
async function linesOf(warnings: readonly string[], columns: number): Promise<number> {
  if (warnings.length === 0) return 0;
  const { indented } = await import('../../text/columns.js');
  return warnings.flatMap((sentence) => indented(sentence, columns, stepIndent)).length;
}

async function walkOf({ options }: Values, spec: LaunchSpec, script: string): Promise<Walk | undefined> {
  if (!options.step) return undefined;
  const { Walk } = await import('../../rehearsal/walk.js');
  return new Walk(spec, script);
}

async function callsOf({ options }: Values, spec: LaunchSpec): Promise<CallWalk | undefined> {
  if (!options.step || spec.watch === undefined) return undefined;
  const { CallWalk } = await import('../../rehearsal/call-walk.js');
  return new CallWalk(spec);
}

async function supervisionOf(
  values: Values,
  stopSignal: LaunchSpec['stopSignal'],
): Promise<Supervision | undefined> {
  const names = ['timeout', 'pid-file', 'status-fd', 'die-with-parent'];
  if (names.every((name) => values.options[name] === undefined)) return undefined;
  const { Supervision } = await import('../../launch/supervision.js');
  return new Supervision(values, stopSignal);
}

async function watcherOf(
  spec: LaunchSpec,
  log: Log,
  decider: Decider | undefined,
): Promise<Watcher | undefined> {
  if (spec.watch === undefined) return undefined;
  const { Watcher } = await import('../../watch/watcher.js');
  return new Watcher(spec, log, { decider });
}

/** The program that decides about the calls that are watched. */
async function programOf(values: Values): Promise<Decider | undefined> {
  if (values.options['decide-fd'] === undefined) return undefined;
  const { AskedProgram } = await import('../../watch/asked-program.js');
  return AskedProgram.of(values);
}

async function changesOf({ options }: Values, spec: LaunchSpec): Promise<FinalChanges | undefined> {
  const descriptor = options['changes-fd'];
  if (descriptor === undefined) return undefined;
  const { FinalChanges } = await import('../../launch/final-changes.js');
  return new FinalChanges(Number(descriptor), spec);
}

async function sizesOf(values: Values): Promise<WindowSizes | undefined> {
  const { window, 'window-fd': descriptor } = values.options;
  if (window === undefined && descriptor === undefined) return undefined;
  const { WindowSizes } = await import('../../terminal/window-sizes.js');
  return WindowSizes.of(values);
}

/** @throws Failure where nobody could find a container that is let go of */
function register(
  spec: LaunchSpec,
  { options }: Values,
  background: Background | undefined,
  warnings: string[],
): Registration | undefined {
  const { name, 'log-file': log, output } = options as Record<string, string | undefined>;
  return Registration.take(
    { ...spec, name, log, output, detached: background !== undefined },
    (sentence: string): void => {
      if (background !== undefined) throw new Failure(`--detach: ${sentence}`);
      warnings.push(sentence);
    },
  );
}

/**
 * Ends this process at once: all is written, and taking Node down in order takes longer than most of the launch's calls.
 * Not where Node was given options, or is asked for its coverage: it may have something to write at its end.
 */
async function leave(status: number, terminals: StandardTerminals): Promise<void> {
  if (callersOptions().length > 0 || process.env.NODE_OPTIONS || process.env.NODE_V8_COVERAGE) return;
  if (lacksCompiledCode(__dirname)) (await import('./compile.js')).writeCompiledCode(__dirname);
  terminals.putBack();
  exitNow(status);
}
