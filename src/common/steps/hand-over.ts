/** The parent's steps: a process in new namespaces, its ID maps and clocks, and in it this same script as the child. */
import { namespaceId, namespaceIds, procLines, procText } from '../evidence.js';
import { namespacesFor } from '../namespaces.js';
import { innermostPid } from '../process-files.js';
import type { LaunchSpec, MapLine } from '../spec.js';
import type { Evidence, Step, StepContext } from '../step.js';

/**
 * The two processes that a launch starts, P and then G (docs/call-chain.md). P unshares and waits; G, cloned by P into
 * the new namespaces, becomes the child.
 */
export interface HandOver {
  /** The process ID of P, 0 before it runs. */
  readonly first: number;
  /** The process ID of G, 0 before it runs. */
  readonly second: number;
  /** Starts P and waits until it has unshared. */
  unshare(): void;
  /** Has newuidmap(1) or newgidmap(1) write a map of P. */
  mapThrough(program: 'newuidmap' | 'newgidmap', lines: readonly MapLine[]): void;
  /** Lets P clone G and waits until G runs. */
  spawn(): void;
}

export interface ParentContext extends StepContext {
  readonly handOver: HandOver;
}

/** `0 1000 1`, as the kernel reads and reports a line of a map. */
export const mapLine = ({ inside, outside, count }: MapLine): string => `${inside} ${outside} ${count}`;

const clockLines = ({ monotonic, boottime }: { monotonic: number; boottime: number }): string[] => [
  `monotonic ${monotonic} 0`,
  `boottime ${boottime} 0`,
];

/** The options by which unshare(1) shifts the clocks. */
const clockOptions = ({ clockOffsets }: LaunchSpec): string[] =>
  Object.entries(clockOffsets ?? {}).map(([clock, seconds]) => `--${clock}=${seconds}`);

export const unshareStep: Step<ParentContext> = {
  id: 'unshare',
  stage: 'parent',
  title: ({ unshared }) =>
    unshared.length === 1
      ? `leave the ${namespacesFor(unshared)[0]?.name} namespace`
      : `leave ${numbers[unshared.length]} namespaces`,
  why:
    'A process gets new namespaces by leaving those it shares with others. A process with several threads may not ' +
    'unshare a user namespace, and Node has several. So a copy of this process with one thread, P, does it.',
  man: 'unshare(2)',
  shell: (spec) =>
    [
      'unshare',
      ...namespacesFor(spec.unshared).map(({ entry }) => `--${entry === 'mnt' ? 'mount' : entry}`),
      ...clockOptions(spec),
      // unshare(1) executes a program in the user namespace, which there is nobody yet, and so loses the capabilities.
      ...(spec.keepsCapabilities ? ['--keep-caps'] : []),
    ].join(' '),
  applies: () => true,
  run: ({ handOver }) => handOver.unshare(),
  evidence: ({ handOver }) => ({
    namespaces: handOver.first === 0 ? namespaceIds('self') : namespacesForChildren(handOver.first),
  }),
  summary: (before, after) => {
    const [old, fresh] = [before.namespaces, after.namespaces] as Record<string, string>[];
    return `new: ${Object.keys(fresh ?? {})
      .filter((entry) => fresh?.[entry] !== old?.[entry])
      .join(' ')}`;
  },
  // A PID namespace is made when its first process is, so it cannot be seen yet (pid_namespaces(7)).
  shortfall: (before, after, { unshared }) =>
    stillShared(
      before,
      after,
      namespacesFor(unshared)
        .map(({ entry }) => entry)
        .filter((entry) => entry !== 'pid'),
    ),
};

export const idMapsStep: Step<ParentContext> = {
  id: 'id-maps',
  stage: 'parent',
  title: () => 'map user and group IDs',
  why:
    'A new user namespace starts with no IDs. The maps say which IDs of the host stand behind those of the container: ' +
    'whoever is mapped to 0 is root in the container, and on the host still the same user. An unprivileged process may ' +
    'map only itself, and must first give up setgroups(2), with which it could leave a group that denies it something.',
  man: 'user_namespaces(7)',
  shell: ({ maps }) => {
    if (maps === undefined) return '';
    const [uid, gid] = [maps.uid, maps.gid].map((lines) => lines.map(mapLine));
    if (maps.writer === 'newuidmap')
      return `newuidmap $P ${uid?.join(' ')} && newgidmap $P ${gid?.join(' ')}`;
    return [
      ...(maps.denySetgroups ? ['echo deny > /proc/$P/setgroups'] : []),
      `printf '${uid?.join('\\n')}\\n' > /proc/$P/uid_map`,
      `printf '${gid?.join('\\n')}\\n' > /proc/$P/gid_map`,
    ].join(' && ');
  },
  applies: ({ maps }) => maps !== undefined,
  run: ({ spec: { maps }, kernel, handOver }) => {
    if (maps === undefined) return;
    if (maps.denySetgroups) kernel.writeFile(`/proc/${handOver.first}/setgroups`, 'deny');
    if (maps.writer === 'newuidmap') {
      handOver.mapThrough('newuidmap', maps.uid);
      handOver.mapThrough('newgidmap', maps.gid);
    } else {
      kernel.writeFile(`/proc/${handOver.first}/uid_map`, `${maps.uid.map(mapLine).join('\n')}\n`);
      kernel.writeFile(`/proc/${handOver.first}/gid_map`, `${maps.gid.map(mapLine).join('\n')}\n`);
    }
  },
  evidence: ({ handOver: { first } }) => ({
    uid_map: procLines(`/proc/${first}/uid_map`),
    gid_map: procLines(`/proc/${first}/gid_map`),
    setgroups: procText(`/proc/${first}/setgroups`),
  }),
  summary: (_, after) => mappedUsers(after.uid_map as string[]),
  shortfall: (_, after, { maps }) => {
    if (maps?.denySetgroups && after.setgroups !== 'deny') return 'setgroups(2) is not denied';
    const other = (['uid', 'gid'] as const).find(
      (kind) => maps?.[kind].map(mapLine).join() !== (after[`${kind}_map`] as string[]).join(),
    );
    return other && `${other}_map is not what was written`;
  },
};

export const clockOffsetsStep: Step<ParentContext> = {
  id: 'clock-offsets',
  stage: 'parent',
  title: () => 'shift the clocks',
  why:
    'A time namespace adds an offset to the monotonic and the boot-time clock. The offsets can be set only while the ' +
    'namespace has no process: now, before the child is made.',
  man: 'time_namespaces(7)',
  // execve(2) brings a process into its time namespace, so unshare(1) has to write them before it runs a shell.
  shell: (spec) => ['unshare', '--time', ...clockOptions(spec)].join(' '),
  applies: ({ clockOffsets }) => clockOffsets !== undefined,
  run: ({ spec: { clockOffsets }, kernel, handOver }) => {
    if (clockOffsets === undefined) return;
    kernel.writeFile(`/proc/${handOver.first}/timens_offsets`, `${clockLines(clockOffsets).join('\n')}\n`);
  },
  evidence: ({ handOver }) => ({ timens_offsets: procLines(`/proc/${handOver.first}/timens_offsets`) }),
  summary: (_, after) =>
    (after.timens_offsets as string[])
      .map((line) => line.split(' '))
      .map(([clock, seconds]) => `${clock} ${Number(seconds) < 0 ? '' : '+'}${seconds} s`)
      .join(', '),
  shortfall: (_, after, { clockOffsets }) =>
    clockOffsets &&
    clockLines(clockOffsets).find((line) => !(after.timens_offsets as string[]).includes(line)) !== undefined
      ? 'the offsets are not those that were written'
      : undefined,
};

export const childStep: Step<ParentContext> = {
  id: 'child',
  stage: 'parent',
  title: () => 'start the child',
  why:
    'unshare(2) moves only the children of a process into a new PID or time namespace, so P makes one more process, G, ' +
    'and ends. G becomes this same script in its second stage, the child: /proc/self/exe main.cjs child. In the shell ' +
    'line, "$0" stands for the file of the script itself.',
  man: 'clone(2), execve(2)',
  shell: ({ becomesUser, user, maps }) => {
    const groups = maps?.denySetgroups ? '--keep-groups' : '--clear-groups';
    const become = becomesUser ? `setpriv --reuid=${user.uid} --regid=${user.gid} ${groups} ` : '';
    return `${become}sh "$0" child`;
  },
  applies: () => true,
  run: ({ handOver }) => handOver.spawn(),
  evidence: ({ handOver: { second } }) =>
    second === 0
      ? { namespaces: namespaceIds('self') }
      : { namespaces: namespaceIds(second), process: { outside: second, inside: innermostPid(second) } },
  summary: (_, { process }) => {
    const { outside, inside } = process as { outside: number; inside: number };
    return inside === outside ? `process ${outside}` : `host process ${outside} is PID ${inside} inside`;
  },
  shortfall: (before, after, { unshared }) =>
    stillShared(
      before,
      after,
      namespacesFor(unshared).map(({ entry }) => entry),
    ) ??
    (unshared.includes('pid') && (after.process as { inside: number }).inside !== 1
      ? 'the child is not PID 1'
      : undefined),
};

/** The namespaces that the next child of a process will be in. */
function namespacesForChildren(process: number): Record<string, string> {
  const own = namespaceIds(process);
  return {
    ...own,
    pid: childEntry(process, 'pid') ?? 'made with its first process',
    time: childEntry(process, 'time') ?? 'absent',
  };
}

function childEntry(process: number, entry: string): string | undefined {
  const id = namespaceId(process, `${entry}_for_children`);
  return id === 'absent' ? undefined : id;
}

function stillShared(before: Evidence, after: Evidence, entries: readonly string[]): string | undefined {
  const [old, fresh] = [before.namespaces, after.namespaces] as Record<string, string>[];
  const same = entries.find((entry) => old?.[entry] === fresh?.[entry]);
  return same && `the process is still in ${old?.[same]}`;
}

/** How many namespaces there can be, in words. */
const numbers = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];

/** What a user ID stands for: `root inside is you (1000) outside`, and how many more there are. */
function mappedUsers([first = '', ...others]: readonly string[]): string {
  const [inside, outside, count] = first.split(' ').map(Number);
  const who = inside === 0 ? 'root' : `user ${inside}`;
  const you = outside !== 0 && outside === process.getuid?.();
  const host = outside === 0 ? 'root' : you ? `you (${outside})` : `user ${outside}`;
  const more = others
    .map((line) => Number(line.split(' ')[2]))
    .reduce((sum, one) => sum + one, (count ?? 1) - 1);
  return `${who} inside is ${host} outside${more > 0 ? `, and ${more} more` : ''}`;
}
