import { capabilities } from './capability-numbers.js';

/**
 * The constants of the kernel's interface that the launch uses, by the names the manual pages give them. Calls are
 * written with the names, so the log shows what the source says. Values: the kernel's uapi headers; those used here
 * are the same on x86-64 and aarch64.
 */
export const constants = {
  // clone(2), unshare(2), setns(2)
  CLONE_NEWTIME: 0x80,
  CLONE_VM: 0x100,
  CLONE_FILES: 0x400,
  CLONE_VFORK: 0x4000,
  CLONE_PARENT: 0x8000,
  CLONE_NEWNS: 0x20000,
  CLONE_PARENT_SETTID: 0x100000,
  CLONE_NEWCGROUP: 0x2000000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
  // signal(7)
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGXFSZ: 25,
  SIG_DFL: 0,
  SIG_IGN: 1,
  SIG_SETMASK: 2,
  // setrlimit(2)
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
  // mount(2), umount2(2)
  MS_RDONLY: 0x1,
  MS_NOSUID: 0x2,
  MS_NODEV: 0x4,
  MS_NOEXEC: 0x8,
  MS_REMOUNT: 0x20,
  MS_NOSYMFOLLOW: 0x100,
  MS_NOATIME: 0x400,
  MS_NODIRATIME: 0x800,
  MS_BIND: 0x1000,
  MS_REC: 0x4000,
  MS_PRIVATE: 0x40000,
  MS_RELATIME: 0x200000,
  MS_STRICTATIME: 0x1000000,
  MNT_DETACH: 2,
  // open_tree(2), mount_setattr(2), move_mount(2)
  OPEN_TREE_CLONE: 0x1,
  OPEN_TREE_CLOEXEC: 0o2000000,
  MOUNT_ATTR_RDONLY: 0x1,
  MOUNT_ATTR_NODEV: 0x4,
  MOVE_MOUNT_F_EMPTY_PATH: 0x4,
  AT_FDCWD: -100,
  AT_EMPTY_PATH: 0x1000,
  AT_RECURSIVE: 0x8000,
  // prctl(2)
  PR_SET_PDEATHSIG: 1,
  PR_SET_DUMPABLE: 4,
  SUID_DUMP_DISABLE: 0,
  PR_SET_KEEPCAPS: 8,
  PR_CAPBSET_DROP: 24,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_CAP_AMBIENT: 47,
  PR_CAP_AMBIENT_RAISE: 2,
  PR_CAP_AMBIENT_CLEAR_ALL: 4,
  // seccomp(2)
  SECCOMP_SET_MODE_FILTER: 1,
  SECCOMP_FILTER_FLAG_NEW_LISTENER: 0x8,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0x20,
  // keyctl(2)
  KEYCTL_JOIN_SESSION_KEYRING: 1,
  // capabilities(7)
  ...capabilities,
  // fcntl(2), open(2)
  F_DUPFD_CLOEXEC: 1030,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  FD_CLOEXEC: 1,
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_NONBLOCK: 0o4000,
  O_PATH: 0o10000000,
  O_CLOEXEC: 0o2000000,
  // openat2(2)
  RESOLVE_NO_MAGICLINKS: 0x2,
  RESOLVE_IN_ROOT: 0x10,
  // flock(2)
  LOCK_SH: 1,
  LOCK_EX: 2,
  LOCK_NB: 4,
  // mknod(2), inode(7)
  S_IFCHR: 0o020000,
  // socket(2), socketpair(2), netdevice(7)
  AF_UNIX: 1,
  AF_INET: 2,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_CLOEXEC: 0o2000000,
  SIOCGIFFLAGS: 0x8913,
  SIOCSIFFLAGS: 0x8914,
  IFF_UP: 0x1,
  IFF_LOOPBACK: 0x8,
  IFF_RUNNING: 0x40,
  // ioctl_tty(2), termios(3)
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  TIOCGPTN: 0x80045430,
  TIOCSPTLCK: 0x40045431,
  TIOCGPTPEER: 0x5441,
  IGNBRK: 0o1,
  BRKINT: 0o2,
  PARMRK: 0o10,
  ISTRIP: 0o40,
  INLCR: 0o100,
  IGNCR: 0o200,
  ICRNL: 0o400,
  IXON: 0o2000,
  OPOST: 0o1,
  CS8: 0o60,
  CSIZE: 0o60,
  PARENB: 0o400,
  ISIG: 0o1,
  ICANON: 0o2,
  ECHO: 0o10,
  ECHONL: 0o100,
  IEXTEN: 0o100000,
  TIOCGPGRP: 0x540f,
  TIOCSPGRP: 0x5410,
  TIOCSCTTY: 0x540e,
  TCFLSH: 0x540b,
  TCIFLUSH: 0,
  // ioctl_ns(2)
  NS_GET_USERNS: 0xb701,
  NS_GET_PARENT: 0xb702,
  NS_GET_OWNER_UID: 0xb704,
  // waitpid(2)
  WNOHANG: 1,
  WUNTRACED: 2,
  WCONTINUED: 8,
  // mmap(2)
  PROT_READ: 1,
  PROT_WRITE: 2,
  MAP_SHARED: 0x1,
  MAP_ANONYMOUS: 0x20,
  MAP_NORESERVE: 0x4000,
  // clock_gettime(2)
  CLOCK_MONOTONIC: 1,
  // close_range(2): the last descriptor there can be
  UINT_MAX: -1,
  CLOSE_RANGE_CLOEXEC: 4,
} as const;

export type Constant = keyof typeof constants;

/** A number, one constant, or several constants or-ed together; an empty list is 0. */
export type Flags = number | Constant | readonly Constant[];

/** A signal by its name where this table has it: signal(7). */
export const signalConstant = (number: number): Flags =>
  (Object.keys(constants) as Constant[]).find(
    (name) => /^SIG[A-Z0-9]+$/.test(name) && constants[name] === number,
  ) ?? number;

/** The number that the kernel is given. */
export const numberOf = (flags: Flags): number =>
  typeof flags === 'number'
    ? flags
    : typeof flags === 'string'
      ? constants[flags]
      : flags.reduce((bits, name) => bits | constants[name], 0);

/** How the log writes it: by name where a name was given, as strace(1) would. */
export const shownFlags = (flags: Flags): string | number =>
  typeof flags === 'object' ? flags.join('|') || 0 : flags;
