/**
 * The system calls that `--watch` shows, in the one table that the filter, the log, the pages and the lessons read. The
 * numbers are those of the kernel's headers: asm/unistd_64.h, asm/unistd_32.h and asm-generic/unistd.h; -1 where an
 * architecture has no such call.
 */

/** What can be watched apart from the rest, in the order in which the help has it. */
export const watchKinds = ['files', 'network', 'processes', 'identity', 'ipc'] as const;

export type WatchKind = (typeof watchKinds)[number];

/** The namespace that answers, by its entry in /proc/PID/ns. */
export type Answering = 'mnt' | 'net' | 'pid' | 'user' | 'uts' | 'ipc' | 'time';

/**
 * What a letter of `parameters` stands for, one letter an argument:
 *
 *   s  path                        d  directory descriptor     i  int               x  hexadecimal
 *   o  mode, in octal              f  flags of open(2)         A  flags AT_…        m  mode of access(2)
 *   p  address                     v  argv                     e  envp              S  signal
 *   a  address of a socket         l  the length of that       F  AF_…              T  SOCK_…
 *   h  struct open_how             c  all arguments of clone   C  struct clone_args N  CLONE_NEW…
 *   M  flags MS_…                  U  flags of umount2(2)      r  flags RENAME_…   t  text that is no path
 *   n  text as long as the next argument says          H  struct msghdr
 *   G  as many struct mmsghdr as the next argument says
 */
type Row = readonly [
  kind: WatchKind,
  answers: Answering,
  parameters: string,
  x64: number,
  i386: number,
  arm64: number,
];

/** A function, as every child loads this, and few are watched. */
const rows = () =>
  ({
    open: ['files', 'mnt', 'sfo', 2, 5, -1],
    openat: ['files', 'mnt', 'dsfo', 257, 295, 56],
    openat2: ['files', 'mnt', 'dshi', 437, 437, 437],
    creat: ['files', 'mnt', 'so', 85, 8, -1],
    stat: ['files', 'mnt', 'sp', 4, 106, -1],
    lstat: ['files', 'mnt', 'sp', 6, 107, -1],
    stat64: ['files', 'mnt', 'sp', -1, 195, -1],
    lstat64: ['files', 'mnt', 'sp', -1, 196, -1],
    newfstatat: ['files', 'mnt', 'dspA', 262, -1, 79],
    fstatat64: ['files', 'mnt', 'dspA', -1, 300, -1],
    statx: ['files', 'mnt', 'dsAxp', 332, 383, 291],
    access: ['files', 'mnt', 'sm', 21, 33, -1],
    faccessat: ['files', 'mnt', 'dsm', 269, 307, 48],
    faccessat2: ['files', 'mnt', 'dsmA', 439, 439, 439],
    readlink: ['files', 'mnt', 'spi', 89, 85, -1],
    readlinkat: ['files', 'mnt', 'dspi', 267, 305, 78],
    statfs: ['files', 'mnt', 'sp', 137, 99, 43],
    statfs64: ['files', 'mnt', 'sip', -1, 268, -1],
    chdir: ['files', 'mnt', 's', 80, 12, 49],
    chroot: ['files', 'mnt', 's', 161, 61, 51],
    mkdir: ['files', 'mnt', 'so', 83, 39, -1],
    mkdirat: ['files', 'mnt', 'dso', 258, 296, 34],
    rmdir: ['files', 'mnt', 's', 84, 40, -1],
    unlink: ['files', 'mnt', 's', 87, 10, -1],
    unlinkat: ['files', 'mnt', 'dsA', 263, 301, 35],
    rename: ['files', 'mnt', 'ss', 82, 38, -1],
    renameat: ['files', 'mnt', 'dsds', 264, 302, 38],
    renameat2: ['files', 'mnt', 'dsdsr', 316, 353, 276],
    link: ['files', 'mnt', 'ss', 86, 9, -1],
    linkat: ['files', 'mnt', 'dsdsA', 265, 303, 37],
    symlink: ['files', 'mnt', 'ts', 88, 83, -1],
    symlinkat: ['files', 'mnt', 'tds', 266, 304, 36],
    mknod: ['files', 'mnt', 'sox', 133, 14, -1],
    mknodat: ['files', 'mnt', 'dsox', 259, 297, 33],
    chmod: ['files', 'mnt', 'so', 90, 15, -1],
    fchmodat: ['files', 'mnt', 'dso', 268, 306, 53],
    fchmodat2: ['files', 'mnt', 'dsoA', 452, 452, 452],
    chown: ['files', 'mnt', 'sii', 92, 182, -1],
    chown32: ['files', 'mnt', 'sii', -1, 212, -1],
    lchown: ['files', 'mnt', 'sii', 94, 16, -1],
    lchown32: ['files', 'mnt', 'sii', -1, 198, -1],
    fchownat: ['files', 'mnt', 'dsiiA', 260, 298, 54],
    truncate: ['files', 'mnt', 'si', 76, 92, 45],
    truncate64: ['files', 'mnt', 'sx', -1, 193, -1],
    utime: ['files', 'mnt', 'sp', 132, 30, -1],
    utimes: ['files', 'mnt', 'sp', 235, 271, -1],
    futimesat: ['files', 'mnt', 'dsp', 261, 299, -1],
    utimensat: ['files', 'mnt', 'dspA', 280, 320, 88],
    utimensat_time64: ['files', 'mnt', 'dspA', -1, 412, 412],
    getxattr: ['files', 'mnt', 'stpi', 191, 229, 8],
    lgetxattr: ['files', 'mnt', 'stpi', 192, 230, 9],
    setxattr: ['files', 'mnt', 'stpix', 188, 226, 5],
    lsetxattr: ['files', 'mnt', 'stpix', 189, 227, 6],
    listxattr: ['files', 'mnt', 'spi', 194, 232, 11],
    llistxattr: ['files', 'mnt', 'spi', 195, 233, 12],
    removexattr: ['files', 'mnt', 'st', 197, 235, 14],
    lremovexattr: ['files', 'mnt', 'st', 198, 236, 15],
    setxattrat: ['files', 'mnt', 'dsAtpi', 463, 463, 463],
    getxattrat: ['files', 'mnt', 'dsAtpi', 464, 464, 464],
    listxattrat: ['files', 'mnt', 'dsApi', 465, 465, 465],
    removexattrat: ['files', 'mnt', 'dsAt', 466, 466, 466],
    file_getattr: ['files', 'mnt', 'dspiA', 468, 468, 468],
    file_setattr: ['files', 'mnt', 'dspiA', 469, 469, 469],
    name_to_handle_at: ['files', 'mnt', 'dsppA', 303, 341, 264],
    open_by_handle_at: ['files', 'mnt', 'dpf', 304, 342, 265],
    uselib: ['files', 'mnt', 's', 134, 86, -1],
    acct: ['files', 'mnt', 's', 163, 51, 89],
    swapon: ['files', 'mnt', 'sx', 167, 87, 224],
    swapoff: ['files', 'mnt', 's', 168, 115, 225],
    quotactl: ['files', 'mnt', 'xsip', 179, 131, 60],
    fanotify_mark: ['files', 'mnt', 'ixxds', 301, -1, 263],
    inotify_add_watch: ['files', 'mnt', 'isx', 254, 292, 27],
    mount: ['files', 'mnt', 'tstMp', 165, 21, 40],
    umount: ['files', 'mnt', 'sU', -1, 22, -1],
    umount2: ['files', 'mnt', 'sU', 166, 52, 39],
    pivot_root: ['files', 'mnt', 'ss', 155, 217, 41],
    open_tree: ['files', 'mnt', 'dsx', 428, 428, 428],
    open_tree_attr: ['files', 'mnt', 'dsxpi', 467, 467, 467],
    fspick: ['files', 'mnt', 'dsx', 433, 433, 433],
    move_mount: ['files', 'mnt', 'dsdsx', 429, 429, 429],
    mount_setattr: ['files', 'mnt', 'dsxpi', 442, 442, 442],
    fsopen: ['files', 'mnt', 'tx', 430, 430, 430],
    fsmount: ['files', 'mnt', 'ixx', 432, 432, 432],
    socket: ['network', 'net', 'FTi', 41, 359, 198],
    socketcall: ['network', 'net', 'ip', -1, 102, -1],
    connect: ['network', 'net', 'ial', 42, 362, 203],
    bind: ['network', 'net', 'ial', 49, 361, 200],
    listen: ['network', 'net', 'ii', 50, 363, 201],
    accept: ['network', 'net', 'ipp', 43, -1, 202],
    accept4: ['network', 'net', 'ippx', 288, 364, 242],
    sendto: ['network', 'net', 'ipixal', 44, 369, 206],
    sendmsg: ['network', 'net', 'iHx', 46, 370, 211],
    sendmmsg: ['network', 'net', 'iGix', 307, 345, 269],
    execve: ['processes', 'mnt', 'sve', 59, 11, 221],
    execveat: ['processes', 'mnt', 'dsveA', 322, 358, 281],
    clone: ['processes', 'pid', 'c', 56, 120, 220],
    clone3: ['processes', 'pid', 'Ci', 435, 435, 435],
    fork: ['processes', 'pid', '', 57, 2, -1],
    vfork: ['processes', 'pid', '', 58, 190, -1],
    kill: ['processes', 'pid', 'iS', 62, 37, 129],
    tkill: ['processes', 'pid', 'iS', 200, 238, 130],
    tgkill: ['processes', 'pid', 'iiS', 234, 270, 131],
    rt_sigqueueinfo: ['processes', 'pid', 'iSp', 129, 178, 138],
    rt_tgsigqueueinfo: ['processes', 'pid', 'iiSp', 297, 335, 240],
    process_vm_readv: ['processes', 'pid', 'ipxpxx', 310, 347, 270],
    process_vm_writev: ['processes', 'pid', 'ipxpxx', 311, 348, 271],
    pidfd_getfd: ['processes', 'pid', 'iix', 438, 438, 438],
    pidfd_open: ['processes', 'pid', 'ix', 434, 434, 434],
    pidfd_send_signal: ['processes', 'pid', 'iSpx', 424, 424, 424],
    ptrace: ['processes', 'pid', 'xixx', 101, 26, 117],
    unshare: ['processes', 'user', 'N', 272, 310, 97],
    setns: ['processes', 'user', 'iN', 308, 346, 268],
    uname: ['identity', 'uts', 'p', 63, 122, 160],
    sethostname: ['identity', 'uts', 'ni', 170, 74, 161],
    setdomainname: ['identity', 'uts', 'ni', 171, 121, 162],
    getpid: ['identity', 'pid', '', 39, 20, 172],
    getppid: ['identity', 'pid', '', 110, 64, 173],
    getpgid: ['identity', 'pid', 'i', 121, 132, 155],
    getpgrp: ['identity', 'pid', '', 111, 65, -1],
    getsid: ['identity', 'pid', 'i', 124, 147, 156],
    setsid: ['identity', 'pid', '', 112, 66, 157],
    setpgid: ['identity', 'pid', 'ii', 109, 57, 154],
    getuid: ['identity', 'user', '', 102, 24, 174],
    getuid32: ['identity', 'user', '', -1, 199, -1],
    geteuid: ['identity', 'user', '', 107, 49, 175],
    geteuid32: ['identity', 'user', '', -1, 201, -1],
    getgid: ['identity', 'user', '', 104, 47, 176],
    getgid32: ['identity', 'user', '', -1, 200, -1],
    getegid: ['identity', 'user', '', 108, 50, 177],
    getegid32: ['identity', 'user', '', -1, 202, -1],
    getresuid: ['identity', 'user', 'ppp', 118, 165, 148],
    getresuid32: ['identity', 'user', 'ppp', -1, 209, -1],
    getresgid: ['identity', 'user', 'ppp', 120, 171, 150],
    getresgid32: ['identity', 'user', 'ppp', -1, 211, -1],
    getgroups: ['identity', 'user', 'ip', 115, 80, 158],
    getgroups32: ['identity', 'user', 'ip', -1, 205, -1],
    setuid: ['identity', 'user', 'i', 105, 23, 146],
    setuid32: ['identity', 'user', 'i', -1, 213, -1],
    setgid: ['identity', 'user', 'i', 106, 46, 144],
    setgid32: ['identity', 'user', 'i', -1, 214, -1],
    setreuid: ['identity', 'user', 'ii', 113, 70, 145],
    setreuid32: ['identity', 'user', 'ii', -1, 203, -1],
    setregid: ['identity', 'user', 'ii', 114, 71, 143],
    setregid32: ['identity', 'user', 'ii', -1, 204, -1],
    setresuid: ['identity', 'user', 'iii', 117, 164, 147],
    setresuid32: ['identity', 'user', 'iii', -1, 208, -1],
    setresgid: ['identity', 'user', 'iii', 119, 170, 149],
    setresgid32: ['identity', 'user', 'iii', -1, 210, -1],
    setfsuid: ['identity', 'user', 'i', 122, 138, 151],
    setfsuid32: ['identity', 'user', 'i', -1, 215, -1],
    setfsgid: ['identity', 'user', 'i', 123, 139, 152],
    setfsgid32: ['identity', 'user', 'i', -1, 216, -1],
    setgroups: ['identity', 'user', 'ip', 116, 81, 159],
    setgroups32: ['identity', 'user', 'ip', -1, 206, -1],
    capget: ['identity', 'user', 'pp', 125, 184, 90],
    capset: ['identity', 'user', 'pp', 126, 185, 91],
    sysinfo: ['identity', 'time', 'p', 99, 116, 179],
    times: ['identity', 'time', 'p', 100, 43, 153],
    settimeofday: ['identity', 'time', 'pp', 164, 79, 170],
    stime: ['identity', 'time', 'p', -1, 25, -1],
    adjtimex: ['identity', 'time', 'p', 159, 124, 171],
    clock_adjtime: ['identity', 'time', 'ip', 305, 343, 266],
    clock_adjtime64: ['identity', 'time', 'ip', -1, 405, -1],
    clock_settime: ['identity', 'time', 'ip', 227, 264, 112],
    clock_settime64: ['identity', 'time', 'ip', -1, 404, 404],
    ipc: ['ipc', 'ipc', 'iiiip', -1, 117, -1],
    shmget: ['ipc', 'ipc', 'xix', 29, 395, 194],
    shmat: ['ipc', 'ipc', 'ipx', 30, 397, 196],
    shmctl: ['ipc', 'ipc', 'ixp', 31, 396, 195],
    shmdt: ['ipc', 'ipc', 'p', 67, 398, 197],
    msgget: ['ipc', 'ipc', 'xx', 68, 399, 186],
    msgctl: ['ipc', 'ipc', 'ixp', 71, 402, 187],
    msgsnd: ['ipc', 'ipc', 'ipix', 69, 400, 189],
    msgrcv: ['ipc', 'ipc', 'ipiix', 70, 401, 188],
    semget: ['ipc', 'ipc', 'xix', 64, 393, 190],
    semop: ['ipc', 'ipc', 'ipi', 65, -1, 193],
    semtimedop: ['ipc', 'ipc', 'ipip', 220, -1, 192],
    semtimedop_time64: ['ipc', 'ipc', 'ipip', -1, 420, -1],
    semctl: ['ipc', 'ipc', 'iix', 66, 394, 191],
    mq_open: ['ipc', 'ipc', 'tfop', 240, 277, 180],
    mq_unlink: ['ipc', 'ipc', 't', 241, 278, 181],
  }) as const satisfies Record<string, Row>;

export type WatchedName = keyof ReturnType<typeof rows> | 'io_uring_setup';

/** A call as the table has it. */
export interface WatchedCall {
  readonly name: WatchedName;
  readonly kind: WatchKind;
  readonly answers: Answering;
  readonly parameters: string;
}

/** The AUDIT_ARCH_ of linux/audit.h, by which a filter tells the architectures apart. */
export const architectures = { x64: 0xc000003e, i386: 0x40000003, arm64: 0xc00000b7 } as const;

export type Architecture = keyof typeof architectures;

const columns = { x64: 3, i386: 4, arm64: 5 } as const satisfies Record<Architecture, number>;

/** The programs that run on a machine: its own, and on x86-64 those of 32 bits. */
export const architecturesOf = (machine: NodeJS.Architecture): readonly Architecture[] =>
  machine === 'x64' ? ['x64', 'i386'] : ['arm64'];

/**
 * io_uring_setup(2), with the same number everywhere. What is asked through a ring passes no filter, so nobody gets one
 * while the calls are watched: it answers as a kernel without it does, and programs then make ordinary calls.
 */
const ringNumber = 425;

const ring: WatchedCall = { name: 'io_uring_setup', kind: 'files', answers: 'mnt', parameters: 'ip' };

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Calls after which a process may be another program or user, have other capabilities, or be in other namespaces. */
export const changesProcess = (): ReadonlySet<string> =>
  words(
    'execve execveat unshare setns setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid ' +
      'setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capset',
  );

/** Calls after which there may be other mounts, or a process sees others. */
export const changesMounts = (): ReadonlySet<string> =>
  words('mount umount umount2 pivot_root chroot fsmount move_mount mount_setattr unshare setns');

/**
 * Calls that are watched only where the fifth argument is an address: without one sendto(2) works on an open descriptor, as
 * write(2) does, and asks for nothing.
 */
export const withAddress = (): ReadonlySet<string> => words('sendto');

/**
 * The numbers of the calls of these kinds on an architecture, each with what the table says of it. Those that change a
 * process or its mounts are always among them: what is said of a call depends on them. The first that the command's
 * process makes is execve(2).
 */
export function watchedNumbers(
  architecture: Architecture,
  kinds: readonly WatchKind[],
): ReadonlyMap<number, WatchedCall> {
  const column = columns[architecture];
  const always = new Set([...changesProcess(), ...changesMounts()]);
  const found = new Map<number, WatchedCall>([[ringNumber, ring]]);
  for (const [name, row] of Object.entries(rows())) {
    const [kind, answers, parameters] = row;
    const number = row[column];
    if (number >= 0 && (kinds.includes(kind) || always.has(name)))
      found.set(number, { name: name as WatchedName, kind, answers, parameters });
  }
  return found;
}

/** The names of a kind, for the pages. */
export const namesOf = (kind: WatchKind): readonly string[] =>
  Object.entries(rows())
    .filter(([, row]) => row[0] === kind)
    .map(([name]) => name);
