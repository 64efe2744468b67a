/** The call chains by which commands are started in a container that runs (forker.ts). */
import { constants as system } from 'node:os';
import { type Chain, type ChainCall, type Memory, memory, NULL } from '../../common/kernel/calls.js';
import { signalConstant } from '../../common/kernel/constants.js';
import { realtime } from '../../common/kernel/processes.js';
import type { ProgramWords } from '../../common/kernel/program-words.js';
import { namespacesFor } from '../../common/namespaces.js';
import { type LaunchSpec, monotonicShift } from '../../common/spec.js';
import { boundingSetCalls } from '../../common/steps/capabilities.js';
import { deathSignal, forgetStrings, noNewPrivileges, notDumpable } from '../../common/steps/chain-calls.js';
import { commandCalls, signalAction } from '../../common/steps/command.js';
import { serveStep } from '../../common/steps/serve.js';
import { installFilter } from '../../common/steps/watch.js';

/** The descriptors that F works with: it has all of the launcher's. */
export interface ForkerDescriptors {
  readonly pidfd: number;
  readonly root: number;
  readonly workingDirectory: number;
  /** A byte from here makes it start a command, and it answers there. */
  readonly go: number;
  readonly report: number;
}

/** F, and its call that clones a command's process. */
export interface ForkerChain {
  readonly chain: Chain;
  readonly fork: ChainCall<'clone'>;
}

/** Those that a process can handle: not SIGKILL, SIGSTOP and the two that the C library keeps for itself (nptl(7)). */
const handled = Array.from({ length: realtime.last }, (_, index) => index + 1).filter(
  (number) =>
    ![system.signals.SIGKILL, system.signals.SIGSTOP].includes(number) &&
    (number < 32 || number >= realtime.first),
);

const word = (name: string): Memory => memory(Buffer.alloc(8), name);

/**
 * F joins the container's namespaces, and then starts a command for each byte that it reads. What all commands have in
 * common it is given once, as they inherit it.
 */
export function forkerChain(spec: LaunchSpec, at: ForkerDescriptors): ForkerChain {
  const step = serveStep.id;
  const none = signalAction('SIG_DFL');
  const fork: ChainCall<'clone'> = {
    step,
    call: 'clone',
    args: {
      fn: { place: 'setcontext' },
      stack: NULL,
      // Of all its memory only that of a command's chain is written to, and F waits meanwhile: nothing is copied.
      flags: ['CLONE_PARENT', 'CLONE_VM', 'CLONE_VFORK', 'CLONE_PARENT_SETTID', 'SIGCHLD'],
      arg: { place: 'setcontext' },
      parent_tid: NULL,
    },
  };
  const joins: ChainCall[] = [
    deathSignal(step),
    // It has the launcher's memory and descriptors: nobody may look into it, and its strings, which everybody may read, go.
    notDumpable(step),
    ...forgetStrings(step),
    {
      step,
      call: 'setns',
      args: { fd: at.pidfd, nstype: namespacesFor(spec.unshared).map(({ clone }) => clone) },
      shiftsClock: monotonicShift(spec),
    },
    // A change of credentials may change both.
    deathSignal(step),
    notDumpable(step),
    // The root that the child has is not that of its mount namespace after chroot(2) alone.
    { step, call: 'fchdir', args: { fd: at.root } },
    { step, call: 'chroot', args: { path: '.' } },
    { step, call: 'fchdir', args: { fd: at.workingDirectory } },
    ...(spec.root === undefined ? [] : [leaveKeyring(step)]),
    ...boundingSetCalls(step, spec),
    // A handler of the launcher's must not run in a command's process, which has none of what it needs.
    ...handled.map(
      (number): ChainCall => ({
        step,
        call: 'sigaction',
        args: { signum: signalConstant(number), act: none, oldact: NULL },
      }),
    ),
    // What it starts inherits the filter. Its listener is a descriptor of the launcher's, as all of F's are.
    ...(spec.watch === undefined ? [] : [noNewPrivileges(step), installFilter(step, spec.watch)]),
    { step, call: 'write', args: { fd: at.report, buf: word('joined'), count: 1 } },
  ];
  const loop: ChainCall[] = [
    { step, call: 'read', args: { fd: at.go, buf: word('the word to go on'), count: 1 } },
    fork,
    { step, call: 'write', args: { fd: at.report, buf: word('done'), count: 1 } },
  ];
  return {
    chain: { actor: 'F', calls: [...joins, ...loop], again: joins.length, sharesDescriptors: true },
    fork,
  };
}

/** As leaveSessionKeyring: where there are no keyrings, none is inherited. */
const leaveKeyring = (step: string): ChainCall => ({
  step,
  call: 'keyctl',
  args: { operation: 'KEYCTL_JOIN_SESSION_KEYRING', arg2: 0, arg3: 0, arg4: 0, arg5: 0 },
  mayFail: true,
});

/** What a process that is held writes to F's report; F itself writes a zero. */
export const heldByte = Buffer.from('h');

/** What commands differ in that is not an argument of a call. */
export interface Shape {
  /** Whether the process becomes a user that F is not. */
  readonly becomesUser: boolean;
  readonly isRoot: boolean;
  /** Whether it gets supplementary groups. */
  readonly setsGroups: boolean;
  /** Whether its standard streams are a terminal of its own. */
  readonly terminal: boolean;
  /** Whether it waits, before anything else, until the launcher has limited it. */
  readonly isHeld: boolean;
}

/** NGROUPS_MAX is 65,536; nobody has that many here. */
export const mostGroups = 1024;

/** A command's process from clone(2) to its execve(2), and the calls that differ from command to command. */
export interface CommandChain {
  readonly chain: Chain;
  readonly streams: readonly ChainCall[];
  readonly groups: ChainCall<'setgroups'> | undefined;
  readonly group: ChainCall | undefined;
  readonly user: ChainCall | undefined;
  /** Who its terminal belongs to. */
  readonly owner: ChainCall | undefined;
  /** Where it waits until it is limited. */
  readonly gate: ChainCall | undefined;
  /** The tries to execute it. */
  readonly tries: readonly ChainCall[];
}

export function commandChainOf(
  spec: LaunchSpec,
  shape: Shape,
  words: ProgramWords,
  report: number,
): CommandChain {
  const step = 'exec';
  const streams = [0, 1, 2].map((newfd): ChainCall => ({ step, call: 'dup2', args: { oldfd: 0, newfd } }));
  const directory: ChainCall = { step, call: 'chdir', args: { path: words.directory } };
  const tries = words.paths.map(
    (pathname): ChainCall => ({
      step,
      call: 'execve',
      args: { pathname, argv: words.argv, envp: words.envp },
      blocked: spec.inherited.blockedSignals,
    }),
  );
  // The numbers are set for each command; whether it is root decides what it may do.
  const user = {
    uid: shape.isRoot ? 0 : 1,
    gid: 0,
    ...(shape.setsGroups ? { groups: Array<number>(mostGroups).fill(0) } : {}),
  };
  const own = commandCalls(
    {
      ...(shape.isHeld ? unlimited(spec) : spec),
      user,
      becomesUser: shape.becomesUser,
      terminal: 'none',
    },
    step,
    NULL,
    '',
  );
  // So that the command can open it again by its name.
  const owner: ChainCall | undefined =
    shape.terminal && shape.becomesUser
      ? { step, call: 'fchown', args: { fd: 0, owner: 0, group: -1 }, mayFail: true }
      : undefined;
  const find = (name: ChainCall['call']) => own.find(({ call }) => call === name);
  const gate: ChainCall = { step, call: 'read', args: { fd: 0, buf: word('the word to go on'), count: 1 } };
  const held: ChainCall[] = [
    { step, call: 'write', args: { fd: report, buf: memory(heldByte, 'held'), count: 1 } },
    gate,
  ];
  const calls: ChainCall[] = [
    ...(shape.isHeld ? held : []),
    ...streams,
    { step, call: 'close_range', args: { first: 3, last: 'UINT_MAX', flags: 0 } },
    { step, call: 'setsid', args: {} },
    ...(shape.terminal
      ? [{ step, call: 'ioctl', args: { fd: 0, request: 'TIOCSCTTY', argp: NULL } } as const]
      : []),
    ...(owner === undefined ? [] : [owner]),
    ...own,
    directory,
    ...tries,
    { step, call: '_exit', args: { status: 127 } },
  ];
  return {
    chain: { actor: 'command', calls, spoils: words.spoiled },
    streams,
    groups: find('setgroups') as ChainCall<'setgroups'> | undefined,
    group: find('setresgid'),
    user: find('setresuid'),
    owner,
    gate: shape.isHeld ? gate : undefined,
    tries,
  };
}

/** Without what the launcher sets while the process is held. */
const unlimited = ({ ulimits, inherited: { openFiles, ...inherited }, ...spec }: LaunchSpec): LaunchSpec => ({
  ...spec,
  inherited,
});
