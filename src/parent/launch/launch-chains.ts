/** The call chains of the two processes between the parent and the child (process-hand-over.ts). */
import { channelDescriptor } from '../../common/channel.js';
import { keepsChild } from '../../common/compiled-code.js';
import { defined } from '../../common/defined.js';
import { type Chain, type ChainCall, memory } from '../../common/kernel/calls.js';
import { namespacesFor } from '../../common/namespaces.js';
import { callersOptions, childOptions } from '../../common/node-options.js';
import { type LaunchSpec, monotonicShift, newSession, unshares } from '../../common/spec.js';
import { childCapabilityCalls } from '../../common/steps/capabilities.js';
import { cloneSibling, deathSignal, hidden } from '../../common/steps/chain-calls.js';
import { childStep, unshareStep } from '../../common/steps/hand-over.js';
import { mountNode } from '../../common/steps/node-mount.js';

/** The parent's end of the channel to the child, and the child's end, which is closed here once it runs. */
export interface ChannelEnds {
  readonly parent: number;
  readonly child: number;
}

/** The files by which a process enters the command's control group and that of the child, open for writing. */
export interface GroupDescriptors {
  readonly limited: number;
  readonly init: number;
}

/** 0 stands for the process that writes it: cgroups(7). */
const enterGroup = (step: string, fd: number): ChainCall => ({
  step,
  call: 'write',
  args: { fd, buf: memory(Buffer.from('0'), '0'), count: 1 },
});

/**
 * G: from clone(2) to the second stage of this script. The environment is empty but for what node itself needs: what
 * the command gets travels over the channel, so that nothing of it can be read in /proc/1/environ.
 */
export function secondProcess(spec: LaunchSpec, ends: ChannelEnds, nothing: number, script: string): Chain {
  const step = childStep.id;
  // Lower descriptors are taken, and all above are closed by then.
  const mounted = channelDescriptor + 1;
  const pathname = spec.readOnlyExecutable === undefined ? '/proc/self/exe' : `/proc/self/fd/${mounted}`;
  const options = [...childOptions(keepsChild(import.meta.dirname)), ...callersOptions()];
  const library = process.env.LD_LIBRARY_PATH;
  return {
    actor: 'G',
    clockShift: monotonicShift(spec),
    calls: [
      // A parent that died before this sends no signal; then the child finds the end of the channel, and ends.
      deathSignal(step),
      // Not only the command leaves the session: through its init it could still reach the terminal of that.
      ...(newSession(spec)
        ? [{ step, call: 'setsid', args: {}, ...(unshares(spec, 'pid') && { returns: 1 }) } as const]
        : []),
      ...childCapabilityCalls(step, spec),
      ...childDescriptors(spec, ends, nothing),
      ...mountNode(spec, mounted),
      {
        step,
        call: 'execve',
        args: {
          pathname,
          argv: [process.argv0, ...options, script, 'child'],
          envp: defined({ LD_LIBRARY_PATH: library }),
        },
      },
      { step, call: '_exit', args: { status: 127 } },
    ],
  };
}

/** The standard streams, the channel, and nothing else. */
function childDescriptors(spec: LaunchSpec, ends: ChannelEnds, nothing: number): ChainCall[] {
  const step = childStep.id;
  const first = channelDescriptor + 1;
  return [
    // Where the command gets a terminal of its own, nobody inside holds that of the host. Else the child inherits the
    // standard streams; Node marks them close-on-exec.
    ...[0, 1, 2].map(
      (fd): ChainCall =>
        spec.terminal === 'own'
          ? { step, call: 'dup2', args: { oldfd: nothing, newfd: fd } }
          : { step, call: 'fcntl', args: { fd, cmd: 'F_SETFD', arg: 0 } },
    ),
    { step, call: 'dup2', args: { oldfd: ends.child, newfd: channelDescriptor } },
    { step, call: 'close_range', args: { first, last: 'UINT_MAX', flags: 0 } },
  ];
}

/** P: from clone(2) to its end. */
export function firstProcess(
  spec: LaunchSpec,
  [unshared, cloned]: readonly [unshared: number, cloned: number],
  go: [read: number, write: number],
  second: Chain,
  groups: readonly GroupDescriptors[],
): Chain {
  const step = unshareStep.id;
  return {
    actor: 'P',
    calls: [
      deathSignal(step),
      // P, and G after it, are copies of this process.
      ...hidden(step),
      // Without it P would keep its own pipe open, and wait for ever if the parent is gone.
      { step, call: 'close', args: { fd: go[1] } },
      // What it is in now is the root of its new cgroup namespace.
      ...groups.map(({ limited }) => enterGroup(step, limited)),
      { step, call: 'unshare', args: { flags: namespacesFor(spec.unshared).map(({ clone }) => clone) } },
      // G, and the Node that it becomes, are no part of what the command may use.
      ...groups.map(({ init }) => enterGroup(step, init)),
      { step, call: 'write', args: { fd: unshared, buf: { place: 'errno of unshare' }, count: 4 } },
      // The parent, which waits for the report, sees the end of the pipe even if the write failed.
      { step, call: 'close', args: { fd: unshared } },
      {
        step,
        call: 'read',
        args: { fd: go[0], buf: memory(Buffer.alloc(8), 'the word to go on'), count: 1 },
      },
      // A process in another time namespace may share no memory: clone(2) fails with EINVAL, as older kernels have it.
      cloneSibling(childStep.id, second, !unshares(spec, 'time')),
      { step: childStep.id, call: 'write', args: { fd: cloned, buf: { place: 'errno of clone' }, count: 4 } },
      { step: childStep.id, call: '_exit', args: { status: 0 } },
    ],
  };
}
