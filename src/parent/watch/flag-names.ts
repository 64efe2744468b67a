/** The flags of watched calls by name, as strace(1) writes them. Values: the kernel's uapi headers. */
type Names = readonly (readonly [value: number, name: string])[];

/** Those that differ between processors. */
const placed: Names =
  process.arch === 'arm64'
    ? [
        [0o40000, 'O_DIRECTORY'],
        [0o100000, 'O_NOFOLLOW'],
        [0o200000, 'O_DIRECT'],
        [0o400000, 'O_LARGEFILE'],
      ]
    : [
        [0o40000, 'O_DIRECT'],
        [0o100000, 'O_LARGEFILE'],
        [0o200000, 'O_DIRECTORY'],
        [0o400000, 'O_NOFOLLOW'],
      ];

const directory = placed.find(([, name]) => name === 'O_DIRECTORY')?.[0] ?? 0;

/** Flags of several bits come before those whose bits they have. */
const openFlags: Names = [
  [0o20000000 | directory, 'O_TMPFILE'],
  [0o100, 'O_CREAT'],
  [0o200, 'O_EXCL'],
  [0o400, 'O_NOCTTY'],
  [0o1000, 'O_TRUNC'],
  [0o2000, 'O_APPEND'],
  [0o4000, 'O_NONBLOCK'],
  [0o4010000, 'O_SYNC'],
  [0o10000, 'O_DSYNC'],
  [0o20000, 'O_ASYNC'],
  ...placed,
  [0o1000000, 'O_NOATIME'],
  [0o2000000, 'O_CLOEXEC'],
  [0o10000000, 'O_PATH'],
];

const accessModes = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'];

/** Whether open(2) with these flags makes a file, and so takes a mode. */
export const makesFile = (flags: number): boolean => (flags & 0o100) !== 0 || unnamed(flags);

/** Whether it makes one without a name, in the folder at the path: O_TMPFILE. */
export const unnamed = (flags: number): boolean => (flags & 0o20000000) !== 0;

export const openFlagNames = (flags: number): string =>
  [accessModes[flags & 3], ...namesIn(flags & ~3, openFlags)].join('|');

export const [AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW] = [0x100, 0x400];

const tables = {
  at: [
    [AT_SYMLINK_NOFOLLOW, 'AT_SYMLINK_NOFOLLOW'],
    [AT_SYMLINK_FOLLOW, 'AT_SYMLINK_FOLLOW'],
    [0x800, 'AT_NO_AUTOMOUNT'],
    [0x1000, 'AT_EMPTY_PATH'],
    [0x2000, 'AT_STATX_FORCE_SYNC'],
    [0x4000, 'AT_STATX_DONT_SYNC'],
  ],
  access: [
    [4, 'R_OK'],
    [2, 'W_OK'],
    [1, 'X_OK'],
  ],
  clone: [
    [0x100, 'CLONE_VM'],
    [0x200, 'CLONE_FS'],
    [0x400, 'CLONE_FILES'],
    [0x800, 'CLONE_SIGHAND'],
    [0x1000, 'CLONE_PIDFD'],
    [0x2000, 'CLONE_PTRACE'],
    [0x4000, 'CLONE_VFORK'],
    [0x8000, 'CLONE_PARENT'],
    [0x10000, 'CLONE_THREAD'],
    [0x20000, 'CLONE_NEWNS'],
    [0x40000, 'CLONE_SYSVSEM'],
    [0x80000, 'CLONE_SETTLS'],
    [0x100000, 'CLONE_PARENT_SETTID'],
    [0x200000, 'CLONE_CHILD_CLEARTID'],
    [0x400000, 'CLONE_DETACHED'],
    [0x800000, 'CLONE_UNTRACED'],
    [0x1000000, 'CLONE_CHILD_SETTID'],
    [0x2000000, 'CLONE_NEWCGROUP'],
    [0x4000000, 'CLONE_NEWUTS'],
    [0x8000000, 'CLONE_NEWIPC'],
    [0x10000000, 'CLONE_NEWUSER'],
    [0x20000000, 'CLONE_NEWPID'],
    [0x40000000, 'CLONE_NEWNET'],
    [0x80000000, 'CLONE_IO'],
    [0x100000000, 'CLONE_CLEAR_SIGHAND'],
    [0x200000000, 'CLONE_INTO_CGROUP'],
  ],
  mount: [
    [0x1, 'MS_RDONLY'],
    [0x2, 'MS_NOSUID'],
    [0x4, 'MS_NODEV'],
    [0x8, 'MS_NOEXEC'],
    [0x10, 'MS_SYNCHRONOUS'],
    [0x20, 'MS_REMOUNT'],
    [0x40, 'MS_MANDLOCK'],
    [0x80, 'MS_DIRSYNC'],
    [0x100, 'MS_NOSYMFOLLOW'],
    [0x400, 'MS_NOATIME'],
    [0x800, 'MS_NODIRATIME'],
    [0x1000, 'MS_BIND'],
    [0x2000, 'MS_MOVE'],
    [0x4000, 'MS_REC'],
    [0x8000, 'MS_SILENT'],
    [0x10000, 'MS_POSIXACL'],
    [0x20000, 'MS_UNBINDABLE'],
    [0x40000, 'MS_PRIVATE'],
    [0x80000, 'MS_SLAVE'],
    [0x100000, 'MS_SHARED'],
    [0x200000, 'MS_RELATIME'],
    [0x1000000, 'MS_STRICTATIME'],
    [0x2000000, 'MS_LAZYTIME'],
  ],
  unmount: [
    [1, 'MNT_FORCE'],
    [2, 'MNT_DETACH'],
    [4, 'MNT_EXPIRE'],
    [8, 'UMOUNT_NOFOLLOW'],
  ],
  rename: [
    [1, 'RENAME_NOREPLACE'],
    [2, 'RENAME_EXCHANGE'],
    [4, 'RENAME_WHITEOUT'],
  ],
  socket: [
    [0o4000, 'SOCK_NONBLOCK'],
    [0o2000000, 'SOCK_CLOEXEC'],
  ],
} as const satisfies Record<string, Names>;

/** CLONE_NEWTIME has the place of a bit of the signal of clone(2): unshare(2) and setns(2) alone take it. */
const newTime: Names = [[0x80, 'CLONE_NEWTIME'], ...tables.clone];

export const flagNames = (table: keyof typeof tables | 'unshare', flags: number): string =>
  namesIn(flags, table === 'unshare' ? newTime : tables[table]).join('|') || '0';

/**
 * AT_REMOVEDIR and AT_EACCESS are one bit, and which is meant depends on the call; of statx(2) two bits say how fresh the
 * answer is to be, and no bit has a name too.
 */
export function atFlagNames(call: string, flags: number): string {
  const found = namesIn(flags & ~0x200, tables.at);
  if (flags & 0x200) found.unshift(call === 'unlinkat' ? 'AT_REMOVEDIR' : 'AT_EACCESS');
  if (call === 'statx' && (flags & 0x6000) === 0) found.unshift('AT_STATX_SYNC_AS_STAT');
  return found.join('|') || '0';
}

/** What has no name stays a number. Not by bit operations: those of JavaScript end at 32 bits. */
function namesIn(flags: number, table: Names): string[] {
  let left = BigInt(flags);
  const found: string[] = [];
  for (const [value, name] of table) {
    const bits = BigInt(value);
    if ((left & bits) !== bits) continue;
    found.push(name);
    left &= ~bits;
  }
  return left === 0n ? found : [...found, `0x${left.toString(16)}`];
}

const families: Readonly<Record<number, string>> = {
  0: 'AF_UNSPEC',
  1: 'AF_UNIX',
  2: 'AF_INET',
  10: 'AF_INET6',
  16: 'AF_NETLINK',
  17: 'AF_PACKET',
  38: 'AF_ALG',
  40: 'AF_VSOCK',
};

export const familyName = (family: number): string => families[family] ?? `0x${family.toString(16)}`;

const socketTypes = ['', 'SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_RAW', 'SOCK_RDM', 'SOCK_SEQPACKET'];

export function socketTypeName(type: number): string {
  const name = socketTypes[type & 0xf] || `0x${(type & 0xf).toString(16)}`;
  const flags = flagNames('socket', type & ~0xf);
  return flags === '0' ? name : `${name}|${flags}`;
}
