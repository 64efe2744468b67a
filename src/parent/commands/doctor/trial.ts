/** Trying things instead of guessing them from a version: through the same call chain that a launch uses. */
import { spawn } from 'node:child_process';
import {
  type Arguments,
  type ChainCall,
  memory,
  type NewerCall,
  NULL,
  newerCalls,
} from '../../../common/kernel/calls.js';
import type { CallRecord } from '../../../common/kernel/kernel.js';
import { KernelError } from '../../../common/kernel/kernel-error.js';
import { drop, pipe } from '../../../common/kernel/pipe.js';
import { endChild, waitForProcess } from '../../../common/kernel/processes.js';
import { Recorder } from '../../../common/kernel/recorder.js';
import type { CloneFlag, NamespaceFlag } from '../../../common/namespaces.js';

const step = 'doctor';
const [trial, trialChild] = ['trial', 'child of the trial'];

/** A call that failed, and the name of its errno; SIGSYS where a seccomp filter killed who made it. */
export interface Refused {
  readonly call: string;
  readonly errno: string;
}

interface Tried {
  readonly records: readonly CallRecord[];
  readonly refused: Refused | undefined;
}

const recorder = (records: CallRecord[]): Recorder =>
  new Recorder(step, process.hrtime.bigint(), (record) => records.push(record));

const exit: ChainCall = { step, call: '_exit', args: { status: 0 } };

/**
 * Makes calls in a process of its own, which ends then.
 * @param inChild calls that a child of it makes, which it waits for
 */
function tried(calls: readonly ChainCall[], inChild: readonly ChainCall[] = []): Tried {
  const records: CallRecord[] = [];
  const child = inChild.length === 0 ? [] : childMaking(inChild);
  const running = recorder(records).clone({ actor: trial, calls: [...calls, ...child, exit] });
  const ended = waitForProcess(running.pid, true);
  running.record();
  running.release();
  const made = records.filter(({ actor }) => actor === trial || actor === trialChild);
  const failed = made.find(({ errno }) => errno !== undefined);
  if (failed !== undefined)
    return { records: made, refused: { call: failed.call, errno: String(failed.errno) } };
  // What a process was killed for is the call after the last one that is recorded.
  const next = (actor: string, its: readonly ChainCall[]): string =>
    its[made.filter((record) => record.actor === actor).length]?.call ?? 'clone';
  const killed =
    ended?.killedBy !== undefined
      ? next(trial, calls)
      : inChild.length > made.filter(({ actor }) => actor === trialChild).length
        ? next(trialChild, inChild)
        : undefined;
  return { records: made, refused: killed === undefined ? undefined : { call: killed, errno: 'SIGSYS' } };
}

const childMaking = (calls: readonly ChainCall[]): readonly ChainCall[] => [
  {
    step,
    call: 'clone',
    args: {
      fn: { place: 'setcontext' },
      stack: { place: 'stack' },
      flags: ['CLONE_PARENT_SETTID', 'SIGCHLD'],
      arg: { actor: trialChild, calls: [...calls, exit] },
      parent_tid: { place: 'process ID' },
    },
  },
  { step, call: 'waitpid', args: { pid: -1, wstatus: NULL, options: 0 } },
];

const unshared = (flags: readonly CloneFlag[]): ChainCall => ({ step, call: 'unshare', args: { flags } });

/** Arguments that each refuses, or has nothing to do for: no descriptor, a structure of no size, no namespace. */
const harmless: { readonly [Name in NewerCall]: Arguments<Name> } = {
  unshare: { flags: 0 },
  pipe2: { pipefd: NULL, flags: 0 },
  prlimit: { pid: 0, resource: -1, new_limit: NULL, old_limit: NULL },
  setns: { fd: -1, nstype: 0 },
  seccomp: { operation: -1, flags: 0, args: { instructions: Buffer.alloc(0) } },
  pidfd_send_signal: { pidfd: -1, sig: 0, info: NULL, flags: 0 },
  open_tree: { dirfd: -1, pathname: '', flags: -1 },
  move_mount: { from_dirfd: -1, from_pathname: '', to_dirfd: -1, to_pathname: '', flags: -1 },
  pidfd_open: { pid: -1, flags: 0 },
  openat2: { dirfd: -1, pathname: '', how: NULL, size: 0 },
  pidfd_getfd: { pidfd: -1, targetfd: -1, flags: 0 },
  close_range: { first: 'UINT_MAX', last: 'UINT_MAX', flags: 0 },
  mount_setattr: { dirfd: -1, pathname: '', flags: 0, attr: NULL, size: 0 },
};

/** The calls that this kernel does not have, or that a seccomp filter hides or kills for. */
export const missingCalls = (): NewerCall[] =>
  (Object.keys(newerCalls) as NewerCall[]).filter((call) => {
    const { refused } = tried([{ step, call, args: harmless[call] } as ChainCall]);
    return refused !== undefined && ['ENOSYS', 'SIGSYS'].includes(refused.errno);
  });

/** Makes namespaces. @returns undefined when it worked */
export const tryUnshare = (flags: readonly CloneFlag[]): Refused | undefined =>
  tried([unshared(flags)]).refused;

/** Of the mounts of a new mount namespace: none of them reaches another one. */
const privateMounts: ChainCall = {
  step,
  call: 'mount',
  args: {
    source: 'none',
    target: '/',
    filesystemtype: null,
    mountflags: ['MS_REC', 'MS_PRIVATE'],
    data: null,
  },
};

/** What a launch does first in a new namespace of a kind, and may be refused though the namespace can be made. */
const uses: Partial<Record<NamespaceFlag, readonly ChainCall[]>> = {
  mnt: [privateMounts],
  uts: [{ step, call: 'sethostname', args: { name: 'gontainer', len: 9 } }],
};

/** Makes a user namespace, maps its root, makes a namespace of another kind, and uses both. */
export const tryUse = (flag: NamespaceFlag, clone: CloneFlag): Refused | undefined =>
  triedMapped([...(flag === 'uid' ? [] : [unshared([clone])]), ...(uses[flag] ?? [])]).refused;

/** Mounts a /proc for a new PID namespace. */
export const tryProc = (): Refused | undefined =>
  triedMapped([unshared(['CLONE_NEWNS', 'CLONE_NEWPID']), privateMounts], {
    inChild: [mounted('proc', '/proc', null)],
  }).refused;

const mounted = (filesystemtype: string, target: string, data: string | null): ChainCall => ({
  step,
  call: 'mount',
  args: { source: 'none', target, filesystemtype, mountflags: 0, data },
});

/** Mounts an overlay of directories in memory, over a directory that every system has, in a mount namespace of its own. */
export const tryOverlay = (): Refused | undefined =>
  triedMapped([
    unshared(['CLONE_NEWNS']),
    privateMounts,
    mounted('tmpfs', '/usr', null),
    ...['lower', 'upper', 'work'].map(
      (name): ChainCall => ({ step, call: 'mkdir', args: { pathname: `/usr/${name}`, mode: 0o700 } }),
    ),
    mounted('overlay', '/usr', 'lowerdir=/usr/lower,upperdir=/usr/upper,workdir=/usr/work,userxattr'),
  ]).refused;

/** Takes a descriptor out of a child, as the launcher takes the terminal of --pty and the listener of --watch. */
export function tryTakeDescriptor(): Refused | undefined {
  const kernel = recorder([]);
  const ends = pipe(kernel, 'trial');
  const [targetfd] = ends;
  // It waits until it is killed.
  const waiting: ChainCall = { step, call: 'poll', args: { fds: NULL, nfds: 0, timeout: -1 } };
  const running = kernel.clone({ actor: trial, calls: [waiting, exit] });
  const opened: number[] = [];
  try {
    const pidfd = kernel.call('pidfd_open', { pid: running.pid, flags: 0 });
    opened.push(pidfd);
    opened.push(kernel.call('pidfd_getfd', { pidfd, targetfd, flags: 0 }));
    return undefined;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { call: error.data.call, errno: error.data.errno };
  } finally {
    endChild(running.pid);
    running.release();
    drop(kernel, ...ends, ...opened);
  }
}

/** user_namespaces(7): "The kernel imposes a limit of 32 nested levels". One more than can be, to meet the limit. */
const levels = 34;

/**
 * Makes user namespaces one inside another until no more can be made. Each is mapped, as only a mapped ID may make
 * the next.
 * @returns how many there were
 */
export const tryNesting = (): number =>
  triedMapped([], { depth: levels }).records.filter(
    ({ call, errno }) => call === 'unshare' && errno === undefined,
  ).length;

// With all others closed, what is opened is the lowest free descriptor: open(2).
const firstFree = 3;
const closeOthers: ChainCall = {
  step,
  call: 'close_range',
  args: { first: firstFree, last: 'UINT_MAX', flags: 0 },
};

/**
 * Makes calls in a mapped user namespace. A chain goes on after a failure, so they are not made where nothing can be closed,
 * and they would write to descriptors of this process, such as the pipes by which Node talks to itself; nor where one of
 * their namespaces cannot be made.
 */
function triedMapped(
  calls: readonly ChainCall[],
  { inChild = [], depth = 1 }: { inChild?: readonly ChainCall[]; depth?: number } = {},
): Tried {
  const made = tried([closeOthers, ...(calls.length === 0 ? [] : namespacesOf(calls))]);
  return made.refused === undefined ? tried([...mappedUserNamespace(depth), ...calls], inChild) : made;
}

/** Without these the calls would reach the host, where root mounts over its directories, and names it. */
const namespacesOf = (calls: readonly ChainCall[]): readonly ChainCall[] => [
  unshared(['CLONE_NEWUSER']),
  ...calls.filter(({ call }) => call === 'unshare'),
];

/** Makes a user namespace, or several one inside another, and maps the own IDs to root in each. */
function mappedUserNamespace(depth: number): readonly ChainCall[] {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  let fd = firstFree;
  const write = (pathname: string, text: string): ChainCall[] => [
    { step, call: 'open', args: { pathname, flags: ['O_WRONLY'], mode: 0 } },
    { step, call: 'write', args: { fd: fd++, buf: memory(Buffer.from(text), text), count: text.length } },
  ];
  const maps = (outside: { uid: number; gid: number }): ChainCall[] => [
    ...write('/proc/self/uid_map', `0 ${outside.uid} 1`),
    ...write('/proc/self/gid_map', `0 ${outside.gid} 1`),
  ];
  return [
    closeOthers,
    unshared(['CLONE_NEWUSER']),
    // Those inside inherit it.
    ...write('/proc/self/setgroups', 'deny'),
    ...maps({ uid, gid }),
    ...Array.from({ length: depth - 1 }, () => [
      unshared(['CLONE_NEWUSER']),
      ...maps({ uid: 0, gid: 0 }),
    ]).flat(),
  ];
}
/** How a launch ended, and what gontainer said. */
export interface Launched {
  readonly status: number | null;
  readonly said: string;
}

/** A whole launch, with a shell script as its command. */
export function tryLaunch(options: readonly string[], script = ':'): Promise<Launched> {
  const words = [
    ...process.execArgv,
    process.argv[1] as string,
    'run',
    '--quiet',
    ...options,
    '--',
    '/bin/sh',
    '-c',
    script,
  ];
  const launched = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  launched.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  return new Promise((done) => {
    launched.on('error', ({ message }) => done({ status: null, said: message }));
    launched.on('close', (status) =>
      done({ status, said: said.trim().replace(/^gontainer: /, '') || `it ended with status ${status}` }),
    );
  });
}
