/** Looking at a half-built container from the host: what /proc says of its processes, at this moment. */
import { readlinkSync } from 'node:fs';
import { namespaceIds, procLines, procText } from '../../common/evidence.js';
import { type Mount, mountLine, mountTable } from '../../common/mount-table.js';
import { namespaces } from '../../common/namespaces.js';
import { childrenOf, hasEnded, innermostPid, processStatOrNone } from '../../common/process-files.js';
import { type LaunchSpec, unshares } from '../../common/spec.js';
import type { Paint } from '../text/paint.js';

/** A process of the launch, by the name that the log gives it. */
export interface Inspected {
  readonly name: string;
  readonly pid: number;
}

/** P and G as far as they are there, and the processes that G has made. */
export function processesOf(first: number, second: number): Inspected[] {
  const candidates = [
    { name: 'P', pid: first },
    { name: second === 0 ? 'G' : 'child', pid: second },
    ...childrenOf(second).map((pid) => ({ name: 'command', pid })),
  ];
  return candidates.filter(({ pid }) => pid !== 0 && exists(pid));
}

/** Lines about each of them; what differs from this process is green. */
export function inspection(processes: readonly Inspected[], paint: Paint): string[] {
  if (processes.length === 0) return ['There is no process yet but the launcher itself.'];
  const own = namespaceIds('self');
  return processes.flatMap(({ name, pid }) => {
    const ids = namespaceIds(pid);
    return [
      `${paint('bold', name)} is process ${pid} on the host, and ${inside(pid)} in its own PID namespace; it runs ${program(pid)}`,
      ...namespaces.map(({ entry, name: kind }) =>
        ids[entry] === own[entry]
          ? `  ${kind.padEnd(8)}${ids[entry]} ${paint('dim', 'the host’s')}`
          : `  ${kind.padEnd(8)}${paint('green', `${ids[entry]} its own`)}`,
      ),
      `  uid_map ${maps(pid, 'uid_map')}; gid_map ${maps(pid, 'gid_map')}; setgroups ${read(() => procText(`/proc/${pid}/setgroups`))}`,
      `  root directory ${link(pid, 'root')}, working directory ${link(pid, 'cwd')}`,
      ...mounts(pid, paint).map((line) => `  ${line}`),
    ];
  });
}

/**
 * Commands for a second terminal: one to go in, and some to look in from the host.
 * @param target the process to look at
 */
function entryCommands(spec: LaunchSpec, { pid }: Inspected): string[] {
  const [own, ids] = [namespaceIds('self'), namespaceIds(pid)];
  const entered = namespaces.filter(({ entry }) => ids[entry] !== own[entry]);
  const options = entered.map(({ entry }) => `--${entry === 'mnt' ? 'mount' : entry}`);
  // Where setgroups(2) is denied nsenter(1) cannot drop groups, and need not: the map makes the user root in the container.
  if (unshares(spec, 'uid') && spec.maps?.denySetgroups) options.push('--preserve-credentials');
  if (spec.root?.method === 'chroot') options.push('--root');
  return [
    ...(entered.length === 0 ? [] : [`nsenter --target ${pid} ${options.join(' ')} /bin/sh`]),
    `readlink /proc/${pid}/ns/*`,
    `cat /proc/${pid}/uid_map /proc/${pid}/gid_map`,
    `cat /proc/${pid}/mountinfo`,
    `ls -l /proc/${pid}/root/`,
  ];
}

/** Those commands with what to do about them, for what the launch has made last. */
export function entryLines(spec: LaunchSpec, first: number, second: number): string[] {
  const target = processesOf(first, second).find(({ pid }) => pid === (second || first));
  return target === undefined
    ? ['There is nothing to enter yet: the first step makes the process that leaves.']
    : ['In a second terminal, as the same user:', ...entryCommands(spec, target).map((line) => `$ ${line}`)];
}

/** A process that ended and was not waited for has no root directory any more. */
function exists(pid: number): boolean {
  const stat = processStatOrNone(pid);
  return stat !== undefined && !hasEnded(stat);
}

/** The mounts that only one of the two sees. */
function mounts(pid: number, paint: Paint): string[] {
  try {
    const [outside, inside] = [mountTable(), mountTable(pid)].map(({ all }) => all.map(placed));
    const added = inside?.filter((line) => !outside?.includes(line)) ?? [];
    const gone = outside?.filter((line) => !inside?.includes(line)).length ?? 0;
    const difference = gone === 0 ? '' : `, without ${gone} of the launcher's`;
    return [
      `mounts  ${inside?.length}${difference}`,
      ...added.map((line) => `        ${paint('green', `+ ${line}`)}`),
    ];
  } catch {
    return ['mounts  not to be seen'];
  }
}

/** A mount in one line, with the folder of its file system when that is not the whole of it. */
const placed = (mount: Mount): string =>
  mount.root === '/' ? mountLine(mount) : `${mountLine(mount)}, its folder ${mount.root}`;

/** The name of what it runs: proc_pid_comm(5). */
const program = (pid: number): string => read(() => procText(`/proc/${pid}/comm`));
const inside = (pid: number): string => read(() => String(innermostPid(pid)));
const link = (pid: number, name: string): string => read(() => readlinkSync(`/proc/${pid}/${name}`));
const maps = (pid: number, name: string): string =>
  read(() => procLines(`/proc/${pid}/${name}`).join(', ')) || 'empty';

/** What cannot be read, because the process is just ending, is not known. */
function read(what: () => string): string {
  try {
    return what();
  } catch {
    return 'unknown';
  }
}
