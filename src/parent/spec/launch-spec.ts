/** From the values of the command line to the launch as data. Everything that is wrong with them is said here. */

import { resolve } from 'node:path';
import { bytesOf } from '../../common/byte-text.js';
import { callerDirectory } from '../../common/caller-text.js';
import { defined } from '../../common/defined.js';
import { Failure, usageFailure } from '../../common/failure.js';
import { isWithin } from '../../common/is-within.js';
import { isTerminal, signalName } from '../../common/kernel/processes.js';
import { type NamespaceFlag, namespaces } from '../../common/namespaces.js';
import { locateProgram } from '../../common/program.js';
import { type IdMaps, insideId, isHostTree, type LaunchSpec, type NewRoot } from '../../common/spec.js';
import { mayHaveTerminals } from '../../common/steps/devpts.js';
import type { Values } from '../command-line/subcommand.js';
import { terminalUse } from '../terminal/job-control.js';
import { controlDescriptor } from './control-descriptor.js';
import { environmentOf, searchPath } from './environment.js';
import { groupLimits } from './group-limits.js';
import { chosenId, idMaps } from './id-maps.js';
import { type ChosenImage, fromImage } from './image-defaults.js';
import { inherited } from './inherited.js';
import { keptCapabilities } from './kept-capabilities.js';
import { changesHostTree, newRoot } from './new-root.js';
import { mountableExecutable } from './node-executable.js';
import { requiredSignal } from './signal-words.js';
import { ulimits } from './ulimits.js';
import { type ChosenUser, chosenUser } from './user.js';
import { watchOf } from './watch.js';

type Options = Values['options'];

/** uts_namespaces(7), sethostname(2): HOST_NAME_MAX. */
const longestHostname = 64;

/** Options that mean something only in one kind of namespace. */
const needs: readonly (readonly [flag: NamespaceFlag, options: readonly string[]])[] = [
  ['uts', ['hostname']],
  ['uid', ['uid-map', 'gid-map', 'map-auto']],
  ['time', ['monotonic', 'boottime']],
  ['pid', ['as-pid-1', 'control-fd']],
];

/**
 * The launch that the values ask for.
 * @param image what the new root was made from, where that is to say how the command is run
 * @throws Failure with status 2 when they are wrong, 126 or 127 when the command cannot be run
 */
export function launchSpec(typed: Values, image?: ChosenImage): LaunchSpec {
  const { values, environment: imageEnvironment, lines } = fromImage(typed, image);
  const { options, rest } = values;
  const signal = stopSignal(options);
  const chosen = chosenNamespaces(options);
  const has = (flag: NamespaceFlag): boolean => chosen.includes(flag);
  const root = newRoot(values, has('net'));
  const maps = has('uid') ? idMapsOf(options) : undefined;
  const terminal = terminalOf(options, maps);
  const launcher = launcherInside(maps);
  const { user, home } = commandUser(
    options,
    root,
    maps,
    typed.options.user === undefined ? 'User of the image' : undefined,
  );
  const capabilities = keptCapabilities(values, chosen, user.uid === 0);
  const { environment, prompt } = environmentOf(
    options.mnt !== undefined,
    options,
    home ?? homeIn(root),
    imageEnvironment,
  );
  const workingDirectory = workingDirectoryOf(options, root);
  const control = controlDescriptor(typed);
  const command = control !== undefined ? [] : rest.length > 0 ? rest : ['/bin/sh'];
  if (control === undefined)
    checkCommand(command, environment, root, workingDirectory, rest.length === 0 ? image : undefined);

  return {
    namespaces: chosen,
    // A fresh /proc for the PID namespace must not be mounted where everybody sees it, nor a fresh /dev/pts.
    unshared: namespaces
      .map(({ flag }) => flag)
      .filter((flag) => has(flag) || (flag === 'mnt' && (has('pid') || ownTerminal(options) !== undefined))),
    command,
    environment,
    user,
    becomesUser: launcher.uid !== user.uid || launcher.gid !== user.gid || user.groups !== undefined,
    keepsCapabilities: maps !== undefined && launcher.uid !== 0,
    asPid1: options['as-pid-1'] === true,
    newPrivileges: options['allow-new-privs'] === true,
    terminal,
    inherited: inherited(),
    ...defined({
      hostname: has('uts') ? hostname(options.hostname) : undefined,
      root,
      workingDirectory,
      maps,
      clockOffsets: clockOffsets(options),
      prompt,
      fileOwner: maps && fileOwner(maps, launcher),
      readOnlyExecutable: root && mountableExecutable(),
      capabilities,
      controlDescriptor: control,
      stopSignal: signal,
      limits: groupLimits(options, has('cgroup')),
      ulimits: ulimits(options.ulimit, maps !== undefined),
      watch: watchOf(options),
      fromImage: lines.length > 0 ? lines : undefined,
    }),
  };
}

const stopSignal = ({ 'stop-signal': given }: Options): NodeJS.Signals | undefined =>
  given === undefined ? undefined : signalName(requiredSignal(String(given), 1));

function chosenNamespaces(options: Options): NamespaceFlag[] {
  const chosen = namespaces
    .filter(
      ({ flag }) =>
        options.all || options[flag] !== undefined || (flag === 'mnt' && changesHostTree(options)),
    )
    .map(({ flag }) => flag);
  if (chosen.length === 0) {
    throw usageFailure(
      'no namespace is selected',
      `Choose one or more of ${namespaces.map(({ flag }) => `--${flag}`).join(' ')}, or --all.`,
    );
  }
  for (const [flag, names] of needs) {
    const given = names.find((name) => options[name] !== undefined);
    if (given !== undefined && !chosen.includes(flag))
      throw usageFailure(`--${given} needs --${flag}`, `Add --${flag}.`);
  }
  return chosen;
}

/** Where the root of the container is at home; in the host's own tree that is still the caller. */
const homeIn = (root: NewRoot | undefined): string => (isHostTree(root) && process.env.HOME) || '/root';

const idMapsOf = (options: Options): IdMaps =>
  idMaps({
    uidMap: options['uid-map'] as string[] | undefined,
    gidMap: options['gid-map'] as string[] | undefined,
    auto: options['map-auto'] === true,
  });

/**
 * By which options the command gets a terminal of its own; undefined where it gets none. Whoever steps through its calls
 * types keys meanwhile, and the command must not read those.
 */
function ownTerminal(options: Options): string | undefined {
  if (options.pty) return '--pty';
  return options.step && options.watch !== undefined && isTerminal(0) ? '--watch --step' : undefined;
}

function terminalOf(options: Options, maps: IdMaps | undefined): LaunchSpec['terminal'] {
  const own = ownTerminal(options);
  if (own !== undefined && options['new-session'])
    throw usageFailure(
      `${own} gives the command a terminal of its own, and --new-session gives it none`,
      'Choose one.',
    );
  if (own !== undefined && !mayHaveTerminals(defined({ maps })))
    throw usageFailure(
      `${own} needs user 0 and group 0 in the container: without them the kernel gives a user namespace no terminals`,
      'Map them, for example by leaving out --uid-map and --gid-map.',
    );
  // Nothing of the caller's terminal is for commands that a program asks for.
  if (options['control-fd'] !== undefined) return 'none';
  return own !== undefined ? 'own' : options['new-session'] ? 'none' : terminalUse();
}

/** Who this process is. */
const callerIds = (): { uid: number; gid: number } => ({
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
});

/** Who this process is inside; undefined where the maps leave it out. */
function launcherInside(maps: IdMaps | undefined): { uid: number | undefined; gid: number | undefined } {
  const { uid, gid } = callerIds();
  return maps === undefined ? { uid, gid } : { uid: insideId(maps.uid, uid), gid: insideId(maps.gid, gid) };
}

function commandUser(
  options: Options,
  root: NewRoot | undefined,
  maps: IdMaps | undefined,
  option: string | undefined,
): ChosenUser {
  if (options.user !== undefined && root !== undefined)
    return chosenUser(String(options.user), root, maps, option);
  return { user: maps === undefined ? callerIds() : idsIn(maps), home: undefined };
}

/** As whom the child makes files where the maps leave out the user that it is. */
function fileOwner(
  maps: IdMaps,
  launcher: ReturnType<typeof launcherInside>,
): LaunchSpec['fileOwner'] | undefined {
  return launcher.uid === undefined || launcher.gid === undefined ? idsIn(maps) : undefined;
}

function idsIn(maps: IdMaps): { uid: number; gid: number } {
  const { uid, gid } = callerIds();
  return { uid: chosenId(maps.uid, uid), gid: chosenId(maps.gid, gid) };
}

/** In the host's own tree the command begins where its caller is, unless something else is mounted there. */
function workingDirectoryOf({ workdir }: Options, root: NewRoot | undefined): string | undefined {
  const start = root === undefined || isHostTree(root) ? callerDirectory() : '/';
  if (workdir !== undefined) return resolve(start, String(workdir));
  // Of the mounts there the last is seen: parents come before what lies in them.
  const top = root?.mounts.findLast(({ target }) => isWithin(start, target));
  const covered = top !== undefined && !(top.kind === 'bind' && top.source === top.target);
  return isHostTree(root) && !covered ? start : undefined;
}

/**
 * Looks for the program where that is possible beforehand: what is mounted, or was written to the upper layer, can be
 * looked at only inside.
 * @param silent the image, where neither it nor the command line names a command
 */
function checkCommand(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  root: NewRoot | undefined,
  workingDirectory: string | undefined,
  silent: ChosenImage | undefined,
): void {
  if (root !== undefined && (root.mounts.length > 0 || (root.overlay !== undefined && silent === undefined)))
    return;
  try {
    locateProgram(
      command[0] as string,
      environment.PATH ?? searchPath,
      root?.path ?? '/',
      workingDirectory ?? (root === undefined ? callerDirectory() : '/'),
    );
  } catch (error) {
    if (silent === undefined || !(error instanceof Failure)) throw error;
    throw new Failure(`${silent.from} names no command, and has no /bin/sh`, {
      status: error.status,
      next: 'Name one: gontainer run --image IMAGE -- COMMAND',
    });
  }
}

function clockOffsets({ monotonic, boottime }: Options): LaunchSpec['clockOffsets'] | undefined {
  if (monotonic === undefined && boottime === undefined) return undefined;
  return { monotonic: Number(monotonic ?? 0), boottime: Number(boottime ?? 0) };
}

function hostname(given: unknown): string {
  const name = given === undefined ? 'Gontainer' : String(given);
  const { length } = bytesOf(name);
  if (length > longestHostname)
    throw usageFailure(`--hostname is ${length} bytes long, and the kernel takes ${longestHostname}`);
  return name;
}
