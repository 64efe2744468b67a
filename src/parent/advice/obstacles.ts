/** What on this host stands in the way of namespaces: looked up, not guessed. Read by a failed launch and the doctor. */
import { existsSync, readFileSync } from 'node:fs';
import { type NamespaceFlag, namespaces } from '../../common/namespaces.js';
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
    forbids: (value) => value === 1 && process.geteuid?.() !== 0,
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

function setting(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // This kernel has no such switch.
  }
}

/** Reads a value like `Seccomp: 2` of proc_pid_status(5). */
export const filteredBySeccomp = (): boolean =>
  /^Seccomp:\s*2$/m.test(readFileSync('/proc/self/status', 'utf8'));

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
      return filteredBySeccomp()
        ? {
            next: 'A seccomp filter forbids it, as in a container: run gontainer on the host, or start the container with --security-opt seccomp=unconfined',
            line: 'seccomp',
          }
        : {
            next: 'A user namespace cannot be made in a chroot, or from IDs that are not mapped: run gontainer on the host',
            line: 'namespace-uid',
          };
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
