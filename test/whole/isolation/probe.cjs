/**
 * Runs inside a container and tries to get out of it, one way at a time: probe.cjs ATTEMPT ARGUMENT…
 * Prints `got out`, or `held` and the errno or the reason. Kernel calls go through ffi-rs, as the program's own do.
 */
const { accessSync, constants, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } =
  require('node:fs');
const { getSystemErrorName } = require('node:util');

const ffi = require(`@yuuang/ffi-rs-linux-${process.arch}-gnu`);
ffi.open({ library: 'libc', path: 'libc.so.6' });

const bytesType = ({ length }) => ({
  type: ffi.DataType.U8Array,
  ffiTypeTag: ffi.FFITypeTag.Array,
  length,
});

/** A call of the C library with numbers and texts; throws as Node's own calls do. */
function call(name, ...args) {
  const { value, errnoCode } = ffi.load({
    ...{ library: 'libc', funcName: name, retType: ffi.DataType.I32, errno: true, freeResultMemory: false },
    paramsType: args.map((arg) =>
      Buffer.isBuffer(arg)
        ? bytesType(arg)
        : typeof arg === 'string'
          ? ffi.DataType.String
          : ffi.DataType.I64,
    ),
    paramsValue: args,
  });
  if (value === -1) throw Object.assign(new Error(name), { code: getSystemErrorName(-errnoCode) });
  return value;
}

const PTRACE_SEIZE = 0x4206;
const CLONE_FS = 0x200;
const F_SETFD = 2;
const [PIDFD_SEND_SIGNAL, PIDFD_OPEN, PIDFD_GETFD] = [424, 434, 438];
const [SOL_SOCKET, SO_PEERPIDFD] = [1, 77];
const KEYCTL = process.arch === 'arm64' ? 219 : 250;
const [ADD_KEY, KEYCTL_JOIN_SESSION_KEYRING, KEYCTL_SEARCH] = [process.arch === 'arm64' ? 217 : 248, 1, 10];
const KEY_SPEC_SESSION_KEYRING = -3;
const [AF_PACKET, SOCK_RAW, ETH_P_ALL] = [17, 3, 0x0300];
const [TIOCLINUX, TIOCL_PASTESEL, VT_OPENQRY] = [0x541c, 3, 0x5600];

/** struct iovec, and where bytes of this process are: memcpy(3) returns its destination. */
function vector(base, length) {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(base, 0);
  bytes.writeBigUInt64LE(length, 8);
  return bytes;
}
const addressOf = (bytes) =>
  BigInt(
    ffi.load({
      library: 'libc',
      funcName: 'memcpy',
      retType: ffi.DataType.BigInt,
      errno: false,
      freeResultMemory: false,
      paramsType: [bytesType(bytes), bytesType(bytes), ffi.DataType.I64],
      paramsValue: [bytes, bytes, 0],
    }),
  );

/** pidfd_getfd(2): a descriptor of another process, or of the parent, which is the child of the launch. */
function takenFrom(pid, descriptor) {
  const pidfd = call('syscall', PIDFD_OPEN, pid === 'parent' ? process.ppid : Number(pid), 0);
  return call('syscall', PIDFD_GETFD, pidfd, Number(descriptor), 0);
}

/** Reads a byte of a device. */
function readDevice(path) {
  const device = openSync(path, 'r');
  readSync(device, Buffer.alloc(1), 0, 1);
}

/** Each returns when it got out. */
const attempts = {
  /** chroot(2) into a folder below leaves the working directory above the new root, and from there `..` leads up. */
  chroot(secret) {
    call('chroot', mkdtempSync('/tmp/'));
    for (let up = 0; up < 64; up += 1) process.chdir('..');
    call('chroot', '.');
    readFileSync(secret);
  },
  /** proc_pid_root(5): the root directory of another process. */
  root: (pid, secret) => readFileSync(`/proc/${pid}/root${secret}`),
  /** Becomes a user of the host, and is then as near to that user's processes as they are to each other. */
  'root-as-user'(uid, pid, secret) {
    process.setgroups([]);
    process.setgid(Number(uid));
    process.setuid(Number(uid));
    attempts.root(pid, secret);
  },
  'ptrace-as-user'(uid, pid) {
    process.setgroups([]);
    process.setgid(Number(uid));
    process.setuid(Number(uid));
    attempts.ptrace(pid);
  },
  /** packet(7): reads what every interface of the network namespace receives. */
  packets: () => call('socket', AF_PACKET, SOCK_RAW, ETH_P_ALL),
  kill: (pid) => process.kill(Number(pid), 'SIGTERM'),
  ptrace: (pid) => call('ptrace', PTRACE_SEIZE, Number(pid), 0, 0),
  memory: (key) => call('shmget', Number(key), 0, 0),
  mount: (target) => call('mount', 'probe', target, 'tmpfs', 0, ''),
  /** setns(2) into the mount namespace behind a path, which takes that the threads do not share their root. */
  setns(path, secret) {
    const namespace = openSync(path, 'r');
    call('unshare', CLONE_FS);
    call('setns', namespace, 0);
    readFileSync(secret);
  },
  /** mknod(2), and then open(2) of what it made: only that reaches the device. */
  device(path, kind, number) {
    call('mknod', path, (kind === 'b' ? 0o060000 : 0o020000) | 0o666, Number(number));
    readDevice(path);
  },
  'found-device': readDevice,
  /** process_vm_readv(2): the memory of another process, at an address that every program of node's has. */
  memory_of(pid) {
    const [address] = readFileSync(`/proc/${pid}/maps`, 'utf8').split('-');
    const bytes = Buffer.alloc(8);
    const local = vector(addressOf(bytes), 8n);
    if (call('process_vm_readv', Number(pid), local, 1, vector(BigInt(`0x${address}`), 8n), 1, 0) !== 8)
      throw new Error('nothing read');
  },
  descriptor_of: (pid, descriptor = '0') => takenFrom(pid, descriptor),
  /** unix(7), SO_PEERPIDFD: who made the other end of a socket of another process, to be signalled. */
  peer_of(pid, descriptor) {
    const [peer, length] = [Buffer.alloc(4), Buffer.from([4, 0, 0, 0])];
    call('getsockopt', takenFrom(pid, descriptor), SOL_SOCKET, SO_PEERPIDFD, peer, length);
    call('syscall', PIDFD_SEND_SIGNAL, peer.readInt32LE(), 0, 0, 0);
  },
  open: (path) => openSync(path, 'r'),
  link: (path) => readlinkSync(path),
  follow: (path) => readdirSync(path),
  /** keyctl(2): a key of the session keyring, which a process inherits from its parent. */
  key: (name) => call('syscall', KEYCTL, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, 'user', name, 0),
  /** ioctl_console(2): what is selected on the screen becomes input of the console that is the standard input. */
  paste: () => call('ioctl', 0, TIOCLINUX, Buffer.of(TIOCL_PASTESEL)),
  write: (path) => accessSync(path, constants.W_OK),
  /** proc_pid_map_files(5): the files that a process has mapped, the libraries of node among them. */
  libraries(pid) {
    const [first] = readdirSync(`/proc/${pid}/map_files`);
    openSync(`/proc/${pid}/map_files/${first}`, 'r');
  },
  socket: (name) =>
    new Promise((connected, refused) => {
      require('node:net')
        .connect({ path: `\0${name}` })
        .on('connect', connected)
        .on('error', refused);
    }),
};

/** What a process has at hand: where its links lead, and its environment. */
function handles(pid) {
  const link = (path) => {
    try {
      return readlinkSync(path);
    } catch (error) {
      return error.code;
    }
  };
  const folder = `/proc/${pid}`;
  const descriptors = Object.fromEntries(
    readdirSync(`${folder}/fd`).map((name) => [name, link(`${folder}/fd/${name}`)]),
  );
  return {
    ...{ cwd: link(`${folder}/cwd`), root: link(`${folder}/root`), descriptors },
    environment: readFileSync(`${folder}/environ`, 'utf8').split('\0').filter(Boolean),
  };
}

async function main([attempt, ...args]) {
  if (attempt === 'handles') return JSON.stringify(handles(args[0]));
  if (attempt === 'environment') return JSON.stringify(process.env);
  // For the tests themselves: what they set up outside.
  if (attempt === 'make-memory') return String(call('shmget', Number(args[0]), 4096, 0o1666));
  if (attempt === 'free-console') {
    const number = Buffer.alloc(4);
    call('ioctl', openSync('/dev/tty0', 'r'), VT_OPENQRY, number);
    return String(number.readInt32LE());
  }
  if (attempt === 'with-key') {
    const [name, file, ...words] = args;
    call('syscall', KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, 0);
    call('syscall', ADD_KEY, 'user', name, 'only on the host', 16, KEY_SPEC_SESSION_KEYRING);
    return require('node:child_process').execFileSync(file, words, { encoding: 'utf8' }).trim();
  }
  if (attempt === 'with-descriptor') {
    const [pid, descriptor, script] = args;
    call('dup2', takenFrom(pid, descriptor), 9);
    // Node marks them close-on-exec.
    for (const standard of [0, 1, 2]) call('fcntl', standard, F_SETFD, 0);
    call('execl', '/bin/sh', 'sh', '-c', script, 0);
  }
  if (attempt === 'remove-memory') return String(call('shmctl', Number(args[0]), 0, 0));
  try {
    await attempts[attempt](...args);
    return 'got out';
  } catch (error) {
    return `held: ${error.code ?? error.message}`;
  }
}

main(process.argv.slice(2)).then((line) => {
  require('node:fs').writeSync(1, `${line}\n`);
  process.exit();
});
