/**
 * Every C library call that the launch makes, with its parameters in order and by the names of its manual page. The
 * recorder passes arguments, and the log shows them, by this table; there is no other list. Each is a thin wrapper of
 * the system call of the same name in glibc, so hardly any system call numbers are needed: `withoutWrapper` has the
 * exceptions, and libc.ts has those that an older glibc lacks.
 */
import { type Flags, shownFlags } from './constants.js';

/**
 * What a parameter is in C:
 * - `int` and `long`: a number or constants by name;
 * - `mode`: the type and permissions of a file, which the log shows in octal as chmod(1) takes them;
 * - `text`: `const char *`, or null; as memory in a chain where another call fills it in;
 * - `texts`: `char *const []`; `environment` the same, but the log shows only the names, never a value;
 * - `memory`: a pointer to bytes, with what the log shows in their place;
 * - `program`: a struct sock_fprog, which points to the instructions of a filter (seccomp(2));
 * - `chain`: a pointer to the first context of a call chain (call-chain.ts).
 */
export type Kind =
  | 'int'
  | 'long'
  | 'mode'
  | 'text'
  | 'texts'
  | 'environment'
  | 'memory'
  | 'program'
  | 'chain';

export const calls = {
  unshare: { flags: 'int' },
  setns: { fd: 'int', nstype: 'int' },
  clone: { fn: 'chain', stack: 'memory', flags: 'int', arg: 'chain', parent_tid: 'memory' },
  execve: { pathname: 'text', argv: 'texts', envp: 'environment' },
  _exit: { status: 'int' },
  memset: { s: 'memory', c: 'int', n: 'long' },
  prctl: { option: 'int', arg2: 'long', arg3: 'long', arg4: 'long', arg5: 'long' },
  keyctl: { operation: 'int', arg2: 'long', arg3: 'long', arg4: 'long', arg5: 'long' },
  capset: { hdrp: 'memory', datap: 'memory' },
  setresuid: { ruid: 'int', euid: 'int', suid: 'int' },
  setresgid: { rgid: 'int', egid: 'int', sgid: 'int' },
  setfsuid: { fsuid: 'int' },
  setfsgid: { fsgid: 'int' },
  setgroups: { size: 'long', list: 'memory' },
  sethostname: { name: 'text', len: 'long' },
  mount: { source: 'text', target: 'text', filesystemtype: 'text', mountflags: 'long', data: 'text' },
  umount2: { target: 'text', flags: 'int' },
  pivot_root: { new_root: 'text', put_old: 'text' },
  chroot: { path: 'text' },
  chdir: { path: 'text' },
  fchdir: { fd: 'int' },
  open_tree: { dirfd: 'int', pathname: 'text', flags: 'int' },
  mount_setattr: { dirfd: 'int', pathname: 'text', flags: 'int', attr: 'memory', size: 'long' },
  move_mount: {
    from_dirfd: 'int',
    from_pathname: 'text',
    to_dirfd: 'int',
    to_pathname: 'text',
    flags: 'int',
  },
  mkdir: { pathname: 'text', mode: 'mode' },
  mknod: { pathname: 'text', mode: 'mode', dev: 'long' },
  symlink: { target: 'text', linkpath: 'text' },
  chmod: { pathname: 'text', mode: 'mode' },
  fchmod: { fd: 'int', mode: 'mode' },
  fchown: { fd: 'int', owner: 'int', group: 'int' },
  chown: { pathname: 'text', owner: 'int', group: 'int' },
  umask: { mask: 'mode' },
  open: { pathname: 'text', flags: 'int', mode: 'mode' },
  openat2: { dirfd: 'int', pathname: 'text', how: 'memory', size: 'long' },
  flock: { fd: 'int', operation: 'int' },
  pipe2: { pipefd: 'memory', flags: 'int' },
  waitpid: { pid: 'int', wstatus: 'memory', options: 'int' },
  socket: { domain: 'int', type: 'int', protocol: 'int' },
  socketpair: { domain: 'int', type: 'int', protocol: 'int', sv: 'memory' },
  ioctl: { fd: 'int', request: 'long', argp: 'memory' },
  fcntl: { fd: 'int', cmd: 'int', arg: 'long' },
  dup2: { oldfd: 'int', newfd: 'int' },
  close: { fd: 'int' },
  close_range: { first: 'int', last: 'int', flags: 'int' },
  read: { fd: 'int', buf: 'memory', count: 'long' },
  write: { fd: 'int', buf: 'memory', count: 'long' },
  alarm: { seconds: 'int' },
  setpgid: { pid: 'int', pgid: 'int' },
  setsid: {},
  setrlimit: { resource: 'int', rlim: 'memory' },
  prlimit: { pid: 'int', resource: 'int', new_limit: 'memory', old_limit: 'memory' },
  sigaction: { signum: 'int', act: 'memory', oldact: 'memory' },
  pidfd_open: { pid: 'int', flags: 'int' },
  pidfd_getfd: { pidfd: 'int', targetfd: 'int', flags: 'int' },
  pidfd_send_signal: { pidfd: 'int', sig: 'int', info: 'memory', flags: 'int' },
  poll: { fds: 'memory', nfds: 'long', timeout: 'int' },
  seccomp: { operation: 'int', flags: 'int', args: 'program' },
} as const satisfies Record<string, Record<string, Kind>>;

export type CallName = keyof typeof calls;

/** Calls that are as old as Linux 2.6.12, where the history of the kernel begins, by syscalls(2); memset(3) is no call. */
type OldCall =
  | 'clone'
  | 'execve'
  | '_exit'
  | 'memset'
  | 'prctl'
  | 'keyctl'
  | 'capset'
  | `set${'resuid' | 'resgid' | 'fsuid' | 'fsgid' | 'groups' | 'hostname' | 'pgid' | 'sid' | 'rlimit'}`
  | 'mount'
  | 'umount2'
  | 'pivot_root'
  | 'chroot'
  | 'chdir'
  | 'fchdir'
  | 'mkdir'
  | 'mknod'
  | 'symlink'
  | 'chmod'
  | 'fchmod'
  | 'fchown'
  | 'chown'
  | 'umask'
  | 'open'
  | 'flock'
  | 'waitpid'
  | 'socket'
  | 'socketpair'
  | 'ioctl'
  | 'fcntl'
  | 'dup2'
  | 'close'
  | 'read'
  | 'write'
  | 'alarm'
  | 'sigaction'
  | 'poll';

export type NewerCall = Exclude<CallName, OldCall>;

interface Since {
  /** The version of Linux. */
  readonly since: `${number}.${number}` | `2.6.${number}`;
  /** What is lost where the kernel does not have it. */
  readonly without: string;
}

/** A call that some kernels lack. */
export interface NewerCallNeed extends Since {
  /** Whether every launch makes it. */
  readonly needed?: true;
  /** A use of it that came later than the call itself. */
  readonly later?: Since & { readonly with: string };
}

const noNodeMount = 'the child of a container with --mnt runs from the host’s file of node itself';

/**
 * The version of Linux that each of the others appeared in, by syscalls(2) (mount_setattr by its own page), and that of
 * a later use by the page of the call: close_range(2), setns(2), seccomp_unotify(2). A failed launch names it, the doctor
 * tries these calls, and docs/doctor.md lists them.
 */
export const newerCalls: Readonly<Record<NewerCall, NewerCallNeed>> = {
  unshare: { since: '2.6.16', needed: true, without: 'no namespace can be made' },
  pipe2: { since: '2.6.27', needed: true, without: 'no launch works' },
  prlimit: { since: '2.6.36', without: 'a command of an open container gets no limits of its own' },
  setns: {
    since: '3.0',
    without: 'enter and open do not work',
    later: { with: 'a pidfd', since: '5.8', without: 'enter and open do not work' },
  },
  seccomp: {
    since: '3.17',
    without: '--watch does not work',
    later: {
      with: 'a listener that lets a call go on',
      since: '5.5',
      without: '--watch does not work',
    },
  },
  pidfd_send_signal: {
    since: '5.1',
    without: 'a container may outlive a launcher that is killed',
  },
  open_tree: { since: '5.2', without: noNodeMount },
  move_mount: { since: '5.2', without: 'no launch with --uid and --mnt works' },
  pidfd_open: { since: '5.3', needed: true, without: 'no launch works' },
  openat2: {
    since: '5.6',
    without:
      'a command of an open container gets no terminal of its own, and --watch cannot look at the files that it names',
  },
  pidfd_getfd: { since: '5.6', without: '--pty and --watch do not work' },
  close_range: {
    since: '5.9',
    needed: true,
    without: 'no launch works',
    later: {
      with: 'CLOSE_RANGE_CLOEXEC',
      since: '5.11',
      without: '--detach and --as-pid-1 do not work',
    },
  },
  mount_setattr: {
    since: '5.12',
    without: `${noNodeMount}, and each mount is made read-only by itself`,
  },
};

/**
 * Calls that go through syscall(2), by their numbers (syscalls(2)). The wrappers of setresuid, setresgid and setgroups
 * have every thread of the process change its user (nptl(7)): in a call chain they would wait for one that was just
 * being made when this process was cloned, for ever, as the clone does not have it; and in front of an execve(2), which
 * ends the other threads, there is no need. keyctl(2) and seccomp(2) never had one, and that of pidfd_send_signal came with
 * glibc 2.36.
 */
const withoutWrapper: Partial<Record<NodeJS.Architecture, Partial<Record<CallName, number>>>> = {
  x64: {
    keyctl: 250,
    setgroups: 116,
    setresuid: 117,
    setresgid: 119,
    pidfd_send_signal: 424,
    seccomp: 317,
    openat2: 437,
  },
  arm64: {
    keyctl: 219,
    setgroups: 159,
    setresuid: 147,
    setresgid: 149,
    pidfd_send_signal: 424,
    seccomp: 277,
    openat2: 437,
  },
};

/** The number of a call that goes through syscall(2). */
export const systemCallNumber = (name: CallName): number | undefined => withoutWrapper[process.arch]?.[name];

/** Bytes that a pointer parameter points to. */
export interface Memory {
  /** The bytes to pass: copied in before the call, and read back after a call made directly. Null is NULL. */
  readonly bytes: Buffer | null;
  /**
   * What the log shows; the bytes themselves mean nothing to a reader. A function is asked after the call, and so can
   * tell what the kernel put there.
   */
  readonly shows: unknown;
  /** What a rehearsal calls what the kernel would put there. */
  readonly name?: string;
  /** Where they lie, outside the memory of the chain (program-words.ts). */
  readonly at?: bigint;
}

/** A filter of seccomp(2): struct sock_filter[], 8 bytes each. */
export interface FilterProgram {
  readonly instructions: Buffer;
}

/** An address that the recorder knows by name: a libc function or a place in the memory of a call chain. */
export interface Place {
  readonly place: string;
}

/** Calls that run one after the other in a process without JavaScript (call-chain.ts). */
export interface Chain {
  /** Who makes the calls: the log's `actor`. */
  readonly actor: string;
  readonly calls: readonly ChainCall[];
  /** Nanoseconds by which the time namespace of its process shifts CLOCK_MONOTONIC; the log's times are without it. */
  readonly clockShift?: bigint;
  /** The index of the call that follows the last one: such a chain has no end. */
  readonly again?: number;
  /** Whether its process shares the descriptors of this one, those that come later too: CLONE_FILES. */
  readonly sharesDescriptors?: true;
  /**
   * A byte of a pointer that execve(2) is given. A chain cannot branch, so before the first execve(2) the errno of what
   * failed is put there: it points nowhere then, and no program is executed (EFAULT).
   */
  readonly spoils?: bigint;
}

interface ArgumentOf {
  int: Flags;
  long: Flags;
  mode: number;
  text: string | null | Memory;
  texts: readonly string[] | Memory;
  environment: Readonly<Record<string, string>> | Memory;
  memory: Memory | Place;
  program: FilterProgram;
  chain: Chain | Place;
}

/** The arguments of a call, by the names of its manual page. */
export type Arguments<Name extends CallName> = {
  readonly [Parameter in keyof (typeof calls)[Name]]: (typeof calls)[Name][Parameter] extends Kind
    ? ArgumentOf[(typeof calls)[Name][Parameter]]
    : never;
};

/** One call of a chain, and the step of the launch that it belongs to. */
export type ChainCall<Which extends CallName = CallName> = {
  [Name in Which]: {
    readonly call: Name;
    readonly args: Arguments<Name>;
    readonly step: string;
    /** Nanoseconds by which this call shifts CLOCK_MONOTONIC of its process: setns(2) into a time namespace. */
    readonly shiftsClock?: bigint;
    /** Of execve(2): the signals that the program starts with blocked; without it none. */
    readonly blocked?: readonly number[];
    /** What it returns, where that does not follow from the call. */
    readonly returns?: number;
    /** Its failure changes nothing, and may be seen only when the command runs already: it is no failure of the launch. */
    readonly mayFail?: true;
  };
}[Which];

/** Any argument of any call, for code that goes through the table. */
export type Argument = ArgumentOf[Kind];

/** The arguments of any call, by the names of its manual page. */
export type AnyArguments = Readonly<Record<string, Argument>>;

const parameters = new Map(
  Object.entries(calls).map(([name, kinds]) => [name, Object.entries(kinds) as [string, Kind][]]),
);

export const parametersOf = (name: CallName): [parameter: string, kind: Kind][] => parameters.get(name) ?? [];

/** The arguments as the log writes them (docs/log.md): names for constants, names only for the environment. */
export const shownArguments = (name: CallName, args: AnyArguments): Record<string, unknown> =>
  Object.fromEntries(
    parametersOf(name).map(([parameter, kind]) => [parameter, shown(kind, args[parameter])]),
  );

function shown(kind: Kind, argument: Argument | undefined): unknown {
  switch (kind) {
    case 'int':
    case 'long':
      return shownFlags(argument as Flags);
    case 'mode':
      return `0${(argument as number).toString(8)}`;
    case 'environment':
      return 'shows' in (argument as object) ? (argument as Memory).shows : Object.keys(argument as object);
    case 'program':
      return `${(argument as FilterProgram).instructions.length / 8} instructions`;
    case 'memory':
    case 'chain':
      return 'shows' in (argument as object)
        ? shownMemory(argument as Memory)
        : 'place' in (argument as object)
          ? (argument as Place).place
          : (argument as Chain).actor;
    default:
      return argument !== null && typeof argument === 'object' && 'shows' in argument
        ? argument.shows
        : argument;
  }
}

/** How a process that runs a chain is cloned: SIGCHLD when it ends, its process ID put where the parent finds it. */
export const cloneOf = (chain: Chain): Arguments<'clone'> => ({
  fn: { place: 'setcontext' },
  stack: { place: 'stack' },
  flags: [
    ...(chain.sharesDescriptors ? (['CLONE_FILES'] as const) : []),
    ...(['CLONE_PARENT_SETTID', 'SIGCHLD'] as const),
  ],
  arg: chain,
  parent_tid: { place: 'process ID' },
});

const shownMemory = ({ shows }: Memory): unknown => (typeof shows === 'function' ? shows() : shows);

/** A pointer to these bytes, shown as `shows`. */
export const memory = (bytes: Buffer | null, shows: unknown, name?: string): Memory =>
  name === undefined ? { bytes, shows } : { bytes, shows, name };

/** The NULL pointer. */
export const NULL: Memory = { bytes: null, shows: null };
