/** The child's last steps: the process for the command, made ready and held, and then its execve(2). */
import { constants as access, accessSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { bytesOf } from '../byte-text.js';
import { channelDescriptor } from '../channel.js';
import { defined } from '../defined.js';
import { procLines } from '../evidence.js';
import { type Chain, type ChainCall, type Memory, memory, NULL, type Place } from '../kernel/calls.js';
import { capabilitiesIn } from '../kernel/capability-numbers.js';
import { constants, signalConstant } from '../kernel/constants.js';
import { errnoWords } from '../kernel/kernel-error.js';
import { numberInProc, type ProcessStat, processStat } from '../process-files.js';
import {
  limitCalls,
  limitEvidence,
  limitShortfall,
  prlimitWords,
  raisedHardLimits,
} from '../resource-limits.js';
import { shellWord } from '../shell-word.js';
import { type LaunchSpec, newSession } from '../spec.js';
import type { Evidence, Refusal, Step } from '../step.js';
import {
  commandCapabilityCalls,
  commandSetsShortfall,
  keepOverUserChange,
  setprivOptions,
} from './capabilities.js';
import { deathSignal, hidden, noNewPrivileges } from './chain-calls.js';
import type { CommandContext } from './command-context.js';
import { keyringRefusals, leaveSessionKeyring } from './session-keyring.js';
import { openSharedTerminal, openStandardPipes, pipeRefusals, terminalRefusals } from './standard-pipes.js';
import { installFilterInChain } from './watch.js';

/** The file descriptors that the process reports and waits through; closed by its execve(2). */
export interface Gate {
  /**
   * The other end of the pipe that the process waits on, where it has a copy: while it holds that, it never sees the
   * pipe's end.
   */
  readonly open?: number;
  readonly ready: number;
  readonly report: number;
  readonly wait: number;
}

/** Where the command's process has the listener: in the place of its copy of the channel, the lowest that it can do without. */
export const listenerDescriptor = channelDescriptor;

/** What of a launch the command's process depends on; entering a container knows no more. */
export type CommandSpec = Pick<
  LaunchSpec,
  | 'command'
  | 'user'
  | 'becomesUser'
  | 'keepsCapabilities'
  | 'capabilities'
  | 'newPrivileges'
  | 'terminal'
  | 'inherited'
  | 'ulimits'
  | 'watch'
>;

/**
 * What makes a process of this launcher the command's, in front of its execve(2).
 * @param ownPid where that process finds its process ID
 * @param terminal the path of the terminal of its own, where it gets one
 * @param asPid1 whether this process itself becomes the command
 */
export function commandCalls(
  spec: CommandSpec,
  step: string,
  ownPid: Memory | Place,
  terminal: string,
  asPid1 = false,
): ChainCall[] {
  const { uid, gid, groups } = spec.user;
  return [
    // A job of its own with the terminal, as a shell would do; TIOCSPGRP from the background needs SIGTTOU blocked.
    ...(spec.terminal === 'foreground'
      ? ([
          { step, call: 'setpgid', args: { pid: 0, pgid: 0 } },
          { step, call: 'ioctl', args: { fd: 0, request: 'TIOCSPGRP', argp: ownPid } },
        ] as const)
      : []),
    ...(spec.terminal === 'own' ? openTerminal(step, terminal) : []),
    // While it still may raise a hard limit. What becomes PID 1 is Node until its execve(2), and sets them right before.
    ...limitCalls(step, asPid1 ? raisedHardLimits(spec.ulimits) : spec.ulimits),
    ...(spec.becomesUser && groups !== undefined
      ? [{ step, call: 'setgroups', args: { size: groups.length, list: groupList(groups) } } as const]
      : []),
    ...(spec.becomesUser
      ? ([
          ...keepOverUserChange(step, spec),
          { step, call: 'setresgid', args: { rgid: gid, egid: gid, sgid: gid } },
          { step, call: 'setresuid', args: { ruid: uid, euid: uid, suid: uid } },
        ] satisfies ChainCall[])
      : []),
    // What the child kept for its own steps is not the command's.
    ...(spec.keepsCapabilities
      ? ([
          {
            step,
            call: 'prctl',
            args: { option: 'PR_CAP_AMBIENT', arg2: 'PR_CAP_AMBIENT_CLEAR_ALL', arg3: 0, arg4: 0, arg5: 0 },
          },
        ] as const)
      : []),
    ...commandCapabilityCalls(step, spec),
    // After the user is set: a change of user clears it (PR_SET_PDEATHSIG(2const)).
    deathSignal(step),
    ...(spec.newPrivileges ? [] : [noNewPrivileges(step)]),
    ...inheritedCalls(step, spec),
    // Node marks its standard streams close-on-exec.
    ...(spec.terminal === 'own' ? [] : [0, 1, 2]).map(
      (fd): ChainCall => ({ step, call: 'fcntl', args: { fd, cmd: 'F_SETFD', arg: 0 } }),
    ),
  ];
}

/**
 * Until its execve(2) the process is a copy of the child, with the few capabilities of the command. In a user namespace
 * there is nobody to hide from: the container begins with it.
 */
export const hiddenCommand = (step: string, { maps }: Pick<LaunchSpec, 'maps'>): ChainCall[] =>
  maps === undefined ? hidden(step) : [];

/** What the process does between clone(2) and execve(2). */
export function commandChain(
  spec: CommandSpec,
  path: string,
  environment: Record<string, string>,
  gate: Gate,
  terminal = '',
): Chain {
  const step = commandStep.id;
  const exec = execStep.id;
  const pathname = memory(bytesOf(`\0${path.slice(1)}\0`), path);
  const calls: ChainCall[] = [
    ...(gate.open === undefined ? [] : [{ step, call: 'close', args: { fd: gate.open } } as const]),
    ...(newSession(spec) ? [{ step, call: 'setsid', args: {} } as const] : []),
    ...commandCalls(spec, step, { place: 'own process ID' }, terminal),
    ...(spec.watch ? installFilterInChain(step, spec.watch, listenerDescriptor) : []),
    { step, call: 'write', args: { fd: gate.ready, buf: memory(Buffer.from('ready'), 'ready'), count: 5 } },
    // Whoever waits for it sees the end of the pipe even if the write failed. If this fails, execve(2) closes it.
    { step, call: 'close', args: { fd: gate.ready }, mayFail: true },
    // The word to go on is the first byte of the path. Without it execve(2) finds nothing: a process whose child was
    // killed, or whose read(2) failed, must not become a command that nobody looks after.
    { step, call: 'read', args: { fd: gate.wait, buf: pathname, count: 1 } },
    {
      step: exec,
      call: 'execve',
      args: { pathname, argv: spec.command, envp: environment },
      blocked: spec.inherited.blockedSignals,
    },
    { step: exec, call: 'write', args: { fd: gate.report, buf: { place: 'errno of execve' }, count: 4 } },
    { step: exec, call: '_exit', args: { status: 127 } },
  ];
  return { actor: 'command', calls };
}

/** What Node ignores; what is ignored stays ignored across execve(2), and what has a handler does not. */
const ignoredByNode = [constants.SIGPIPE, constants.SIGXFSZ];

/** Gives the process what the caller had before Node changed it. */
function inheritedCalls(
  step: string,
  { inherited: { openFiles, ignoredSignals }, ulimits }: Pick<CommandSpec, 'inherited' | 'ulimits'>,
): ChainCall[] {
  const action = (number: number, act: Memory): ChainCall => ({
    step,
    call: 'sigaction',
    args: { signum: signalConstant(number), act, oldact: NULL },
  });
  const chosen = ulimits?.some(({ name }) => name === 'nofile');
  return [
    ...ignoredByNode
      .filter((number) => !ignoredSignals.includes(number))
      .map((number) => action(number, signalAction('SIG_DFL'))),
    ...ignoredSignals.map((number) => action(number, signalAction('SIG_IGN'))),
    ...(openFiles === undefined || chosen ? [] : limitCalls(step, [{ name: 'nofile', ...openFiles }])),
  ];
}

/** A struct sigaction: no flags, nothing blocked (sigaction(2)). */
export function signalAction(handler: 'SIG_DFL' | 'SIG_IGN'): Memory {
  const bytes = Buffer.alloc(152);
  bytes.writeBigUInt64LE(BigInt(constants[handler]));
  return memory(bytes, { sa_handler: handler });
}

/**
 * The terminal becomes the controlling one of the new session, and the standard streams: login_tty(3). open(2) gives the
 * lowest descriptor that is free.
 */
const openTerminal = (step: string, pathname: string): ChainCall[] => [
  { step, call: 'close', args: { fd: 0 } },
  { step, call: 'open', args: { pathname, flags: ['O_RDWR', 'O_NOCTTY'], mode: 0 } },
  { step, call: 'ioctl', args: { fd: 0, request: 'TIOCSCTTY', argp: NULL } },
  { step, call: 'dup2', args: { oldfd: 0, newfd: 1 } },
  { step, call: 'dup2', args: { oldfd: 0, newfd: 2 } },
];

/** An array of gid_t, 32 bits each. */
function groupList(groups: readonly number[]): Memory {
  const bytes = Buffer.alloc(groups.length * 4);
  groups.forEach((group, index) => {
    bytes.writeUInt32LE(group, index * 4);
  });
  return memory(bytes, groups);
}

const readyRefusals = ({ becomesUser, root }: LaunchSpec): readonly Refusal[] => [
  ...(becomesUser ? [...pipeRefusals, ...terminalRefusals] : []),
  ...(root === undefined ? [] : keyringRefusals),
];

export const commandStep: Step<CommandContext> = {
  id: 'command',
  stage: 'child',
  title: () => 'make the command’s process',
  why:
    'The child stays, to pass signals on and to reap processes whose parent has ended. So the command gets its own ' +
    'process, in the same namespaces.',
  man: 'clone(2), credentials(7)',
  // In a shell it is the parentheses that make the process.
  shell: (spec) => `( ${execStep.shell(spec)} )`,
  applies: ({ asPid1, controlDescriptor }) => !asPid1 && controlDescriptor === undefined,
  run: makeReady,
  refusals: readyRefusals,
  evidence: readiness,
  summary: readySummary,
  shortfall: notTheCommands,
};

export const asPid1Step: Step<CommandContext> = {
  id: 'as-pid-1',
  stage: 'child',
  title: () => 'make PID 1 ready',
  why:
    'No child stays as the init: its process becomes the command. So it gives up what the command must not inherit: its ' +
    'user and capabilities, the signals that Node ignores, and every file descriptor but 0, 1 and 2.',
  man: 'pid_namespaces(7), credentials(7)',
  // In a shell it is `exec` that makes no process; the signals it traps or ignores are what it can give back.
  shell: () => 'trap - HUP INT QUIT PIPE TERM USR1 USR2',
  applies: ({ asPid1 }) => asPid1,
  run: makeReady,
  refusals: readyRefusals,
  evidence: readiness,
  summary: readySummary,
  shortfall: notTheCommands,
};

export const execStep: Step<CommandContext> = {
  id: 'exec',
  stage: 'child',
  title: ({ command }) => `execute ${command[0]}`,
  why: 'execve(2) replaces the program that a process runs. Its process ID, namespaces and standard streams stay.',
  man: 'execve(2)',
  shell: ({ command, terminal, capabilities, ulimits }) =>
    [
      'exec',
      ...(terminal === 'none' ? ['setsid'] : []),
      ...prlimitWords(ulimits),
      ...(capabilities ? ['setpriv', setprivOptions(capabilities)] : []),
      ...command.map(shellWord),
    ].join(' '),
  applies: ({ controlDescriptor }) => controlDescriptor === undefined,
  run: ({ command }) => command.execute(),
  gist: ({ command }) => ['exec', ...command.map(shellWord)].join(' '),
  evidence: ({ command: { pid } }) => programOf(pid),
  summary: (before, after) => [became(before, after), ...shownLimits(after)].join(', '),
};

/** What a process runs, as the step `exec` shows it. */
export const programOf = (pid: number): Evidence => ({ program: executableOf(pid) });

function makeReady({ spec, kernel, command, terminal }: CommandContext): void {
  if (spec.root !== undefined) leaveSessionKeyring(kernel);
  openStandardPipes(kernel, spec);
  openSharedTerminal(kernel, spec);
  command.make(terminal.path);
}

/** The process that is to become the command, and whether it leads to a file of the host that could be written. */
function readiness({ command: { pid }, spec }: CommandContext): Evidence {
  return defined({
    process: pid === 0 ? 'none' : identity(pid),
    ...(spec.asPid1 ? {} : limitEvidence(pid === 0 ? pid : numberInProc(pid), spec.ulimits)),
    sessions: newSession(spec) ? { child: sessionOf('self'), command: sessionOf(pid) } : undefined,
    'file of node': spec.readOnlyExecutable === undefined ? undefined : ownExecutable(),
  });
}

/** What the evidence shows of a process that should be ready to become the command, and is not. */
function notTheCommands(_: Evidence, after: Evidence, spec: LaunchSpec): string | undefined {
  if (spec.readOnlyExecutable !== undefined && after['file of node'] === 'writable')
    return `${spec.readOnlyExecutable} can be written through /proc/self/exe`;
  const { pid, uid, gid, 'ambient capabilities': ambient } = after.process as ReturnType<typeof identity>;
  // A /proc mounted with hidepid does not show the processes of other users.
  if (uid === undefined) return undefined;
  if (newSession(spec)) {
    const { child, command } = after.sessions as Sessions;
    // One whose read(2) failed is about to end, and has let its session go; the next step says why.
    if (command === undefined) return undefined;
    const old = !child.leader ? 'child' : !command.leader ? 'command' : undefined;
    if (old !== undefined) return `the ${old} is still in the caller's session`;
    // pts(4): the major numbers from 136 on.
    const { 'controlling terminal': controlling } = command;
    if (spec.terminal === 'own' && !/^1(3[6-9]|4[0-3]):/.test(controlling))
      return `the controlling terminal of the command is ${controlling}`;
  }
  if (Number(uid) !== spec.user.uid || Number(gid) !== spec.user.gid)
    return `the process is user ${uid} and group ${gid}`;
  const shortfall =
    commandSetsShortfall(numberInProc(Number(pid)), spec) ??
    limitShortfall(after.limits as Readonly<Record<string, string>> | undefined, spec.ulimits);
  if (shortfall !== undefined) return shortfall;
  return spec.keepsCapabilities && !spec.capabilities?.ambient && !/^0+$/.test(String(ambient))
    ? 'it has ambient capabilities'
    : undefined;
}

/** Whether the program of this process could be overwritten through its exe link: proc_pid_exe(5). */
export function ownExecutable(): 'writable' | 'read-only' | 'not ours to write' {
  try {
    accessSync('/proc/self/exe', access.W_OK);
    return 'writable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS' ? 'read-only' : 'not ours to write';
  }
}

/** The process ID, process group and user IDs of a process: proc_pid_status(5). */
function identity(pid: number): Record<string, unknown> {
  try {
    const status = new Map(
      procLines(`/proc/${numberInProc(pid)}/status`).map((line) => line.split(': ') as [string, string]),
    );
    // One whose read(2) failed has ended, and waits to be waited for; the next step says why.
    if (status.get('State')?.startsWith('Z')) return { pid };
    return {
      pid,
      'process group': status.get('NSpgid')?.split(' ').at(-1),
      uid: status.get('Uid')?.split(' ')[0],
      gid: status.get('Gid')?.split(' ')[0],
      capabilities: status.get('CapEff'),
      'bounding set': status.get('CapBnd'),
      'inheritable capabilities': status.get('CapInh'),
      'ambient capabilities': status.get('CapAmb'),
    };
  } catch {
    return { pid };
  }
}

interface Session {
  /** Whether the process leads it. */
  readonly leader: boolean;
  /** Major and minor number, or none. */
  readonly 'controlling terminal': string;
}

interface Sessions {
  readonly child: Session;
  /** Undefined when the process is about to end. */
  readonly command: Session | undefined;
}

/** PF_EXITING of the kernel's include/linux/sched.h: from when a process begins to end, and before it lets go of anything. */
export const exiting = 0x4;

/** The session of a process, and its terminal. Undefined when it is about to end. */
function sessionOf(pid: number | 'self'): Session | undefined {
  const none = { leader: false, 'controlling terminal': 'none' };
  if (pid === 0) return none;
  let stat: ProcessStat;
  try {
    stat = processStat(pid === 'self' ? pid : numberInProc(pid));
  } catch (error) {
    // It was killed, or hidepid hides it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none;
    throw error;
  }
  const { terminal: device } = stat;
  if (stat.flags & exiting) return undefined;
  return {
    leader: stat.session === stat.pid,
    'controlling terminal': device === 0 ? 'none' : `${(device >> 8) & 0xfff}:${device & 0xff}`,
  };
}

/** What a process runs, by its path; that of node leads nowhere in a new root. */
function executableOf(pid: number): string {
  const path = `/proc/${numberInProc(pid)}/exe`;
  try {
    const [own, other] = [statSync('/proc/self/exe'), statSync(path)];
    if (own.dev === other.dev && own.ino === other.ino) return process.execPath;
  } catch {
    // It has ended, or may not be looked at.
  }
  return link(path);
}

/** `node → busybox`. Before its execve(2) the process is a copy of this one, also where the kernel lets nobody look. */
export function became(before: Evidence, after: Evidence): string {
  const [old, now] = [before.program, after.program].map(String) as [string, string];
  const otherwise = now === 'ended' ? 'a program that has ended' : 'a program that may not be seen';
  return `${basename(old.startsWith('/') ? old : process.execPath)} → ${now.startsWith('/') ? basename(now) : otherwise}`;
}

/** `PID 5, root, all 41 capabilities`. */
function readySummary(_: Evidence, after: Evidence, { maps }: LaunchSpec): string {
  const { pid, uid, capabilities } = after.process as ReturnType<typeof identity>;
  if (uid === undefined) return `PID ${pid}`;
  const { length } = capabilitiesIn(String(capabilities));
  const power =
    length === 0
      ? 'no capability'
      : `${length} capabilit${length === 1 ? 'y' : 'ies'}${maps ? ' inside' : ''}`;
  const who = uid === '0' ? 'root' : `user ${uid}`;
  return [`PID ${pid}`, who, power, ...shownLimits(after)].join(', ');
}

/** `nofile 1024`, or `nofile 1024:4096` where the two differ. */
const shownLimits = ({ limits }: Evidence): string[] =>
  Object.entries((limits as Record<string, string> | undefined) ?? {}).map(([name, words]) => {
    const [soft, hard] = words.split(':');
    return `${name} ${soft === hard ? soft : words}`;
  });

/** A command that ended at once has no program any more; that of another user may not be seen. */
function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'ended' : errnoWords(error);
  }
}
