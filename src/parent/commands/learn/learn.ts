/** Runs a command with everything allowed and watched, says what it needs, and tries that. */
import { spawnSync } from 'node:child_process';
import { constants, homedir } from 'node:os';
import { callerDirectory } from '../../../common/caller-text.js';
import { defined } from '../../../common/defined.js';
import { exitStatus, statusOfSignal, usageFailure } from '../../../common/failure.js';
import { inform, print } from '../../../common/print.js';
import { shownText } from '../../../common/shown-text.js';
import { isHostTree } from '../../../common/spec.js';
import type { Values } from '../../command-line/subcommand.js';
import { launch } from '../../launch/launch.js';
import { Log } from '../../log/log.js';
import { launchSpec } from '../../spec/launch-spec.js';
import { Watcher } from '../../watch/watcher.js';
import { isFile, shortFolders } from './folders.js';
import { Needs } from './needs.js';
import { type Choice, choiceWords, commandLine, launchCall, smallestLaunch } from './smallest-launch.js';

/** @returns the command's status; with --apply 1 where the smallest launch gives another one */
export async function learn({ options, rest }: Values): Promise<number> {
  if (rest.length === 0) throw usageFailure('learn needs a command', 'Name it: gontainer learn -- COMMAND');
  const { mnt, 'map-auto': mapAuto, apply } = options;
  const needs = new Needs();
  const watch = needs.kinds.join(',');
  const given = defined({ mnt, 'map-auto': mapAuto });
  const spec = launchSpec({ options: { uid: true, watch, ...given }, positionals: {}, rest });
  const log = new Log({ level: 'silent', format: 'json', colour: false });
  const watcher = new Watcher(spec, log, { hearerOf: () => needs });
  const script = process.argv[1] as string;
  const status = await launch(spec, log, script, { watcher });
  const choices = smallestLaunch(needs, {
    working: callerDirectory(),
    home: homedir(),
    mapAuto: mapAuto === true,
    ...defined({ root: spec.root?.path }),
  });
  print(
    summary(needs, status, choices, rest, isHostTree(spec.root) ? '' : (spec.root?.path ?? ''))
      .map(shownText)
      .join('\n'),
  );
  if (apply !== true) return status;
  const again = run(script, [...choiceWords(choices), '--', ...rest]);
  const works = again === status;
  inform(
    works
      ? `gontainer: it works: under this launch the command ends with status ${again}, as before.\n`
      : `gontainer: it does not work: under this launch the command ends with status ${again}, and before with ${status}. To see what was refused: add --watch.\n`,
  );
  if (works) return status;
  return again === exitStatus.launcher ? again : 1;
}

function summary(
  needs: Needs,
  status: number,
  choices: readonly Choice[],
  command: readonly string[],
  root: string,
): string[] {
  const list = (name: string, items: readonly string[]): string =>
    `# ${name}: ${items.length === 0 ? 'none' : items.slice(0, 12).join(' ')}${items.length > 12 ? ` and ${items.length - 12} more` : ''}`;
  return [
    `# learned from ${needs.calls} calls; the command ended with status ${status}`,
    // A search in PATH executes what is not there.
    list(
      'programs',
      [...needs.programs].filter((path) => isFile(`${root}${path}`)),
    ),
    list('reads below', shortFolders(needs.read)),
    list('writes below', shortFolders(needs.written)),
    list('network', [...needs.addresses]),
    commandLine(choices, command),
    '',
    launchCall(choices, command),
  ];
}

/** Launches again, as a user would. */
function run(script: string, words: readonly string[]): number {
  const { status, signal } = spawnSync(process.execPath, [script, 'run', '--quiet', ...words], {
    stdio: 'inherit',
  });
  return status ?? statusOfSignal(constants.signals[signal ?? 'SIGKILL']);
}
