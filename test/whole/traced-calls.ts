/** The system calls of a traced process: their numbers, and how one is left out and answered, which differs by processor. */
import { DataType, load, open } from 'ffi-rs';

open({ library: 'libc', path: 'libc.so.6' });

/** ptrace(2), sys/ptrace.h. */
const request = {
  PTRACE_POKEUSER: 6,
  PTRACE_CONT: 7,
  PTRACE_SYSCALL: 24,
  PTRACE_GETEVENTMSG: 0x4201,
  PTRACE_GETREGSET: 0x4204,
  PTRACE_SETREGSET: 0x4205,
  PTRACE_SEIZE: 0x4206,
  PTRACE_GET_SYSCALL_INFO: 0x420e,
};

/** Calls the C library. */
export function call(name: string, ...args: (number | bigint | Buffer)[]): bigint {
  const paramsType = args.map((arg) =>
    typeof arg === 'number' ? DataType.I32 : typeof arg === 'bigint' ? DataType.BigInt : DataType.U8Array,
  );
  return BigInt(
    load({
      library: 'libc',
      funcName: name,
      retType: DataType.BigInt,
      paramsType,
      paramsValue: args,
    }) as unknown as bigint,
  );
}

export const ptrace = (
  what: keyof typeof request,
  pid: number,
  address: bigint,
  data: bigint | Buffer,
): bigint => call('ptrace', request[what], pid, address, data);

interface TracedCalls {
  /** The system calls that a launch is made of, by their numbers (syscalls(2)); Node's other calls are its own. */
  readonly names: Readonly<Record<number, string>>;
  /** On entry: the call is not made. */
  readonly leaveOut: (pid: number) => void;
  /** On exit: what it returns. */
  readonly answer: (pid: number, result: bigint) => void;
}

/** The same everywhere: syscalls(2) has given one number to all processors since Linux 5.1. */
const recent = {
  428: 'open_tree',
  429: 'move_mount',
  434: 'pidfd_open',
  436: 'close_range',
  438: 'pidfd_getfd',
  442: 'mount_setattr',
};

/** Offsets in struct user of x86-64: the system call's number on entry, and its result on exit. */
const ORIG_RAX = 120n;
const RAX = 80n;

const x64: TracedCalls = {
  names: {
    0: 'read',
    1: 'write',
    3: 'close',
    13: 'rt_sigaction',
    14: 'rt_sigprocmask',
    16: 'ioctl',
    33: 'dup2',
    41: 'socket',
    53: 'socketpair',
    56: 'clone',
    59: 'execve',
    60: 'exit',
    61: 'wait4',
    62: 'kill',
    72: 'fcntl',
    80: 'chdir',
    83: 'mkdir',
    92: 'chown',
    89: 'readlink',
    95: 'umask',
    105: 'setuid',
    106: 'setgid',
    109: 'setpgid',
    112: 'setsid',
    116: 'setgroups',
    117: 'setresuid',
    119: 'setresgid',
    126: 'capset',
    155: 'pivot_root',
    157: 'prctl',
    161: 'chroot',
    165: 'mount',
    166: 'umount2',
    170: 'sethostname',
    231: 'exit_group',
    247: 'waitid',
    257: 'openat',
    272: 'unshare',
    293: 'pipe2',
    308: 'setns',
    ...recent,
  },
  leaveOut: (pid) => ptrace('PTRACE_POKEUSER', pid, ORIG_RAX, -1n),
  answer: (pid, result) => ptrace('PTRACE_POKEUSER', pid, RAX, result),
};

/** Sets of registers, elf.h: the general ones, of which the first has the result, and the number of the system call. */
const NT_PRSTATUS = 1n;
const NT_ARM_SYSTEM_CALL = 0x404n;
/** struct user_pt_regs, asm/ptrace.h: 31 registers, sp, pc and pstate. */
const generalRegisters = 34 * 8;

/** A struct iovec of readv(2), and behind it what it is about: one piece of memory, whose address C knows. */
class RegisterSet {
  private readonly iovec = call('malloc', 1024n);
  private readonly content = this.iovec + 16n;

  get(pid: number, set: bigint, length: number): Buffer {
    this.describe(length);
    ptrace('PTRACE_GETREGSET', pid, set, this.iovec);
    const bytes = Buffer.alloc(length);
    call('memcpy', bytes, this.content, BigInt(length));
    return bytes;
  }

  put(pid: number, set: bigint, bytes: Buffer): void {
    this.describe(bytes.length);
    call('memcpy', this.content, bytes, BigInt(bytes.length));
    ptrace('PTRACE_SETREGSET', pid, set, this.iovec);
  }

  private describe(length: number): void {
    const words = Buffer.alloc(16);
    words.writeBigUInt64LE(this.content, 0);
    words.writeBigUInt64LE(BigInt(length), 8);
    call('memcpy', this.iovec, words, 16n);
  }
}

let registers: RegisterSet | undefined;
const registerSet = (): RegisterSet => {
  registers ??= new RegisterSet();
  return registers;
};

const arm64: TracedCalls = {
  // The C library makes the calls of the same names by newer ones where the older do not exist here.
  names: {
    24: 'dup3',
    25: 'fcntl',
    29: 'ioctl',
    34: 'mkdirat',
    39: 'umount2',
    40: 'mount',
    41: 'pivot_root',
    49: 'chdir',
    51: 'chroot',
    54: 'fchownat',
    56: 'openat',
    57: 'close',
    59: 'pipe2',
    63: 'read',
    64: 'write',
    78: 'readlinkat',
    91: 'capset',
    93: 'exit',
    94: 'exit_group',
    95: 'waitid',
    97: 'unshare',
    129: 'kill',
    134: 'rt_sigaction',
    135: 'rt_sigprocmask',
    144: 'setgid',
    146: 'setuid',
    147: 'setresuid',
    149: 'setresgid',
    154: 'setpgid',
    157: 'setsid',
    159: 'setgroups',
    161: 'sethostname',
    166: 'umask',
    167: 'prctl',
    198: 'socket',
    199: 'socketpair',
    220: 'clone',
    221: 'execve',
    260: 'wait4',
    268: 'setns',
    ...recent,
  },
  leaveOut: (pid) => {
    const number = Buffer.alloc(4);
    number.writeInt32LE(-1);
    registerSet().put(pid, NT_ARM_SYSTEM_CALL, number);
  },
  answer: (pid, result) => {
    const general = registerSet().get(pid, NT_PRSTATUS, generalRegisters);
    general.writeBigInt64LE(result, 0);
    registerSet().put(pid, NT_PRSTATUS, general);
  },
};

/** Undefined for a processor that nobody has written it for. */
export const tracedCalls: TracedCalls | undefined = { x64, arm64 }[process.arch as string];
