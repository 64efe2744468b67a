/** --cap-drop and --cap-keep: which capabilities the command has. Everything that is wrong with them is said here. */
import { readFileSync } from 'node:fs';
import { procLines } from '../../common/evidence.js';
import { usageFailure } from '../../common/failure.js';
import {
  type Capability,
  type CapabilityOrNumber,
  capabilitiesIn,
  capabilityNames,
  capabilityOf,
} from '../../common/kernel/capability-numbers.js';
import type { NamespaceFlag } from '../../common/namespaces.js';
import type { LaunchSpec } from '../../common/spec.js';
import { suggestion } from '../command-line/nearest-name.js';
import type { Values } from '../command-line/subcommand.js';

/**
 * What root keeps in a container without a user namespace, where its capabilities are the host's: enough to install
 * software, change users and open the ports below 1024. It is the set that Docker gives without CAP_MKNOD, which Docker
 * has a devices cgroup for. Docker's containers have PID and network namespaces, too: a capability that reaches the host
 * where there is none is kept only with it (docs/isolation.md goes through all of them).
 */
const defaultForRoot: Readonly<Partial<Record<Capability, NamespaceFlag | 'always'>>> = {
  CAP_CHOWN: 'always',
  CAP_DAC_OVERRIDE: 'always',
  CAP_FSETID: 'always',
  CAP_FOWNER: 'always',
  CAP_SETFCAP: 'always',
  CAP_SETPCAP: 'always',
  CAP_NET_BIND_SERVICE: 'always',
  CAP_SYS_CHROOT: 'always',
  CAP_AUDIT_WRITE: 'always',
  // Whoever becomes a user of the host may trace that user's processes, and through them sees the host's files.
  CAP_SETGID: 'pid',
  CAP_SETUID: 'pid',
  CAP_KILL: 'pid',
  // What passes through the host's interfaces could be read and forged.
  CAP_NET_RAW: 'net',
};

const isDefaultForRoot = (capability: CapabilityOrNumber, unshared: readonly NamespaceFlag[]): boolean => {
  const needed = typeof capability === 'number' ? undefined : defaultForRoot[capability];
  return needed === 'always' || (needed !== undefined && unshared.includes(needed));
};

/** Names, and whether `all` was among them. */
interface Listed {
  readonly names: readonly Capability[];
  readonly all: boolean;
}

/**
 * The capabilities that the command keeps; undefined where it keeps all that the kernel has.
 *
 * --cap-keep names exactly those that it keeps, --cap-drop those that it loses of what it has otherwise. A name weighs
 * more than `all`: `--cap-drop all --cap-keep CAP_KILL` keeps one, `--cap-keep all --cap-drop CAP_KILL` all but one.
 * @param chosen the namespaces of the container; in a user namespace the first process has every capability
 * @param commandIsRoot whether the command is root inside; another user has capabilities only as ambient ones
 * @throws Failure with status 2
 */
export function keptCapabilities(
  { options }: Values,
  chosen: readonly NamespaceFlag[],
  commandIsRoot: boolean,
): LaunchSpec['capabilities'] {
  const ownUser = chosen.includes('uid');
  const drop = listed('cap-drop', options['cap-drop']);
  const keep = listed('cap-keep', options['cap-keep']);
  const isDefault = drop === undefined && keep === undefined;
  if (isDefault && (ownUser || process.geteuid?.() !== 0)) return undefined;
  const both =
    drop?.all && keep?.all ? 'all' : keep?.names.find((name) => drop?.names.includes(name) === true);
  if (both !== undefined) throw usageFailure(`--cap-drop and --cap-keep both name ${both}`, 'Choose one.');

  const all = capabilitiesOfKernel();
  const callers = ownUser ? { permitted: all, bounding: all } : capabilitiesOf('self');
  const unknown = [...(keep?.names ?? []), ...(drop?.names ?? [])].find((name) => !all.includes(name));
  if (unknown !== undefined) throw usageFailure(`this kernel has no ${unknown}`, 'See: uname -r');
  const lacking = keep?.names.find((name) => !callers.permitted.includes(name));
  if (lacking !== undefined)
    throw usageFailure(
      `--cap-keep ${lacking}: you do not have it yourself, so the command cannot have it either`,
      'Leave it out, or add --uid: in its own user namespace the container has every capability.',
    );

  const stays = (capability: CapabilityOrNumber): boolean => {
    const has = (list: Listed | undefined) => list?.names.includes(capability as Capability) === true;
    if (has(drop)) return false;
    if (has(keep)) return true;
    if (drop?.all) return false;
    if (keep !== undefined) return keep.all;
    return ownUser || isDefaultForRoot(capability, chosen);
  };
  const kept = callers.permitted.filter(stays);
  const dropped = callers.bounding.filter((capability) => !kept.includes(capability));
  if (dropped.length === 0 && commandIsRoot) return undefined;
  return { kept, dropped, ambient: keep !== undefined && !commandIsRoot && kept.length > 0 };
}

/**
 * What the container of a process was left, for one more command in it: the bounding set of the process.
 * @param joinsUser whether the command joins a user namespace, in which it would have every capability
 */
export function capabilitiesLikeThoseOf(pid: number, joinsUser: boolean): LaunchSpec['capabilities'] {
  if (!joinsUser && process.geteuid?.() !== 0) return undefined;
  const all = capabilitiesOfKernel();
  const callers = joinsUser ? { permitted: all, bounding: all } : capabilitiesOf('self');
  const { bounding } = capabilitiesOf(pid);
  const kept = callers.permitted.filter((capability) => bounding.includes(capability));
  const dropped = callers.bounding.filter((capability) => !bounding.includes(capability));
  return dropped.length === 0 ? undefined : { kept, dropped, ambient: false };
}

/** Whether this process may raise hard limits: setrlimit(2). */
export const mayRaiseLimits = (): boolean => capabilitiesOf('self').permitted.includes('CAP_SYS_RESOURCE');

/** Reads a list; a word may hold several, with commas. */
function listed(option: string, given: unknown): Listed | undefined {
  if (given === undefined) return undefined;
  const words = (given as string[]).flatMap((text) => text.split(',')).map((word) => word.trim());
  const names = words.filter((word) => word.toLowerCase() !== 'all').map((word) => canonical(option, word));
  return { names: [...new Set(names)], all: names.length < words.length };
}

/** `CAP_NET_RAW` for `net_raw`. */
function canonical(option: string, word: string): Capability {
  const name = `CAP_${word.toUpperCase().replace(/^CAP_/, '')}`;
  const found = capabilityNames.find((known) => known === name);
  if (found !== undefined) return found;
  throw usageFailure(
    `--${option}: there is no capability “${word}”`,
    suggestion(name, capabilityNames, { otherwise: 'They are listed in capabilities(7).' }),
  );
}

/** Every capability that this kernel has. Those of a newer one than the table knows are numbers. */
function capabilitiesOfKernel(): CapabilityOrNumber[] {
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  return Array.from({ length: last + 1 }, (_, number) => capabilityOf(number));
}

/** What a process has, and what its children could get: proc_pid_status(5). */
function capabilitiesOf(process: number | 'self'): Record<'permitted' | 'bounding', CapabilityOrNumber[]> {
  const set = (name: string) =>
    capabilitiesIn(
      procLines(`/proc/${process}/status`)
        .find((line) => line.startsWith(`${name}:`))
        ?.split(' ')[1] ?? '0',
    );
  return { permitted: set('CapPrm'), bounding: set('CapBnd') };
}
