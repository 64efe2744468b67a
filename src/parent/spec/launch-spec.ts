/** From the values of the command line to the launch as data. Everything that is wrong with them is said here. */
import { resolve } from 'node:path';
import { usageFailure } from '../../common/failure.js';
import { type NamespaceFlag, namespaces } from '../../common/namespaces.js';
import { locateProgram } from '../../common/program.js';
import { insideId, type LaunchSpec } from '../../common/spec.js';
import { mayHaveTerminals } from '../../common/steps/devpts.js';
import type { Values } from '../command-line/subcommand.js';
import { terminalUse } from '../terminal/job-control.js';
import { idMaps } from './id-maps.js';
import { keptCapabilities } from './kept-capabilities.js';
import { newRoot } from './new-root.js';
import { mountableExecutable } from './node-executable.js';
import { type ChosenUser, chosenUser } from './user.js';

/** uts_namespaces(7), sethostname(2): HOST_NAME_MAX. */
const longestHostname = 64;
/** Where programs are looked for inside a new root. */
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The launch that the values ask for.
 * @throws Failure with status 2 when they are wrong, 126 or 127 when the command cannot be run
 */
export function launchSpec(values: Values): LaunchSpec {
  const { options, rest } = values;
  const chosen = namespaces
    .filter(({ flag }) => options.all || options[flag] !== undefined)
    .map(({ flag }) => flag);
  if (chosen.length === 0) {
    throw usageFailure(
      'no namespace is selected',
      `Choose one or more of ${namespaces.map(({ flag }) => `-${flag}`).join(' ')}, or --all.`,
    );
  }
  const has = (flag: NamespaceFlag): boolean => chosen.includes(flag);
  needs('uts', ['hostname']);
  needs('uid', ['uid-map', 'gid-map', 'map-auto']);
  needs('time', ['monotonic', 'boottime']);
  needs('pid', ['as-pid-1']);

  const root = newRoot(values, has('net'));
  const workingDirectory =
    options.workdir === undefined
      ? undefined
      : resolve(root === undefined ? process.cwd() : '/', String(options.workdir));
  const command = rest.length > 0 ? rest : ['/bin/sh'];

  const maps = has('uid')
    ? idMaps({
        uidMap: options['uid-map'] as string[] | undefined,
        gidMap: options['gid-map'] as string[] | undefined,
        auto: options['map-auto'] === true,
      })
    : undefined;
  if (options.pty && options['new-session'])
    throw usageFailure('-new-session means no terminal, and -pty one of its own: choose one');
  if (options.pty && !mayHaveTerminals({ ...(maps && { maps }) }))
    throw usageFailure(
      '-pty needs user and group 0 inside: without them the kernel gives a user namespace no terminals',
      'Map them, for example by leaving out -uid-map and -gid-map.',
    );
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const launcher =
    maps === undefined ? { uid, gid } : { uid: insideId(maps.uid, uid), gid: insideId(maps.gid, gid) };
  const { user, home } = userOf();
  const capabilities = keptCapabilities(values, has('uid'), user.uid === 0);
  const readOnlyExecutable = root === undefined ? undefined : mountableExecutable();
  const environment = environmentOf(root !== undefined, list(options.env), home);
  // What is mounted, or was written to the upper layer, can only be looked at inside.
  if (root === undefined || (root.mounts.length === 0 && root.overlay === undefined)) {
    locateProgram(
      command[0] as string,
      environment.PATH ?? searchPath,
      root?.path ?? '/',
      workingDirectory ?? (root === undefined ? process.cwd() : '/'),
    );
  }

  return {
    namespaces: chosen,
    // A fresh /proc for the PID namespace must not be mounted where everybody sees it, nor a fresh /dev/pts.
    unshared: namespaces
      .map(({ flag }) => flag)
      .filter((flag) => has(flag) || (flag === 'mnt' && (has('pid') || options.pty === true))),
    ...(has('uts') ? { hostname: hostname(options.hostname) } : {}),
    ...(root === undefined ? {} : { root }),
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
    ...(maps === undefined ? {} : { maps }),
    ...(options.monotonic === undefined && options.boottime === undefined
      ? {}
      : {
          clockOffsets: {
            monotonic: Number(options.monotonic ?? 0),
            boottime: Number(options.boottime ?? 0),
          },
        }),
    command,
    environment,
    ...(environmentNames(options.env).includes('PS1') ? { prompt: environment.PS1 as string } : {}),
    user,
    becomesUser: launcher.uid !== user.uid || launcher.gid !== user.gid || user.groups !== undefined,
    ...(maps !== undefined && (launcher.uid === undefined || launcher.gid === undefined)
      ? { fileOwner: { uid: chosenId(maps.uid, uid), gid: chosenId(maps.gid, gid) } }
      : {}),
    keepsCapabilities: maps !== undefined && launcher.uid !== 0,
    asPid1: options['as-pid-1'] === true,
    ...(readOnlyExecutable === undefined ? {} : { readOnlyExecutable }),
    ...(capabilities === undefined ? {} : { capabilities }),
    newPrivileges: options['allow-new-privs'] === true,
    terminal: options.pty ? 'own' : options['new-session'] ? 'none' : terminalUse(),
  };

  function userOf(): ChosenUser {
    if (options.user !== undefined && root !== undefined) return chosenUser(String(options.user), root, maps);
    const ids =
      maps === undefined ? { uid, gid } : { uid: chosenId(maps.uid, uid), gid: chosenId(maps.gid, gid) };
    return { user: ids, home: undefined };
  }

  function needs(flag: NamespaceFlag, names: readonly string[]): void {
    const given = names.find((name) => options[name] !== undefined);
    if (given !== undefined && !has(flag)) throw usageFailure(`-${given} needs -${flag}`, `Add -${flag}.`);
  }
}

/** Root when the map has one, else what the caller is mapped to, else the first ID there is. */
export function chosenId(
  lines: readonly { inside: number; outside: number; count: number }[],
  outside: number,
): number {
  if (lines.some(({ inside }) => inside === 0)) return 0;
  return insideId(lines, outside) ?? (lines[0]?.inside as number);
}

function hostname(given: unknown): string {
  const name = given === undefined ? 'Gontainer' : String(given);
  const length = Buffer.byteLength(name);
  if (length > longestHostname)
    throw usageFailure(`-hostname is ${length} bytes long, and the kernel takes ${longestHostname}`);
  return name;
}

/**
 * The command's environment but for PS1. In a new root: PATH, HOME and TERM; else the caller's. A variable given by
 * name alone keeps the caller's value.
 */
export function environmentOf(
  newRootGiven: boolean,
  given: readonly string[],
  home = '/root',
): Record<string, string> {
  const outside = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const base: Record<string, string> = newRootGiven
    ? { PATH: searchPath, HOME: home, TERM: process.env.TERM ?? 'dumb' }
    : Object.fromEntries(outside);
  for (const text of given) {
    const [, name, value] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
    if (name === undefined) throw usageFailure(`-env “${text}” is not of the form NAME=VALUE`);
    const inherited = value ?? process.env[name];
    if (inherited !== undefined) base[name] = inherited;
  }
  return base;
}

const list = (given: unknown): string[] => (given as string[] | undefined) ?? [];
const environmentNames = (given: unknown): string[] => list(given).map((text) => String(text.split('=')[0]));
