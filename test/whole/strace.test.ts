/**
 * The log against strace(1): what the log says was called, was called, and nothing that matters is missing.
 *
 * Which of the calls that strace shows belong to the launch is decided by this rule, not by a list of exceptions:
 *
 * 1. A process that clone(2) made without CLONE_THREAD runs a call chain until its first execve(2) succeeds. Every system
 *    call that it makes is the launch's, but for the rt_sigprocmask(2) by which setcontext(3) goes from one context to the
 *    next, a signal mask being part of a context.
 * 2. The parent and the child are Node: of the calls they make, those are the launch's that make, enter or change a
 *    process, a namespace, a mount, a root, a name, a capability, a user or a network interface: `matters` below. The
 *    first execve(2) of the parent is strace's own. A clone with CLONE_THREAD is a thread of Node's. The folder in which
 *    running containers are written down (docs/second-terminal.md) belongs to no launch.
 * 3. A process that has executed something other than this program again (/proc/self/exe, or in a new root
 *    the read-only mount of it) is the command's, or newuidmap.
 * 4. A call that its process did not survive has no record; nor, in a chain, has what did not matter just before that.
 *
 * Every call in the log must be one that strace shows too, whatever its kind.
 */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { namespaces } from '../../src/common/namespaces.js';
import { folder, lacking, records, rootfs, run, type User, users } from '../gontainer.js';
import { readTrace, type SystemCall, type TracedProcess } from './strace-output.js';

interface LoggedCall {
  readonly actor: string;
  readonly pid: number;
  readonly call: string;
  readonly args: Record<string, unknown>;
  readonly ret: number;
  readonly errno?: string;
}

/** Rule 2, by name. */
const mattering = new Set(
  (
    'fork vfork clone clone3 unshare setns mount umount2 pivot_root chroot chdir fchdir sethostname setdomainname ' +
    'capset setuid setgid setreuid setregid setresuid setresgid setgroups setpgid setsid execve execveat mkdir mkdirat ' +
    'mknod mknodat symlink symlinkat chmod fchmodat umask flock setfsuid setfsgid mount_setattr move_mount open_tree fsopen fsmount keyctl'
  ).split(' '),
);
const matteringOptions =
  /^PR_(SET_PDEATHSIG|SET_KEEPCAPS|SET_NO_NEW_PRIVS|SET_CHILD_SUBREAPER|CAPBSET_DROP|CAP_AMBIENT)$/;
const matteringFiles = /^\/proc\/\d+\/(setgroups|uid_map|gid_map|timens_offsets)$/;

function matters({ name, args, files }: SystemCall): boolean {
  if (/^clone3?$/.test(name)) return !args.some((arg) => arg.includes('CLONE_THREAD'));
  if (name === 'prctl') return matteringOptions.test(args[0] as string);
  if (name === 'ioctl') return args[1]?.startsWith('SIOC') === true;
  if (name === 'write' || name === 'pwrite64') return matteringFiles.test(files[0] ?? '');
  // Asks whether the kernel has the call, and changes nothing.
  if (/^(open_tree|mount_setattr)$/.test(name) && args[0] === '-1') return false;
  if (name === 'mkdir' && /\/gontainer(-\d+)?"$/.test(args[0] ?? '')) return false;
  return mattering.has(name);
}

/** Rule 1: not asked for by the launch. */
const ofTheLibrary = ({ name }: SystemCall): boolean => name === 'rt_sigprocmask';

const text = (value: unknown): string => (value === null ? 'NULL' : JSON.stringify(value));
const texts = (values: unknown): string => `[${(values as unknown[]).map(text).join(', ')}]`;
const known = (value: unknown): string => String(value ?? 'NULL');
const capabilities = (names: unknown): string =>
  (names as string[]).map((name) => `1<<${name}`).join('|') || '0';

const hexadecimal = (number: number): string => (number === 0 ? '0' : `0x${number.toString(16)}`);

type Written = readonly (string | undefined)[];

/**
 * How strace writes a call of the log: the system call's name where it is not the library's, and its arguments;
 * undefined for an address, about which the log says what is there.
 */
const forms: Record<
  string,
  (args: Record<string, unknown>, ret: number) => { name?: string; args: Written }
> = {
  clone: ({ flags }, ret) => ({
    args: [undefined, `flags=${flags}`, ...(ret > 0 ? [`parent_tid=[${ret}]`] : [])],
  }),
  execve: ({ pathname, argv, envp }) => ({ args: [text(pathname), texts(argv), texts(envp)] }),
  capset: ({ hdrp, datap }) => {
    const { version, pid } = hdrp as Record<string, unknown>;
    const { effective, permitted, inheritable } = Object.fromEntries(
      Object.entries(datap as Record<string, unknown>).map(([set, names]) => [set, capabilities(names)]),
    );
    return {
      args: [
        `{version=${version}, pid=${pid}}`,
        `{effective=${effective}, permitted=${permitted}, inheritable=${inheritable}}`,
      ],
    };
  },
  // The name of the keyring, NULL for one that has none.
  keyctl: ({ operation, arg2 }) => ({ args: [known(operation), arg2 === 0 ? 'NULL' : known(arg2)] }),
  fchmod: ({ fd, mode }) => ({ args: [known(fd), known(mode)] }),
  setgroups: ({ size, list }) => ({ args: [known(size), texts(list)] }),
  sethostname: ({ name, len }) => ({ args: [text(name), known(len)] }),
  mount: ({ source, target, filesystemtype, mountflags, data }) => ({
    args: [text(source), text(target), text(filesystemtype), known(mountflags), text(data)],
  }),
  umount2: ({ target, flags }) => ({ args: [text(target), known(flags)] }),
  pivot_root: ({ new_root, put_old }) => ({ args: [text(new_root), text(put_old)] }),
  chroot: ({ path }) => ({ args: [text(path)] }),
  chdir: ({ path }) => ({ args: [text(path)] }),
  mkdir: ({ pathname, mode }) => ({ args: [text(pathname), known(mode)] }),
  chown: ({ pathname, owner, group }) => ({ args: [text(pathname), known(owner), known(group)] }),
  chmod: ({ pathname, mode }) => ({ args: [text(pathname), known(mode)] }),
  symlink: ({ target, linkpath }) => ({ args: [text(target), text(linkpath)] }),
  umask: ({ mask }) => ({ args: [mask === '00' ? '000' : known(mask)] }),
  mknod: ({ pathname, mode, dev }) => ({
    name: 'mknodat',
    args: [
      'AT_FDCWD',
      text(pathname),
      known(mode).replace(/^020/, 'S_IFCHR|0'),
      `makedev(${hexadecimal((dev as number) >> 8)}, ${hexadecimal((dev as number) & 255)})`,
    ],
  }),
  open_tree: ({ dirfd, pathname, flags }) => ({ args: [known(dirfd), text(pathname), known(flags)] }),
  mount_setattr: ({ dirfd, pathname, flags, attr, size }) => ({
    args: [
      known(dirfd),
      text(pathname),
      known(flags),
      `{attr_set=${(attr as Record<string, unknown>).attr_set},`,
      known(size),
    ],
  }),
  move_mount: ({ from_dirfd, from_pathname, to_dirfd, to_pathname, flags }) => ({
    args: [known(from_dirfd), text(from_pathname), known(to_dirfd), text(to_pathname), known(flags)],
  }),
  // strace shows the mode where a file may be made, and O_RDONLY, which is 0, where no other access is asked for.
  open: ({ pathname, flags, mode }) => {
    const shown = /O_(RDONLY|WRONLY|RDWR)/.test(known(flags)) ? known(flags) : `O_RDONLY|${flags}`;
    const made = shown.includes('O_CREAT') ? [known(mode)] : [];
    return { name: 'openat', args: ['AT_FDCWD', text(pathname), shown, ...made] };
  },
  pipe2: ({ pipefd, flags }) => ({ args: [`[${(pipefd as number[]).join(', ')}]`, known(flags)] }),
  socketpair: ({ domain, type, protocol, sv }) => ({
    args: [known(domain), known(type), known(protocol), `[${(sv as number[]).join(', ')}]`],
  }),
  write: ({ fd, buf, count }) => ({
    args: [known(fd), typeof fd === 'string' ? text(buf) : undefined, known(count)],
  }),
  read: ({ fd, count }) => ({ args: [known(fd), undefined, known(count)] }),
  close_range: ({ first, last, flags }) => ({
    args: [known(first), last === 'UINT_MAX' ? '4294967295' : known(last), known(flags)],
  }),
  socket: ({ domain, type, protocol }) => ({
    args: [known(domain), known(type), protocol === 0 ? 'IPPROTO_IP' : known(protocol)],
  }),
  ioctl: ({ fd, request, argp }) => {
    if (!String(request).startsWith('SIOC')) return { args: [known(fd), known(request), undefined] };
    const { ifr_name, ifr_flags } = argp as Record<string, unknown>;
    return { args: [known(fd), known(request), `{ifr_name=${text(ifr_name)}, ifr_flags=${ifr_flags}}`] };
  },
  waitpid: ({ pid, options }) => ({
    name: 'wait4',
    args: [known(pid), undefined, known(options), 'NULL'],
  }),
  sigaction: ({ signum, act, oldact }) => ({
    name: 'rt_sigaction',
    args: [known(signum), `{sa_handler=${(act as Record<string, unknown>).sa_handler},`, known(oldact)],
  }),
};

/** Flags in any order; of an environment only the names; a structure may go on where the log says no more. */
function sameArgument(logged: string | undefined, { name, args, files }: SystemCall, index: number): boolean {
  const traced = args[index];
  if (logged === undefined) return true;
  // What strace leaves out is what the call does not look at.
  if (traced === undefined) return logged === '0';
  // Several requests of ioctl(2) have the same number.
  if (traced.split(' or ').includes(logged)) return true;
  // Of a file of the new root strace knows the path from outside.
  if (files[index] === logged || (logged.startsWith('/') && files[index]?.endsWith(logged))) return true;
  if (name === 'execve' && index === 2)
    return traced.replace(/"([^"=]*)=(?:[^"\\]|\\.)*"/g, '"$1"') === logged;
  if (logged.endsWith(',')) return traced.startsWith(logged);
  const sorted = (flags: string) =>
    flags
      .replace(/^flags=/, '')
      .split('|')
      .sort()
      .join('|');
  return sorted(traced) === sorted(logged);
}

function same(logged: LoggedCall, traced: SystemCall): boolean {
  const form = forms[logged.call]?.(logged.args, logged.ret) ?? {
    args: Object.values(logged.args).map(known),
  };
  return (
    traced.name === (form.name ?? logged.call) &&
    traced.ret === logged.ret &&
    traced.errno === logged.errno &&
    traced.args.length - (traced.name === 'rt_sigaction' ? 1 : 0) <= Math.max(form.args.length, 1) &&
    form.args.every((argument, index) => sameArgument(argument, traced, index))
  );
}

/** The calls of a process that may be in the log, each with whether it has to be. */
function launchCalls(process: TracedProcess): { call: SystemCall; required: boolean }[] {
  const found: { call: SystemCall; required: boolean }[] = [];
  let inChain = process.cloned;
  const calls = process.cloned ? process.calls : process.calls.slice(1);
  for (const [index, call] of calls.entries()) {
    if (inChain && ofTheLibrary(call)) continue;
    const cutOff = process.killed && !calls.slice(index).some(matters);
    found.push({ call, required: inChain ? !cutOff : matters(call) });
    if (call.name === 'execve' && call.ret === 0) {
      if (!/^"\/proc\/self\/(exe|fd\/4)"$/.test(call.args[0] ?? '')) break;
      inChain = false;
    }
  }
  return found;
}

interface Comparison {
  /** The calls that strace shows: those that have to be in the log, and others that are. */
  strace: number;
  log: number;
  matched: number;
  readonly missing: string[];
  readonly untrue: string[];
}

function compare(log: readonly LoggedCall[], processes: ReadonlyMap<number, TracedProcess>): Comparison {
  const result: Comparison = { strace: 0, log: log.length, matched: 0, missing: [], untrue: [] };
  const shown = ({ name, args, ret, errno }: SystemCall) =>
    `${name}(${args.join(', ')}) = ${ret} ${errno ?? ''}`;
  for (const pid of new Set([...processes.keys(), ...log.map((record) => record.pid)])) {
    const process = processes.get(pid);
    const traced = process === undefined ? [] : launchCalls(process);
    let next = 0;
    const passOver = (end: number) => {
      for (const { call, required } of traced.slice(next, end)) {
        if (!required) continue;
        result.strace += 1;
        result.missing.push(`${pid} ${shown(call)}`);
      }
      next = end;
    };
    for (const record of log.filter((candidate) => candidate.pid === pid)) {
      const at = traced.findIndex(({ call }, index) => index >= next && same(record, call));
      if (at < 0) {
        result.untrue.push(JSON.stringify(record));
        continue;
      }
      passOver(at);
      next = at + 1;
      result.strace += 1;
      result.matched += 1;
    }
    passOver(traced.length);
  }
  return result;
}

const total = { launches: 0, strace: 0, log: 0, matched: 0 };
after(() => {
  console.log(
    `the log against strace: ${total.launches} launches, ${total.strace} calls in strace, ${total.log} in the log, ${total.matched} matched`,
  );
});

/**
 * Launches under strace and compares. In a session without a terminal: at one, a process that tells keys from other signals
 * (terminal/key-witness.ts) is made while the command runs, and is no part of the launch.
 */
async function traced(words: readonly string[], user: User, status: number): Promise<string> {
  const place = folder(user);
  const [trace, log] = [join(place, 'trace'), join(place, 'log')];
  const under = [
    'setsid',
    '--wait',
    'strace',
    '-f',
    '-y',
    '-v',
    '-s',
    '4096',
    '--pidns-translation',
    '-o',
    trace,
  ];
  const finished = await run(['run', '--quiet', '--log-file', log, ...words], { user, under });
  assert.equal(finished.status, status, finished.stderr);
  const calls = records(log).filter((record) => record.call !== undefined) as unknown as LoggedCall[];
  const result = compare(calls, readTrace(trace));
  assert.deepEqual({ missing: result.missing, untrue: result.untrue }, { missing: [], untrue: [] });
  assert.ok(result.matched > 5, 'hardly anything was compared');
  total.launches += 1;
  total.strace += result.strace;
  total.log += result.log;
  total.matched += result.matched;
  return `${result.strace} calls in strace, ${result.log} in the log, ${result.matched} matched`;
}

interface Launch {
  readonly title: string;
  readonly words: readonly string[];
  readonly status?: number;
  readonly skip?: string | false;
}

/** A program whose interpreter does not exist: execve(2) fails with ENOENT. */
function withoutInterpreter(user: User): string {
  const path = join(folder(user), 'program');
  writeFileSync(path, '#!/nowhere/at/all\n');
  chmodSync(path, 0o755);
  if (process.getuid?.() === 0) chownSync(path, user.uid, user.gid);
  return path;
}

const mapped = existsSync('/etc/subuid') && /^(root|0):/m.test(readFileSync('/etc/subuid', 'utf8'));

function launches(user: User): Launch[] {
  /** A user without privilege needs a user namespace for any other. */
  const base = user.uid === 0 ? [] : ['--uid'];
  const command = ['--', '/bin/true'];
  return [
    ...namespaces
      .filter(({ flag }) => flag !== 'mnt')
      .map(({ flag, name }) => ({
        title: `the ${name} namespace`,
        words: [...new Set([...base, `--${flag}`]), ...command],
      })),
    { title: 'all eight', words: ['--all', ...command] },
    { title: 'a terminal of its own', words: [...base, '--pid', '--pty', ...command] },
    { title: 'a new session', words: [...base, '--ipc', '--new-session', ...command] },
    {
      title: 'PID and user, a command with arguments',
      words: ['--uid', '--pid', '--', '/bin/sh', '-c', 'exit 3'],
      status: 3,
    },
    {
      title: 'the caller mapped to 1000',
      words: ['--uid', '--pid', '--uts', '--net', '--uid-map', `1000:${user.uid}:1`, ...command],
    },
    {
      title: 'shifted clocks',
      words: ['--uid', '--time', '--monotonic', '86400', '--boottime', '172800', ...command],
    },
    {
      title: 'a clock that would be negative',
      words: ['--uid', '--time', '--monotonic', '-999999999', ...command],
      status: 125,
    },
    {
      title: 'fewer capabilities',
      words: ['--uid', '--pid', '--cap-drop', 'sys_admin,net_raw', ...command],
    },
    {
      title: 'capabilities of a user who is not root inside',
      words: [
        '--uid',
        '--uid-map',
        `1000:${user.uid}:1`,
        '--cap-keep',
        'net_raw',
        '--cap-keep',
        'bpf',
        ...command,
      ],
    },
    { title: 'the command as PID 1', words: ['--all', '--as-pid-1', ...command] },
    {
      title: 'PID 1 without an interpreter',
      words: ['--uid', '--pid', '--as-pid-1', '--', withoutInterpreter(user)],
      status: 126,
    },
    { title: 'no interpreter', words: ['--uid', '--pid', '--', withoutInterpreter(user)], status: 126 },
    user.uid === 0
      ? {
          title: 'subordinate IDs',
          words: ['--uid', '--map-auto', ...command],
          skip: lacking('newuidmap') || (!mapped && 'root has no subordinate IDs in /etc/subuid'),
        }
      : { title: 'without privilege', words: ['--uts', ...command], status: 125 },
    ...(user.uid === 0
      ? [
          {
            title: 'a user inside whom the caller is not mapped to',
            words: ['--uid', '--pid', '--uid-map', '0:54321:1', '--gid-map', '0:54321:1', ...command],
          },
        ]
      : [
          {
            title: 'a map that is not allowed',
            words: ['--uid', '--uid-map', '0:0:1', ...command],
            status: 125,
          },
        ]),
  ];
}

const skip = lacking('strace');

for (const user of users) {
  for (const launch of launches(user)) {
    const options = { skip: user.skip || skip || launch.skip };
    test(
      `${user.name}: the log has the calls that strace sees: ${launch.title}`,
      options,
      async (context) => {
        context.diagnostic(await traced(launch.words, user, launch.status ?? 0));
      },
    );
  }

  for (const method of [
    ...[[], ['--chroot'], ['--pid'], ['--all'], ['--all', '--pty']],
    ['--all', '--read-only', '--tmpfs', '/tmp:size=1m', '--workdir', '/tmp'],
    ['--bind', '/usr:/mnt', '--bind', '/etc/passwd:/srv/users:ro', '--bind', '/usr:/tmp/a/b:ro', '--chroot'],
    ['--all', '--ephemeral', '--tmpfs', '/new/place', '--chroot'],
    ['--pid', '--overlay', 'FOLDER', '--read-only'],
    ['--uid', '--uid-map', `1000:${user.uid}:1`, '--gid-map', `1000:${user.gid}:1`, '--user', '1000'],
    ...(user.uid === 0
      ? [
          ['--user', '65534:65534'],
          ['--user', '65534:65534', '--pty'],
          ['--user', '65534:65534', '--cap-keep', 'net_bind_service,chown'],
          ['--pid', '--as-pid-1', '--user', '65534:65534', '--cap-keep', 'chown'],
          ['--pid', '--as-pid-1', '--user', '65534:65534'],
          ['--all', '--uid-map', '0:54321:1', '--gid-map', '0:54321:1', '--ephemeral'],
        ]
      : []),
  ]) {
    test(`${user.name}: the log has the calls that strace sees: ${['a new root', ...method].join(' ')}`, {
      skip: user.skip || skip,
    }, async (context) => {
      const base = user.uid === 0 || method.some((word) => /^--(all|uid)$/.test(word)) ? [] : ['--uid'];
      const options = method.map((word) => (word === 'FOLDER' ? folder(user) : word));
      const words = [...base, '--mnt', await rootfs(user), ...options];
      context.diagnostic(await traced([...words, '--', '/bin/true'], user, 0));
    });
  }
}
