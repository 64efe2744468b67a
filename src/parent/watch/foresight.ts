/**
 * Which watched calls will be refused. A call that goes on is never heard of again, so this is foreseen from what the
 * kernel would look at: the mount, the owner of the file and the map, the routes, the capabilities.
 */
import { readFileSync } from 'node:fs';
import type { capabilities } from '../../common/kernel/capability-numbers.js';
import { insideId, isHostTree, type LaunchSpec, outsideId } from '../../common/spec.js';
import type { Answering, WatchedName } from '../../common/watch/watched-calls.js';
import { type Answers, type Asked, may } from './answers.js';
import { changingCalls } from './changed-paths.js';
import { writesFile } from './flag-names.js';
import { hasRoute } from './network-view.js';
import type { FoundFile, ProcessView } from './process-view.js';
import type { WatchedProcess, WatchedProcesses } from './watched-processes.js';
import type { Refusal } from './watched-record.js';

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** What a call needs: a capability in the user namespace that owns a namespace of this kind. */
const privileged: Partial<
  Record<WatchedName, readonly [namespace: Answering, capability: keyof typeof capabilities, option: string]>
> = {
  sethostname: ['uts', 'CAP_SYS_ADMIN', '--uts gives it a name of its own'],
  setdomainname: ['uts', 'CAP_SYS_ADMIN', '--uts gives it a name of its own'],
  mount: ['mnt', 'CAP_SYS_ADMIN', '--mnt DIR gives it mounts of its own'],
  umount2: ['mnt', 'CAP_SYS_ADMIN', '--mnt DIR gives it mounts of its own'],
  pivot_root: ['mnt', 'CAP_SYS_ADMIN', '--mnt DIR gives it mounts of its own'],
  move_mount: ['mnt', 'CAP_SYS_ADMIN', '--mnt DIR gives it mounts of its own'],
};

/** Calls that take an ID which has to be in the map. */
const takesUser = words('setuid setuid32 setreuid setreuid32 setresuid setresuid32 setfsuid setfsuid32');
const takesGroup = words('setgid setgid32 setregid setregid32 setresgid setresgid32 setfsgid setfsgid32');

/** Bits of the mode, and of what is asked for. */
const [wantsToRead, wantsToWrite] = [4, 2];

export class Foresight {
  constructor(
    private readonly spec: LaunchSpec,
    private readonly processes: WatchedProcesses,
    private readonly view: ProcessView,
    private readonly answers: Answers,
  ) {}

  /** Undefined where nothing speaks against it. */
  refusal(asked: Asked): Refusal | undefined {
    return this.ofPrivilege(asked) ?? this.ofIds(asked) ?? this.ofFile(asked) ?? this.ofNetwork(asked);
  }

  private ofPrivilege({ call, thread, process }: Asked): Refusal | undefined {
    if (/^(settimeofday|clock_settime)/.test(call.name) && this.answers.whose(thread, 'user') !== 'host')
      return { errno: 'EPERM', because: 'the clock is the host’s, whatever the namespaces are' };
    const needed = privileged[call.name];
    if (needed === undefined) return undefined;
    const [namespace, capability, option] = needed;
    const isHosts = this.answers.whose(thread, namespace) === 'host';
    if (isHosts && this.answers.whose(thread, 'user') !== 'host')
      return { errno: 'EPERM', because: 'what it would change is the host’s', option };
    if (may(process, capability)) return undefined;
    const keep = `--cap-keep ${capability.slice(4).toLowerCase()} lets it`;
    return { errno: 'EPERM', because: `the process has no ${capability}`, option: keep };
  }

  private ofIds({ call, read, thread }: Asked): Refusal | undefined {
    const [kind, map] = takesUser.has(call.name)
      ? (['user', this.spec.maps?.uid] as const)
      : takesGroup.has(call.name)
        ? (['group', this.spec.maps?.gid] as const)
        : [];
    if (kind === undefined || map === undefined || this.answers.whose(thread, 'user') !== 'container')
      return undefined;
    const unmapped = read.args.map(Number).find((id) => id >= 0 && outsideId(map, id) === undefined);
    if (unmapped === undefined) return undefined;
    const because = `${kind} ${unmapped} is not in the map`;
    return { errno: 'EINVAL', because, option: '--map-auto maps your subordinate IDs too' };
  }

  private ofFile(asked: Asked): Refusal | undefined {
    const { call, read, thread, paths } = asked;
    const opens = read.flags !== undefined && call.kind === 'files';
    const wants = opens ? wantsOf(read.flags ?? 0) : changingCalls.has(call.name) ? wantsToWrite : 0;
    if (wants === 0) return undefined;
    const writes = (wants & wantsToWrite) !== 0;
    const namespace = this.processes.namespace(thread, 'mnt');
    const readOnly = writes && this.view.mounts(thread, namespace).some((mount) => mount.readOnly);
    const path = paths.at(-1);
    // Root of the host is refused nothing else.
    const isHosts = this.answers.whose(thread, 'user') === 'host';
    if (path === undefined || (!readOnly && (!opens || isHosts))) return undefined;
    if (!readOnly && this.view.mayGlance && this.seemsPermitted(asked, path, wants)) return undefined;
    const found = this.view.find(thread, path);
    if (found === undefined) return undefined;
    return (
      (writes ? onReadOnlyMount(path, found, this.spec) : undefined) ??
      this.ofOwner(asked, path, found, wants)
    );
  }

  /** Most calls are, and to find out costs a tenth of what finding the reason does. */
  private seemsPermitted({ thread, process }: Asked, path: string, wants: number): boolean {
    const stats = this.view.glance(thread, path);
    // What is not there is not refused, unless it is to be made.
    if (stats === undefined) return (wants & wantsToWrite) === 0;
    return (permitted(process, stats) & wants) === wants || this.overrides(process, stats);
  }

  /** capabilities(7): CAP_DAC_OVERRIDE counts for files whose owner and group are in the map. */
  private ofOwner(
    { thread, process, read }: Asked,
    path: string,
    { stats, isFolderOf }: FoundFile,
    wants: number,
  ): Refusal | undefined {
    if (read.flags === undefined || isFolderOf || this.answers.whose(thread, 'user') !== 'container')
      return undefined;
    if ((permitted(process, stats) & wants) === wants) return undefined;
    if (this.overrides(process, stats)) return undefined;
    const mapped = this.isMapped(stats);
    const mode = `0${(stats.mode & 0o7777).toString(8)}`;
    const because = mapped
      ? `${path} has the mode ${mode}, and belongs to another user`
      : `${path} belongs to user ${stats.uid} and group ${stats.gid} of the host, who are not both in the map, and has the mode ${mode}`;
    return { errno: 'EACCES', because, option: `--bind FILE:${path} puts a file of your own there` };
  }

  private isMapped({ uid, gid }: FoundFile['stats']): boolean {
    const { maps } = this.spec;
    return insideId(maps?.uid ?? [], uid) !== undefined && insideId(maps?.gid ?? [], gid) !== undefined;
  }

  private overrides(process: WatchedProcess, stats: FoundFile['stats']): boolean {
    return may(process, 'CAP_DAC_OVERRIDE') && this.isMapped(stats);
  }

  private ofNetwork({ call, read, thread, process }: Asked): Refusal | undefined {
    const { address } = read;
    if (address === undefined || !('host' in address)) return undefined;
    const isHosts = this.answers.whose(thread, 'net') === 'host';
    if (call.name === 'connect' && !hasRoute(thread, address)) {
      const because = isHosts
        ? `the host has no route to ${address.host}`
        : `the network namespace has no route to ${address.host}`;
      return isHosts
        ? { errno: 'ENETUNREACH', because }
        : { errno: 'ENETUNREACH', because, option: 'without --net it has the host’s network' };
    }
    if (call.name !== 'bind' || address.port === 0 || address.port >= firstFreePort()) return undefined;
    if (isHosts && this.answers.whose(thread, 'user') !== 'host')
      return {
        errno: 'EACCES',
        because: `port ${address.port} is one of the host’s, and only for its root`,
        option: '--net gives it ports of its own',
      };
    if (may(process, 'CAP_NET_BIND_SERVICE')) return undefined;
    const option = '--cap-keep net_bind_service lets it';
    return { errno: 'EACCES', because: 'the process has no CAP_NET_BIND_SERVICE', option };
  }
}

/** Which bits of a file's mode an open(2) with these flags looks at; none with O_PATH. */
function wantsOf(flags: number): number {
  if (flags & 0o10000000) return 0;
  const access = flags & 3;
  return (access === 1 ? 0 : wantsToRead) | (writesFile(flags) ? wantsToWrite : 0);
}

/** The bits of a file's mode that are for this process: path_resolution(7). */
function permitted(
  { uid, gid, groups }: WatchedProcess,
  { uid: owner, gid: group, mode }: FoundFile['stats'],
): number {
  if (uid === owner) return (mode >> 6) & 7;
  return gid === group || groups.includes(group) ? (mode >> 3) & 7 : mode & 7;
}

/** Devices, pipes and sockets may be written on a read-only mount too. */
function onReadOnlyMount(
  path: string,
  { stats, mount }: FoundFile,
  { root }: LaunchSpec,
): Refusal | undefined {
  if (mount?.readOnly !== true || !(stats.isFile() || stats.isDirectory())) return undefined;
  const asked = root?.readOnly === true && (mount.mountPoint === '/' || isHostTree(root));
  return {
    errno: 'EROFS',
    because: `${path} is on a read-only mount, ${mount.mountPoint}`,
    option: asked
      ? `without --read-only, or with --tmpfs or --bind for a folder, it can be written`
      : `--bind SRC:${mount.mountPoint === '/' ? path : mount.mountPoint} puts something there that can be written`,
  };
}

/** ip(7): ports below it take CAP_NET_BIND_SERVICE. */
function firstFreePort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return 1024;
  }
}
