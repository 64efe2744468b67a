/**
 * Makes one kernel call of a launch fail, or kills the process that makes it, and watches what is left.
 *
 * strace(1) injects faults too, but counts calls in each process anew and cannot tell P's first prctl(2) from G's. This
 * is the same mechanism (ptrace(2): PTRACE_SEIZE, stops at each system call) knowing who is who: the parent clones P,
 * P clones G, G becomes the child, the child clones the command's process.
 *
 * It is synchronous from beginning to end, so that libuv never waits for the traced processes.
 */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { constants as system, tmpdir } from 'node:os';
import { join } from 'node:path';
import { node, program, removeFolder } from '../gontainer.js';
import { controlGroups, mounts } from '../remains.js';
import { patience } from '../until.js';
import { call, ptrace, tracedCalls } from './traced-calls.js';

const optionTraceSysGood = 0x1;
const optionTraceFork = 0x2;
const optionTraceVfork = 0x4;
const optionTraceClone = 0x8;
const optionTraceExec = 0x10;
const optionExitKill = 0x100000;
const eventExec = 4;
const eventStop = 128;
const WUNTRACED = 2;
const __WALL = 0x40000000;
type Actor = 'parent' | 'P' | 'G' | 'child' | 'command' | 'other';

/** The nth call of this name by this actor: by its main thread, and since its part of the launch began. */
export interface Place {
  readonly actor: Actor;
  readonly call: string;
  readonly nth: number;
}

export interface Fault extends Place {
  /** An errno by name; KILL, of who makes the call; or CHILD, which is killed while the parent makes it. */
  readonly fault: string;
}

export interface Watched {
  readonly status: number | null;
  readonly signal: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether the fault was met. */
  readonly injected: boolean;
  /** Of mount(2), the source that it names. */
  readonly source: string;
  /** The calls in order. */
  readonly places: readonly Place[];
  readonly hung: boolean;
  /** What was left behind: processes after a minute, mounts, temporary files. */
  readonly left: readonly string[];
}

interface Tracee {
  role: Actor;
  /** Pipes that were there before: libuv's, and the caller's. */
  foreign: ReadonlySet<string>;
  thread: boolean;
  began: boolean;
  pending: bigint | undefined;
  counts: Map<string, number>;
}

interface Watch {
  readonly command: readonly string[];
  readonly user: { readonly uid: number; readonly gid: number };
  readonly fault?: Fault;
}

/** Within this after the parent's end everything else has to be gone. */
const grace = '60';

/**
 * Starts a process that is waited for by waitpid(2) here, and not by Node, which would otherwise keep this process
 * alive to hear of its end.
 */
function startUnheard(file: string, words: readonly string[], options: SpawnOptions): number {
  const child = spawn(file, words, options);
  child.unref();
  return child.pid as number;
}

/** Runs a command to its end, with at most one fault. */
export function watch({ command, user, fault }: Watch): Watched {
  const scratch = mkdtempSync(join(tmpdir(), 'gontainer-fault-'));
  const outputs = [join(scratch, 'stdout'), join(scratch, 'stderr')];
  const [stdout, stderr] = outputs.map((path) => openSync(path, 'w')) as [number, number];
  const temporary = mkdtempSync(join(tmpdir(), 'gontainer-fault-tmp-'));
  // Where running containers are written down: what is left there by a parent that was killed is known to be stale.
  const runtime = mkdtempSync(join(tmpdir(), 'gontainer-fault-run-'));
  for (const path of [temporary, runtime]) call('chown', Buffer.from(`${path}\0`), user.uid, user.gid);
  const before = mounts();

  const first = startUnheard('/bin/sh', ['-c', 'kill -STOP $$; exec "$@"', 'sh', ...command], {
    cwd: '/',
    stdio: ['ignore', stdout, stderr],
    ...(process.getuid?.() === 0 ? user : {}),
    env: { PATH: process.env.PATH, HOME: '/', TERM: 'dumb', TMPDIR: temporary, XDG_RUNTIME_DIR: runtime },
  });
  const word = Buffer.alloc(4);
  call('waitpid', first, word, WUNTRACED);
  const options =
    optionTraceSysGood |
    optionTraceFork |
    optionTraceVfork |
    optionTraceClone |
    optionTraceExec |
    optionExitKill;
  ptrace('PTRACE_SEIZE', first, 0n, BigInt(options));
  process.kill(first, 'SIGCONT');

  const tracees = new Map<number, Tracee>();
  const early = new Set<number>();
  const places: Place[] = [];
  const tracee = (role: Actor, thread = false): Tracee => ({
    role,
    foreign: new Set(),
    thread,
    began: false,
    pending: undefined,
    counts: new Map(),
  });
  tracees.set(first, tracee('other'));
  const alarms = new Set<number>();
  const alarm = (seconds: string) => alarms.add(startUnheard('sleep', [seconds], { stdio: 'ignore' }));
  // After that it hangs, on however busy a machine.
  alarm(String(patience / 1000));

  let [status, signal, injected, source, hung] = [null as number | null, 0, false, '', false];
  const left: string[] = [];
  let ended = false;

  const resume = (pid: number, sig = 0): void => {
    const { thread } = tracees.get(pid) ?? { thread: false };
    ptrace(thread ? 'PTRACE_CONT' : 'PTRACE_SYSCALL', pid, 0n, BigInt(sig));
  };

  while (tracees.size > 0) {
    const pid = Number(BigInt.asIntN(32, call('waitpid', -1, word, __WALL)));
    if (pid < 0) break;
    if (alarms.delete(pid)) {
      const alive = [...tracees].filter(([, { thread }]) => !thread);
      hung ||= !ended;
      left.push(...alive.map(([number, { role }]) => `process ${number} (${role}) ${stateOf(number)}`));
      for (const [number] of alive) kill(number);
      continue;
    }
    const value = word.readInt32LE(0);
    const known = tracees.get(pid);
    if ((value & 0xff) !== 0x7f) {
      tracees.delete(pid);
      if (pid === first) {
        ended = true;
        if ((value & 0x7f) === 0) status = (value >> 8) & 0xff;
        else signal = value & 0x7f;
        alarm(grace);
      }
      continue;
    }
    const [stop, event] = [(value >> 8) & 0xff, value >> 16];
    if (known === undefined) {
      early.add(pid);
      continue;
    }
    if (event >= 1 && event <= 3) {
      const message = Buffer.alloc(8);
      ptrace('PTRACE_GETEVENTMSG', pid, 0n, message);
      const fresh = Number(message.readBigUInt64LE(0));
      const sameGroup = threadGroup(fresh) === threadGroup(pid);
      tracees.set(fresh, sameGroup ? tracee(known.role, true) : tracee(offspring(known.role)));
      if (early.delete(fresh)) resume(fresh);
      resume(pid);
    } else if (event === eventExec) {
      if (pid === first) Object.assign(known, tracee('parent'));
      else if (known.role === 'G') Object.assign(known, tracee('child'));
      else if (known.role === 'command') Object.assign(known, tracee('other', true));
      resume(pid);
    } else if (event === eventStop) {
      resume(pid);
    } else if (stop === (system.signals.SIGTRAP | 0x80)) {
      systemCall(pid, known);
      resume(pid);
    } else {
      resume(pid, stop);
    }
  }
  for (const pid of alarms) kill(pid);
  for (const pid of alarms) call('waitpid', pid, word, 0);

  left.push(
    ...mounts()
      .filter((line) => !before.includes(line))
      .map((line) => `mount ${line}`),
  );
  left.push(...readdirSync(temporary).map((name) => `file ${name}`));
  // The shell has become the launcher. One that was killed leaves its groups to the next look at the containers.
  if (controlGroups(first).length > 0)
    spawnSync(node, [program, 'ps'], { env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: runtime } });
  left.push(...controlGroups(first).map((name) => `cgroup ${name}`));
  const [out, err] = outputs.map((path) => readFileSync(path, 'utf8')) as [string, string];
  for (const folder of [scratch, temporary, runtime]) removeFolder(folder);
  for (const descriptor of [stdout, stderr]) closeSync(descriptor);
  return { status, signal, stdout: out, stderr: err, injected, source, places, hung, left };

  function systemCall(pid: number, known: Tracee): void {
    const info = Buffer.alloc(88);
    ptrace('PTRACE_GET_SYSCALL_INFO', pid, BigInt(info.length), info);
    if (info.readUInt8(0) !== 1) {
      if (known.pending !== undefined) tracedCalls?.answer(pid, known.pending);
      known.pending = undefined;
      return;
    }
    const name = tracedCalls?.names[Number(info.readBigUInt64LE(24))];
    if (name === undefined || known.role === 'other') return;
    const firstArgument = info.readBigUInt64LE(32);
    if (!known.began) {
      known.began =
        known.role === 'parent'
          ? // The channel to the child: Node makes pipes of its own before, but no pair of sockets.
            name === 'socketpair'
          : known.role !== 'child' || (name === 'read' && firstArgument === 3n);
      if (!known.began) return;
      known.foreign = pipesOf(pid);
    }
    const inChain = known.role !== 'parent' && known.role !== 'child';
    if (!inChain && !isOurs(pid, name, Number(firstArgument), info.readBigUInt64LE(40), known.foreign))
      return;
    const nth = (known.counts.get(name) ?? 0) + 1;
    known.counts.set(name, nth);
    places.push({ actor: known.role, call: name, nth });
    if (
      injected ||
      fault === undefined ||
      fault.actor !== known.role ||
      fault.call !== name ||
      fault.nth !== nth
    )
      return;
    if (fault.fault === 'CHILD') {
      const child = [...tracees].find(([, { role, thread }]) => role === 'child' && !thread)?.[0];
      if (child === undefined) return;
      injected = true;
      kill(child);
      // The kernel does not announce when it has let go of all it held. As PID 1 it may then wait for others, traced here.
      while (holdsFiles(child));
      return;
    }
    injected = true;
    source = name === 'mount' && firstArgument !== 0n ? textAt(pid, firstArgument) : '';
    if (fault.fault === 'KILL') {
      kill(pid);
    } else {
      known.pending = BigInt(-errnoOf(fault.fault));
      tracedCalls?.leaveOut(pid);
    }
  }
}

/** Pipes that this process already holds when its part begins. */
function pipesOf(pid: number): Set<string> {
  const files = readdirSync(`/proc/${pid}/fd`).map((number) => fileOf(pid, Number(number)));
  return new Set(files.filter((file) => file.startsWith('pipe:')));
}

/**
 * Whether a call by JavaScript is one of the launch. Node loads modules, wakes its threads and installs signal handlers
 * by calls of the same names, and ends itself (abort(3)) when some of them fail; its closing of a file is one of those.
 */
function isOurs(
  pid: number,
  name: string,
  descriptor: number,
  second: bigint,
  foreign: ReadonlySet<string>,
): boolean {
  switch (name) {
    case 'openat':
      return /^\/(proc|dev\/pts)\//.test(textAt(pid, second));
    case 'read':
    case 'write':
    case 'close': {
      const file = fileOf(pid, descriptor);
      if (file.startsWith('socket:')) return true;
      return file.startsWith('pipe:') ? !foreign.has(file) : name !== 'close' && file.startsWith('/proc/');
    }
    case 'fcntl':
    case 'rt_sigaction':
    case 'rt_sigprocmask':
      return false;
    default:
      return true;
  }
}

function fileOf(pid: number, descriptor: number): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return '';
  }
}

/** A C string in the memory of a stopped process. */
function textAt(pid: number, address: bigint): string {
  const bytes = Buffer.alloc(64);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  readSync(memory, bytes, 0, bytes.length, address);
  closeSync(memory);
  return bytes.subarray(0, bytes.indexOf(0)).toString();
}

const errnoOf = (name: string): number =>
  Number(Object.entries(system.errno).find(([known]) => known === name)?.[1]);

const offspring = (role: Actor): Actor =>
  (({ parent: 'P', P: 'G', child: 'command' }) as Partial<Record<Actor, Actor>>)[role] ?? 'other';

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended in this moment.
  }
}

function holdsFiles(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).length > 0;
  } catch {
    return false;
  }
}

const threadGroup = (pid: number): string => field(pid, 'Tgid') ?? '';
const stateOf = (pid: number): string => `${field(pid, 'State') ?? 'gone'}`;

function field(pid: number, name: string): string | undefined {
  try {
    return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
