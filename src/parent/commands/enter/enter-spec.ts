/** From the command line and the process that it names to what `gontainer enter` is to do, as data. */

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { callerDirectory } from '../../../common/caller-text.js';
import { defined } from '../../../common/defined.js';
import { namespaceId, procLines } from '../../../common/evidence.js';
import { Failure, isFailure, usageFailure } from '../../../common/failure.js';
import { type NamespaceFlag, namespaces } from '../../../common/namespaces.js';
import { locateProgram } from '../../../common/program.js';
import { prompt } from '../../../common/prompt.js';
import { insideId, type MapLine } from '../../../common/spec.js';
import type { EnterSpec } from '../../../common/steps/enter.js';
import type { Values } from '../../command-line/subcommand.js';
import { environmentOf } from '../../spec/environment.js';
import { chosenId } from '../../spec/id-maps.js';
import { inherited } from '../../spec/inherited.js';
import { capabilitiesLikeThoseOf } from '../../spec/kept-capabilities.js';
import type { Target } from '../../state/find.js';
import { terminalUse } from '../../terminal/job-control.js';

/**
 * What is to be done.
 * @throws Failure with status 2 when there is nothing to join, 126 or 127 when the command cannot be run, 125 when the
 *   process has ended
 */
export function enterSpec({ options, rest }: Values, { name, process: { pid } }: Target): EnterSpec {
  const joined = joinedNamespaces(options, pid, name);
  const hasRoot = joined.includes('mnt');
  const root = hasRoot ? `/proc/${pid}/root` : '/';
  const command = rest.length > 0 ? rest : ['/bin/sh'];
  const { user, becomesUser } = userInside(pid, joined.includes('uid'));
  // Who chooses namespaces does so to work on them, with what they have; else it is one more command of the container.
  const chosen = namespaces.some(({ flag }) => options[flag] === true);
  try {
    const capabilities = chosen ? undefined : capabilitiesLikeThoseOf(pid, joined.includes('uid'));
    const { environment, prompt: chosenPrompt } = environmentOf(
      hasRoot && hasOtherRoot(pid),
      options,
      '/root',
    );
    return {
      name,
      target: pid,
      joined,
      command,
      user,
      becomesUser,
      keepsCapabilities: false,
      newPrivileges: false,
      inherited: inherited(),
      ...defined({ capabilities }),
      environment: chosenPrompt === undefined ? { ...environment, PS1: prompt(user.uid, root) } : environment,
      path: programInside(
        command[0] as string,
        environment.PATH ?? '/usr/bin:/bin',
        root,
        hasRoot ? readlinkSync(`/proc/${pid}/cwd`) : callerDirectory(),
        name,
      ),
      terminal: terminalUse(),
      clockShift: joined.includes('time') ? clockOffset(pid) - clockOffset('self') : 0n,
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isFailure(error) || (code !== 'ENOENT' && code !== 'ESRCH')) throw error;
    throw new Failure(`${name} has just ended`);
  }
}

/** The command's program; what is wrong with it is said of the container, not of its place in /proc. */
function programInside(
  command: string,
  searchPath: string,
  root: string,
  workingDirectory: string,
  name: string,
): string {
  try {
    return locateProgram(command, searchPath, root, workingDirectory);
  } catch (error) {
    const { message, status } = error as Failure;
    if (root === '/' || status === undefined) throw error;
    throw new Failure(message.replaceAll(root, name), {
      status,
      next: 'Choose its other namespaces, without --mnt, to run a program of the host in them.',
    });
  }
}

/** Those that were chosen, or all; of these the ones that are not the caller's own already. */
function joinedNamespaces(options: Values['options'], pid: number, name: string): NamespaceFlag[] {
  const differing = namespaces.filter(
    ({ entry }) =>
      namespaceId(pid, entry) !== namespaceId('self', entry) && namespaceId(pid, entry) !== 'absent',
  );
  const chosen = namespaces.filter(({ flag }) => options[flag] === true);
  const joined = chosen.length === 0 ? differing : chosen.filter((row) => differing.includes(row));
  if (joined.length > 0) return joined.map(({ flag }) => flag);
  throw usageFailure(
    chosen.length === 0
      ? `${name} is in the same namespaces as you: there is none to join`
      : `${name} is in the same ${chosen.map((row) => row.name).join(' and ')} namespace as you: there is none to join`,
    differing.length === 0
      ? undefined
      : `Others that can be joined: ${differing.map(({ flag }) => `-${flag}`).join(' ')}.`,
  );
}

/** Who the command is, in the user namespace it ends up in: root where there is one, as for a launch. */
function userInside(pid: number, joinsUser: boolean): Pick<EnterSpec, 'user' | 'becomesUser'> {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  if (!joinsUser) return { user: { uid, gid }, becomesUser: false };
  const maps = { uid: mapOf(pid, 'uid_map'), gid: mapOf(pid, 'gid_map') };
  // No map is written yet: nobody has an ID inside (user_namespaces(7)).
  if (maps.uid.length === 0 || maps.gid.length === 0) return { user: { uid, gid }, becomesUser: false };
  const user = {
    uid: chosenId(maps.uid, uid),
    gid: chosenId(maps.gid, gid),
    // The caller's supplementary groups are given up where the kernel lets us.
    ...(readFileSync(`/proc/${pid}/setgroups`, 'utf8').startsWith('allow') ? { groups: [] } : {}),
  };
  const becomesUser = insideId(maps.uid, uid) !== user.uid || insideId(maps.gid, gid) !== user.gid;
  return { user, becomesUser };
}

const mapOf = (pid: number, file: 'uid_map' | 'gid_map'): MapLine[] =>
  procLines(`/proc/${pid}/${file}`).map((line) => {
    const [inside = 0, outside = 0, count = 0] = line.split(' ').map(Number);
    return { inside, outside, count };
  });

function hasOtherRoot(pid: number): boolean {
  const [own, other] = [statSync('/'), statSync(`/proc/${pid}/root/`)];
  return own.dev !== other.dev || own.ino !== other.ino;
}

/** Nanoseconds by which a process's time namespace shifts CLOCK_MONOTONIC: time_namespaces(7), timens_offsets. */
function clockOffset(pid: number | 'self'): bigint {
  const line = procLines(`/proc/${pid}/timens_offsets`).find((text) => text.startsWith('monotonic '));
  const [, seconds = '0', nanoseconds = '0'] = line?.split(' ') ?? [];
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
}
