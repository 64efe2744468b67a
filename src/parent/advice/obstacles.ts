/** What on this host stands in the way of namespaces: looked up, not guessed. Read by a failed launch and the doctor. */
import { existsSync, readFileSync } from 'node:fs';
import { capabilitiesIn } from '../../common/kernel/capability-numbers.js';
import { mountTable } from '../../common/mount-table.js';
import { type NamespaceFlag, namespaces } from '../../common/namespaces.js';
import { textOrNone } from '../../common/text-or-none.js';
import type { LineId } from './doctor-lines.js';

/** What can be done, and the doctor's line about it. */
export interface Advice {
  readonly next: string;
  readonly line?: LineId;
}

/** A switch by which a host forbids user namespaces, and the words for it. */
interface Switch {
  readonly path: string;
  readonly forbids: (value: number) => boolean;
  readonly next: string;
}

const switches: readonly Switch[] = [
  {
    path: '/proc/sys/user/max_user_namespaces',
    forbids: (value) => value === 0,
    next: 'User namespaces are switched off here (user.max_user_namespaces is 0); allow them with: sudo sysctl user.max_user_namespaces=10000',
  },
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: (value) => value === 0 && process.geteuid?.() !== 0,
    next: 'User namespaces are only for root here (kernel.unprivileged_userns_clone is 0); allow them with: sudo sysctl kernel.unprivileged_userns_clone=1',
  },
  {
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: (value) => value === 1 && process.geteuid?.() !== 0 && appArmorProfile() === undefined,
    next: 'AppArmor restricts user namespaces here (kernel.apparmor_restrict_unprivileged_userns is 1); allow them until the next start with: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  },
];

/** The switch that is set against user namespaces on this host, if one is. */
export const forbiddenBy = (): string | undefined =>
  switches.find(({ path, forbids }) => {
    const value = setting(path);
    return value !== undefined && forbids(value);
  })?.next;

/** How many of a kind of namespaces a user may make: namespaces(7), "The /proc/sys/user directory". */
export const limitOf = ({ entry }: (typeof namespaces)[number]): number | undefined =>
  setting(`/proc/sys/user/max_${entry}_namespaces`);

export const limitName = ({ entry }: (typeof namespaces)[number]): string => `user.max_${entry}_namespaces`;

/** The number in a file of /proc/sys; undefined where this kernel has no such switch. */
export function setting(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Reads a value like `Seccomp: 2` of proc_pid_status(5). */
const statusLine = (name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';

export const filteredBySeccomp = (): boolean => statusLine('Seccomp') === '2';

/** A profile that /proc/PID/attr/current names, and whether it keeps processes from anything: apparmor(7). */
export interface AppArmorProfile {
  readonly name: string;
  readonly confines: boolean;
}

/** The profile of this process; undefined where it has none. SELinux has labels of another form in the same file. */
export function appArmorProfile(): AppArmorProfile | undefined {
  const [, name, mode] = /^(.+) \((\w+)\)$/.exec(textOrNone('/proc/self/attr/current').trim()) ?? [];
  return name === undefined ? undefined : { name, confines: mode !== 'unconfined' && mode !== 'complain' };
}

/** The name of the AppArmor profile that confines this process, if one does. */
export function confinedBy(): string | undefined {
  const profile = appArmorProfile();
  return profile?.confines === true ? profile.name : undefined;
}

/** Under these the kernel itself has empty directories to mount something on, and they hide nothing: fs/proc/inode.c. */
const emptyByNature = ['/proc/sys/fs/binfmt_misc', '/proc/fs/nfsd'];

/** Whether parts of /proc are covered, as containers have them: then a user namespace gets no new /proc. */
const procIsCovered = (): boolean =>
  mountTable()
    .atOrBelow('/proc')
    .some(({ mountPoint }) => mountPoint !== '/proc' && !emptyByNature.includes(mountPoint));

/** systemd-nspawn(1) writes its own name there; it has other options, and a filter that is a list of what it allows. */
const underNspawn = (): boolean => textOrNone('/run/host/container-manager').trim() === 'systemd-nspawn';

/** Options of docker-run(1), podman-run(1) or systemd-nspawn(1) that take away what stands in the way here. */
function containerOptions(): string {
  if (underNspawn()) return '--system-call-filter=@known';
  return [
    ...(filteredBySeccomp() ? ['--security-opt seccomp=unconfined'] : []),
    ...(procIsCovered() ? ['--security-opt systempaths=unconfined'] : []),
    ...(confinedBy() === undefined ? [] : ['--security-opt apparmor=unconfined']),
  ].join(' ');
}

/** What helps where a container manager has set something against namespaces. */
export function outOfContainer(): string {
  const options = containerOptions();
  const started = options === '' ? '' : `, or start the container with ${options}`;
  return `run gontainer on the host${started}`;
}

const confinedAdvice = (name: string): Advice => ({
  next: `The AppArmor profile ${name} confines this process and forbids it: sudo dmesg | grep DENIED shows what; in a container, start that with ${containerOptions()}`,
  line: 'apparmor',
});

/**
 * Why the kernel refused a call that needs nothing but a namespace of the caller's own; undefined where nothing is known
 * that would.
 */
export function refusedByPolicy(errno: string): Advice | undefined {
  const profile = confinedBy();
  if (profile !== undefined && ['EPERM', 'EACCES'].includes(errno)) return confinedAdvice(profile);
  if (filteredBySeccomp() && ['EPERM', 'ENOSYS', 'SIGSYS'].includes(errno))
    return { next: `A seccomp filter forbids it, as in a container: ${outOfContainer()}`, line: 'seccomp' };
  return undefined;
}

/** Why newuidmap(1) may not write a map, though the files allow it. */
export function mapProgramsPowerless(): string | undefined {
  if (statusLine('NoNewPrivs') === '1')
    return 'no_new_privs is set here, as in some containers, so newuidmap gets no privilege by its set-user-ID bit: leave out --map-auto, or run gontainer on the host';
  const bounding = capabilitiesIn(statusLine('CapBnd'));
  const lacking = (['CAP_SYS_ADMIN', 'CAP_SETUID', 'CAP_SETGID'] as const).find(
    (name) => !bounding.includes(name),
  );
  return (
    lacking &&
    `newuidmap cannot have ${lacking} here, as in a container: leave out --map-auto, run gontainer on the host, or start the container with --cap-add ${lacking.slice('CAP_'.length)}`
  );
}

/** Why unshare(2) of these kinds failed, and what can be done about it. */
export function unshareRefused(errno: string, flags: readonly NamespaceFlag[]): Advice | undefined {
  const asked = namespaces.filter(({ flag }) => flags.includes(flag));
  const forbidden = flags.includes('uid') ? forbiddenBy() : undefined;
  if (forbidden !== undefined && ['EPERM', 'ENOSPC', 'EACCES'].includes(errno))
    return { next: forbidden, line: 'switches' };
  switch (errno) {
    case 'ENOSPC': {
      const full = asked.find((kind) => limitOf(kind) === 0);
      return full === undefined
        ? {
            next: 'A limit on namespaces is reached: too many are in use, or user namespaces are nested too deeply; see the sysctls user.max_*_namespaces',
            line: 'nesting',
          }
        : {
            next: `This host allows no such namespace (${limitName(full)} is 0); allow them with: sudo sysctl ${limitName(full)}=10000`,
            line: `namespace-${full.flag}`,
          };
    }
    case 'EPERM':
      if (!flags.includes('uid'))
        return { next: 'Making these namespaces takes CAP_SYS_ADMIN: add --uid, or run it as root.' };
      return (
        refusedByPolicy(errno) ?? {
          next: 'A user namespace cannot be made in a chroot, or from IDs that are not mapped: run gontainer on the host',
          line: 'namespace-uid',
        }
      );
    case 'EACCES':
      return (
        refusedByPolicy(errno) ?? {
          next: 'A security module forbids it (SELinux, AppArmor or a BPF program): the last lines of dmesg and of the audit log name it',
          line: 'namespace-uid',
        }
      );
    case 'ENOSYS':
    case 'SIGSYS':
      return refusedByPolicy(errno);
    case 'EINVAL': {
      const lacking = asked.find(({ entry }) => !existsSync(`/proc/self/ns/${entry}`)) ?? asked[0];
      return lacking === undefined
        ? undefined
        : {
            next: `This kernel lacks a kind of namespace: leave out -${lacking.flag}, which is there since Linux ${lacking.since}`,
            line: `namespace-${lacking.flag}`,
          };
    }
    default:
      return undefined;
  }
}
