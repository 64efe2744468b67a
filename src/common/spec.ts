/** What a launch is: everything that both stages need to know, as data. The parent makes it from the command line. */
import type { ControlGroup, GroupLimits, SystemdScope } from './cgroup/limits.js';
import type { CapabilityOrNumber } from './kernel/capability-numbers.js';
import type { Constant } from './kernel/constants.js';
import type { NamespaceFlag } from './namespaces.js';
import type { Limit, ResourceLimit } from './resource-limits.js';
import type { WatchKind } from './watch/watched-calls.js';

/** A line of /proc/PID/uid_map: `count` IDs from `inside` on are those from `outside` on (user_namespaces(7)). */
export interface MapLine {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export interface IdMaps {
  readonly uid: readonly MapLine[];
  readonly gid: readonly MapLine[];
  /** Whether setgroups(2) is switched off first, as the kernel demands of an unprivileged writer. */
  readonly denySetgroups: boolean;
  /** `kernel`: written by us to /proc/PID/uid_map. `newuidmap`: by newuidmap(1), for subordinate ranges. */
  readonly writer: 'kernel' | 'newuidmap';
}

/** A mount that --bind or --tmpfs asked for. Targets are absolute paths inside, without `.` and `..`. */
export type RequestedMount =
  | {
      readonly kind: 'bind';
      readonly target: string;
      /** An absolute path of the host, without symbolic links. */
      readonly source: string;
      /** Whether the source is a directory; a mount point has to be of the same kind. */
      readonly directory: boolean;
      readonly readOnly: boolean;
      /** Of a directory: changes go to a layer above it. */
      readonly overlay?: BoundOverlay;
    }
  | {
      readonly kind: 'tmpfs';
      readonly target: string;
      /** As tmpfs(5) takes it: bytes, with k, m or g, or a share of the memory with %. */
      readonly size?: string;
    };

/** Changes go to a layer above a directory: one in memory, or one that is kept in a folder, an absolute path. */
export interface Overlay {
  readonly keptIn: string | null;
  /** How much of it may be in memory, as tmpfs(5) takes it, where the caller chose that. */
  readonly size?: string;
}

/** An overlay above a directory that is bound, and what is to be as it is there. */
export interface BoundOverlay extends Overlay {
  /** The mode and, as the host numbers them, the owners of the directory. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** What its mount forbids, such as MS_NOSUID. */
  readonly forbidden: readonly Constant[];
}

/** The new root and what is mounted in it. */
export interface NewRoot {
  /** An absolute path without symbolic links. */
  readonly path: string;
  readonly method: 'pivot_root' | 'chroot';
  readonly overlay?: Overlay;
  /** How much /dev/shm may hold, where the caller chose that. */
  readonly shmSize?: string;
  readonly readOnly: boolean;
  /** Parents before what lies in them. */
  readonly mounts: readonly RequestedMount[];
  /** The host's resolv.conf(5), an absolute path without symbolic links, where the network is the host's. */
  readonly resolver?: string;
}

/** Whether the host's own tree is the new root. */
export const isHostTree = (root: Pick<NewRoot, 'path'> | undefined): boolean => root?.path === '/';

/**
 * Where the new root lies while it is set up; empty where there is none. A directory lies where it is. The host's own tree
 * has to be mounted a second time: over a directory that every Linux has, and that neither a launch nor a bind mount needs
 * anything of.
 */
export const placeOf = (root: NewRoot | undefined): string =>
  isHostTree(root) ? otherPlace : (root?.path ?? '');

export const otherPlace = '/proc/fs';

/** What a process inherits by execve(2) and Node has changed at its start; the command gets what the caller had. */
export interface Inherited {
  /** The limits of open files, where Node's soft limit is another one: getrlimit(2). */
  readonly openFiles?: { readonly soft: Limit; readonly hard: Limit };
  /** The numbers of the signals that are ignored: signal(7). */
  readonly ignoredSignals: readonly number[];
  /** Those that are blocked: sigprocmask(2). */
  readonly blockedSignals: readonly number[];
}

/** Which calls of the command are watched (docs/watch.md). */
export interface Watch {
  readonly kinds: readonly WatchKind[];
  /** Whether a call that is looked at is interrupted only by signals that kill: since Linux 5.19. */
  readonly killable: boolean;
}

export interface LaunchSpec {
  /** The namespaces that were asked for. */
  readonly namespaces: readonly NamespaceFlag[];
  /** The namespaces that are made: those, and a mount namespace where a fresh /proc needs one. */
  readonly unshared: readonly NamespaceFlag[];
  /** The name to set, when there is a UTS namespace. */
  readonly hostname?: string;
  readonly root?: NewRoot;
  /** The command's working directory inside, where the caller chose one. */
  readonly workingDirectory?: string;
  readonly maps?: IdMaps;
  /** Seconds added to the clocks of a new time namespace (time_namespaces(7)). */
  readonly clockOffsets?: { readonly monotonic: number; readonly boottime: number };
  /** The command and its arguments. */
  readonly command: readonly string[];
  /** The whole environment of the command, but for PS1, which depends on who it runs as. */
  readonly environment: Readonly<Record<string, string>>;
  /** There where the caller chose PS1, or that there is none: it is in the environment then. */
  readonly prompt?: string;
  /** Who the command runs as inside: as --user says, else 0 when 0 is mapped, else what the caller is mapped to. */
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    /** The supplementary groups to set; absent where the command keeps those of the caller. */
    readonly groups?: readonly number[];
  };
  /** Whether the command's process has to become that user, because the launcher is another one inside. */
  readonly becomesUser: boolean;
  /**
   * Whether the child starts as somebody other than root inside, and so would lose its capabilities by execve(2)
   * unless they are made ambient (capabilities(7)).
   */
  readonly keepsCapabilities: boolean;
  /** The capabilities that the command keeps; absent where it has what its user has (capabilities(7)). */
  readonly capabilities?: {
    readonly kept: readonly CapabilityOrNumber[];
    /** The others that the bounding set has. */
    readonly dropped: readonly CapabilityOrNumber[];
    /** Whether the command has them although it is not root inside. */
    readonly ambient: boolean;
  };
  /**
   * The file of node, an absolute path, where the child runs from a read-only mount of it: its exe link leads out of
   * the new root (proc_pid_exe(5)). Absent where there is no new root, or the kernel cannot do it.
   */
  readonly readOnlyExecutable?: string;
  /** As whom the child makes files, where the maps leave out the user that it is; a file of nobody cannot be made. */
  readonly fileOwner?: { readonly uid: number; readonly gid: number };
  /** Whether the child itself becomes the command, as PID 1, and no init stays beside it. */
  readonly asPid1: boolean;
  /** The descriptor over which a program asks for commands: none is started by the launch itself (--control-fd). */
  readonly controlDescriptor?: number;
  /** Whether execve(2) may give the command privileges, as set-user-ID programs do: PR_SET_NO_NEW_PRIVS(2const). */
  readonly newPrivileges: boolean;
  /**
   * `foreground`: the command gets a process group of its own and the terminal, as a shell gives it to a job.
   * `shared`: it stays in the launcher's process group, as a member of a pipeline does.
   * `own`: a pseudo-terminal of its own, in a session of its own.
   * `none`: a session of its own, and no terminal.
   */
  readonly terminal: 'foreground' | 'shared' | 'own' | 'none';
  readonly inherited: Inherited;
  /** The limits of --ulimit, in the order in which they are set. */
  readonly ulimits?: readonly ResourceLimit[];
  /** Absent where no call is watched, and no filter is installed. */
  readonly watch?: Watch;
  /** What the command and all its descendants may use together, and the groups that see to it. */
  readonly limits?: {
    readonly asked: GroupLimits;
    readonly groups: readonly ControlGroup[];
    /** What systemd's user manager is asked for first, where the groups are in it. */
    readonly scope?: SystemdScope;
  };
  /** Sent instead of SIGTERM where something ends the command in order: --timeout, gontainer kill. */
  readonly stopSignal?: NodeJS.Signals;
  /** What was taken from an image, for the log. */
  readonly fromImage?: readonly ImageLine[];
}

/** One thing that a launch takes from an image, by its name in the image's configuration. */
export interface ImageLine {
  readonly field: 'Root' | 'Env' | 'Entrypoint' | 'Cmd' | 'User' | 'WorkingDir' | 'StopSignal';
  /** For example `user from the image: nobody`. */
  readonly text: string;
}

/** Whether the command leaves the caller's session: setsid(2). */
export const newSession = ({ terminal }: Pick<LaunchSpec, 'terminal'>): boolean =>
  terminal === 'own' || terminal === 'none';

/** Whether this launch makes a namespace of this kind. */
export const unshares = (spec: LaunchSpec, flag: NamespaceFlag): boolean => spec.unshared.includes(flag);

/** Nanoseconds by which the container's CLOCK_MONOTONIC is ahead of the host's. */
export const monotonicShift = ({ clockOffsets }: LaunchSpec): bigint =>
  BigInt(clockOffsets?.monotonic ?? 0) * 1_000_000_000n;

/** The container's ID for an ID of the host, undefined where it is not mapped. */
export function insideId(lines: readonly MapLine[], outside: number): number | undefined {
  const line = lines.find(({ outside: first, count }) => outside >= first && outside - first < count);
  return line && line.inside + (outside - line.outside);
}

/** The host's ID for an ID of the container, undefined where it is not mapped. */
export function outsideId(lines: readonly MapLine[], inside: number): number | undefined {
  const line = lines.find(({ inside: first, count }) => inside >= first && inside - first < count);
  return line && line.outside + (inside - line.inside);
}

/** Whether an ID of the container stands for one of the host; without a user namespace every ID does. */
export const insideIds = ({
  maps,
}: Pick<LaunchSpec, 'maps'>): Record<'uid' | 'gid', (id: number) => boolean> => {
  const mapped = (lines: readonly MapLine[] | undefined) => (id: number) =>
    lines === undefined || outsideId(lines, id) !== undefined;
  return { uid: mapped(maps?.uid), gid: mapped(maps?.gid) };
};
