/**
 * Which watched calls will be refused. A call that goes on is never heard of again, so this is foreseen from what the
 * kernel would look at: the capabilities, the map, the routes; and the files (file-foresight.ts).
 */
import { readFileSync } from 'node:fs';
import type { capabilities } from '../../common/kernel/capability-numbers.js';
import { type LaunchSpec, outsideId } from '../../common/spec.js';
import type { Answering, WatchedName } from '../../common/watch/watched-calls.js';
import { type Answers, type Asked, may } from './answers.js';
import { FileForesight } from './file-foresight.js';
import { hasRoute } from './network-view.js';
import type { ProcessView } from './process-view.js';
import { reaches } from './socket-address.js';
import type { WatchedProcesses } from './watched-processes.js';
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

/** Calls that take an ID which has to be in the map. setfsuid(2) and setfsgid(2) return no error. */
const takesUser = words('setuid setuid32 setreuid setreuid32 setresuid setresuid32');
const takesGroup = words('setgid setgid32 setregid setregid32 setresgid setresgid32');

export class Foresight {
  private readonly files: FileForesight;

  constructor(
    private readonly spec: LaunchSpec,
    processes: WatchedProcesses,
    view: ProcessView,
    private readonly answers: Answers,
  ) {
    this.files = new FileForesight(spec, processes, view, answers);
  }

  /** Undefined where nothing speaks against it. */
  refusal(asked: Asked): Refusal | undefined {
    return this.ofPrivilege(asked) ?? this.ofIds(asked) ?? this.files.refusal(asked) ?? this.ofNetwork(asked);
  }

  private ofPrivilege({ call, thread, process }: Asked): Refusal | undefined {
    if (
      /^(settimeofday|stime|clock_settime)/.test(call.name) &&
      this.answers.whose(thread, 'user') !== 'host'
    )
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

  private ofNetwork({ call, read, thread, process }: Asked): Refusal | undefined {
    const { address } = read;
    if (address === undefined || !('host' in address)) return undefined;
    const isHosts = this.answers.whose(thread, 'net') === 'host';
    if (reaches(call.name) && !hasRoute(thread, address)) {
      const because = isHosts
        ? `the host has no route to ${address.host}`
        : `the network namespace has no route to ${address.host}`;
      return isHosts
        ? { errno: 'ENETUNREACH', because }
        : { errno: 'ENETUNREACH', because, option: 'without --net it has the host’s network' };
    }
    const firstFree = isHosts ? hostsFirstFreePort() : firstFreePort;
    if (call.name !== 'bind' || address.port === 0 || address.port >= firstFree) return undefined;
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

/** ip(7): ports below it take CAP_NET_BIND_SERVICE. A new network namespace begins with this one. */
const firstFreePort = 1024;

function hostsFirstFreePort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return firstFreePort;
  }
}
