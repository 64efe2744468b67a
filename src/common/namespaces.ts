/**
 * The eight kinds of Linux namespaces, in the one table that the help, the banner, the log, the report and the
 * lessons read. Sources: namespaces(7) and the page named in each row; `since` is the kernel version in which the
 * kind was complete enough to be used.
 */

export interface Namespace {
  /** The option that selects it, Gontainer's spelling: `-uid`, `-mnt`, … */
  readonly flag: string;
  /** What namespaces(7) calls it. */
  readonly name: string;
  /** The flag of clone(2) and unshare(2) that makes a new one. */
  readonly clone: CloneFlag;
  /** Its entry in /proc/PID/ns, also the word in `user:[4026531837]`. */
  readonly entry: string;
  /** What is seen separately inside, one line. */
  readonly isolates: string;
  /** Linux version. */
  readonly since: string;
  /** Manual page. */
  readonly man: string;
}

export type CloneFlag =
  | 'CLONE_NEWUSER'
  | 'CLONE_NEWNS'
  | 'CLONE_NEWUTS'
  | 'CLONE_NEWIPC'
  | 'CLONE_NEWNET'
  | 'CLONE_NEWPID'
  | 'CLONE_NEWCGROUP'
  | 'CLONE_NEWTIME';

export const namespaces = [
  {
    flag: 'uid',
    name: 'user',
    clone: 'CLONE_NEWUSER',
    entry: 'user',
    isolates: 'user and group IDs and capabilities: root in the container, an ordinary user on the host',
    since: '3.8',
    man: 'user_namespaces(7)',
  },
  {
    flag: 'mnt',
    name: 'mount',
    clone: 'CLONE_NEWNS',
    entry: 'mnt',
    isolates: 'mount points: a file system tree of its own',
    since: '2.4.19',
    man: 'mount_namespaces(7)',
  },
  {
    flag: 'uts',
    name: 'UTS',
    clone: 'CLONE_NEWUTS',
    entry: 'uts',
    isolates: 'host name and NIS domain name',
    since: '2.6.19',
    man: 'uts_namespaces(7)',
  },
  {
    flag: 'ipc',
    name: 'IPC',
    clone: 'CLONE_NEWIPC',
    entry: 'ipc',
    isolates: 'System V IPC objects and POSIX message queues',
    since: '2.6.19',
    man: 'ipc_namespaces(7)',
  },
  {
    flag: 'net',
    name: 'network',
    clone: 'CLONE_NEWNET',
    entry: 'net',
    isolates: 'network devices, addresses, routes, ports and abstract sockets',
    since: '2.6.29',
    man: 'network_namespaces(7)',
  },
  {
    flag: 'pid',
    name: 'PID',
    clone: 'CLONE_NEWPID',
    entry: 'pid',
    isolates: 'process IDs: the first process inside is PID 1',
    since: '2.6.24',
    man: 'pid_namespaces(7)',
  },
  {
    flag: 'cgroup',
    name: 'cgroup',
    clone: 'CLONE_NEWCGROUP',
    entry: 'cgroup',
    isolates: 'the root of the cgroup tree as it is seen inside',
    since: '4.6',
    man: 'cgroup_namespaces(7)',
  },
  {
    flag: 'time',
    name: 'time',
    clone: 'CLONE_NEWTIME',
    entry: 'time',
    isolates: 'the boot-time and monotonic clocks, so also the uptime',
    since: '5.6',
    man: 'time_namespaces(7)',
  },
] as const satisfies readonly Namespace[];

/** `uid`, `mnt`, … */
export type NamespaceFlag = (typeof namespaces)[number]['flag'];

/** The rows of the table for these flags, in the table's order. */
export const namespacesFor = (flags: readonly NamespaceFlag[]): readonly (typeof namespaces)[number][] =>
  namespaces.filter(({ flag }) => flags.includes(flag));
