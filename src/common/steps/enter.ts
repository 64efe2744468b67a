/** The steps of `gontainer enter`: from a process to a command in its namespaces. All are done by the parent. */
import { readFileSync } from 'node:fs';
import { namespaceId, namespaceIds, procLines } from '../evidence.js';
import { mountTable } from '../mount-table.js';
import { type NamespaceFlag, namespacesFor } from '../namespaces.js';
import { innermostPid } from '../process-files.js';
import { shellWord } from '../shell-word.js';
import type { Evidence, Step, StepContext } from '../step.js';
import { commandSetsShortfall } from './capabilities.js';
import { became, type CommandSpec, commandStep, execStep, programOf } from './command.js';
import { keyringRefusals, leaveSessionKeyring } from './session-keyring.js';

/** What entering is: everything that is known before it begins. */
export interface EnterSpec extends CommandSpec {
  /** The container's name, or the process ID as it was given. */
  readonly name: string;
  /** The process whose namespaces are joined. */
  readonly target: number;
  readonly joined: readonly NamespaceFlag[];
  readonly environment: Readonly<Record<string, string>>;
  /** The command's program, as a path inside. */
  readonly path: string;
  /** Nanoseconds by which the container's CLOCK_MONOTONIC is ahead of the launcher's. */
  readonly clockShift: bigint;
}

/** The two processes that entering takes, P and then G, as a launch does (docs/call-chain.md). */
export interface Joining {
  /** The pidfd of the target, -1 before it is open. */
  readonly pidfd: number;
  /** The process IDs, 0 before they run. */
  readonly first: number;
  readonly second: number;
  /** Opens the target's pidfd, and its root and working directory. */
  hold(): void;
  /** Starts P and waits until it has joined. */
  join(): void;
  /** Has P make G and waits until G stands before its execve(2). */
  make(): void;
  /** Lets G execute the command. */
  execute(): void;
}

export interface EnterContext extends StepContext<EnterSpec> {
  readonly joining: Joining;
}

const holdStep: Step<EnterContext> = {
  id: 'hold',
  stage: 'parent',
  title: ({ target }) => `hold on to process ${target}`,
  why:
    'The ID of a process that has ended may be given to another. A pidfd stands for this process alone, and for all of ' +
    'its namespaces at once.',
  man: 'pidfd_open(2), proc_pid_root(5)',
  shell: ({ target }) => `ls -l /proc/${target}/ns`,
  applies: () => true,
  run: ({ joining }) => joining.hold(),
  evidence: ({ joining: { pidfd } }) => ({ held: pidfd < 0 ? 'nothing' : `process ${processOf(pidfd)}` }),
  summary: (_, after) => `held: ${after.held}`,
  shortfall: (_, after, { target }) =>
    after.held === `process ${target}` ? undefined : `what is held is ${after.held}`,
};

const joinStep: Step<EnterContext> = {
  id: 'join',
  stage: 'parent',
  title: ({ name }) => `join the namespaces of ${name}`,
  why:
    'A process with several threads may not join a user namespace, and Node has several, so a copy of this process with ' +
    'one thread, P, joins all the kinds in one call. A mount namespace comes with its root; where the process has a root ' +
    'of its own, P takes that one.',
  man: 'setns(2)',
  shell: ({ target, joined, command }) =>
    `nsenter --target ${target} ${[
      ...namespacesFor(joined).map(({ name }) => `--${name.toLowerCase().replace('network', 'net')}`),
      ...(joined.includes('mnt') ? ['--root', '--wd'] : []),
    ].join(' ')} -- ${command.map(shellWord).join(' ')}`,
  applies: () => true,
  run: ({ spec, kernel, joining }) => {
    // Whoever looks into a process may use its keys.
    if (spec.joined.includes('mnt')) leaveSessionKeyring(kernel);
    joining.join();
  },
  refusals: () => keyringRefusals,
  evidence: ({ joining: { first }, spec }) => ({
    joined: first === 0 ? [] : namespacesFor(spec.joined).map(({ entry }) => entry),
    ...seenOf(first || 'self'),
  }),
  summary: (_, { joined }) => `joined: ${(joined as string[]).join(' ')}`,
  shortfall: (_, after, spec) => notJoined(after, spec),
};

const makeStep: Step<EnterContext> = {
  id: commandStep.id,
  stage: 'parent',
  title: () => 'make the command’s process',
  why:
    'setns(2) moves only the children of a process into a PID namespace. So P makes one more process, G, and ends; ' +
    'CLONE_PARENT makes it a child of this process, which can wait for it.',
  man: 'clone(2), credentials(7)',
  shell: (spec) => `( ${executeStep.shell(spec)} )`,
  applies: () => true,
  run: ({ joining }) => joining.make(),
  evidence: ({ joining: { second } }) =>
    second === 0
      ? { process: 'none', ...seenOf('self') }
      : { process: { outside: second, inside: innermostPid(second) }, ...seenOf(second) },
  summary: (_, { process }) => {
    const { outside, inside } = process as { outside: number; inside: number };
    return inside === outside ? `process ${outside}` : `host process ${outside} is PID ${inside} inside`;
  },
  shortfall: (_, after, spec) =>
    notJoined(after, spec) ?? commandSetsShortfall((after.process as { outside: number }).outside, spec),
};

const executeStep: Step<EnterContext> = {
  id: execStep.id,
  stage: 'parent',
  title: ({ command }) => `execute ${command[0]}`,
  why: execStep.why,
  man: execStep.man,
  shell: ({ command }) => `exec ${command.map(shellWord).join(' ')}`,
  applies: () => true,
  run: ({ joining }) => joining.execute(),
  // From here on its links may be read again. Those of a command that has ended already lead nowhere.
  evidence: ({ joining: { second } }) => ({ ...programOf(second), namespaces: namespaceIds(second) }),
  summary: became,
  shortfall: (_, after, { joined, target }) => {
    const now = after.namespaces as Record<string, string>;
    const missing = namespacesFor(joined).find(
      ({ entry }) => now[entry] !== 'absent' && now[entry] !== namespaceId(target, entry),
    );
    return missing && `the process is in ${now[missing.entry]}`;
  },
};

export const enterSteps: readonly Step<EnterContext>[] = [holdStep, joinStep, makeStep, executeStep];

/** The process of a pidfd: its line `Pid` in /proc/self/fdinfo (pidfd_open(2)), -1 once it has ended. */
const processOf = (pidfd: number): number =>
  Number(/^Pid:\s*(-?\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${pidfd}`, 'utf8'))?.[1]);

/**
 * What the kernel shows of P and G although they are not dumpable (PR_SET_DUMPABLE(2const)): nobody may read the links to
 * their namespaces, but their ID maps and mounts are for everybody. A mount ID belongs to one mount namespace.
 */
const seenOf = (process: number | 'self') => ({
  uid_map: procLines(`/proc/${process}/uid_map`),
  'first mount ID': mountTable(process).all[0]?.id ?? 'none',
});

function notJoined(after: Evidence, { joined, target }: EnterSpec): string | undefined {
  if (joined.includes('uid') && String(after.uid_map) !== String(procLines(`/proc/${target}/uid_map`)))
    return 'its user IDs are mapped otherwise';
  if (joined.includes('mnt') && !mountTable(target).all.some(({ id }) => id === after['first mount ID']))
    return 'it sees other mounts';
  return undefined;
}
