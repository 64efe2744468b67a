/** Which namespace answers a watched call, and what that means for who asks. */
import { hostname } from 'node:os';
import { capabilities } from '../../common/kernel/capability-numbers.js';
import { namespaces } from '../../common/namespaces.js';
import { insideId, type LaunchSpec } from '../../common/spec.js';
import type { Answering, WatchedCall } from '../../common/watch/watched-calls.js';
import { shownNetwork } from './network-view.js';
import type { ProcessView } from './process-view.js';
import type { ReadCall } from './shown-arguments.js';
import { link, type WatchedProcess, type WatchedProcesses } from './watched-processes.js';

/** Whose a namespace is: the host's, the one that the launch has made, or one that was made inside since. */
export type Whose = 'container' | 'host' | 'nested';

export interface Answer {
  readonly namespace: Answering;
  readonly whose: Whose;
  /** A sentence without its full stop. */
  readonly means: string;
}

/** A call and who makes it. */
export interface Asked {
  readonly call: WatchedCall;
  readonly read: ReadCall;
  readonly thread: number;
  readonly process: WatchedProcess;
  /** Its paths as absolute ones. */
  readonly paths: readonly string[];
}

/** Characters of a path: the whole of it is in the record all the same. */
const longestPath = 256;

const names = new Map<string, string>(namespaces.map(({ entry, name }) => [entry, name]));

/** `the UTS namespace`, `the host’s UTS namespace`. */
const subject: Readonly<Record<Whose, (name: string) => string>> = {
  container: (name) => `the ${name} namespace`,
  host: (name) => `the host’s ${name} namespace`,
  nested: (name) => `a ${name} namespace made inside`,
};

export class Answers {
  private readonly host = new Map<string, string>();
  private readonly container = new Map<string, string>();
  /** The host name inside: that of the launch, until somebody there sets another. */
  private hostname: string | undefined;

  /** @param pid a process of the container that nobody but the launch has touched yet */
  constructor(
    private readonly spec: LaunchSpec,
    private readonly processes: WatchedProcesses,
    private readonly view: ProcessView,
    pid: number,
  ) {
    for (const { entry } of namespaces) {
      this.host.set(entry, link(`/proc/self/ns/${entry}`));
      this.container.set(entry, link(`/proc/${pid}/ns/${entry}`));
    }
    this.hostname = spec.hostname;
  }

  /** Whose namespace of this kind a thread is in. */
  whose(thread: number, entry: Answering): Whose {
    const found = this.processes.namespace(thread, entry);
    if (found === this.host.get(entry)) return 'host';
    return found === this.container.get(entry) ? 'container' : 'nested';
  }

  to(asked: Asked): Answer {
    const namespace = answering(asked);
    const whose = this.whose(asked.thread, namespace);
    const says = this.sayings[namespace](asked, whose);
    const who = subject[whose](names.get(namespace) ?? namespace);
    return { namespace, whose, means: says === '' ? who : `${who}: ${says}` };
  }

  private readonly sayings: Readonly<Record<Answering, (asked: Asked, whose: Whose) => string>> = {
    mnt: ({ paths, thread }) => {
      const path = paths[0];
      if (path === undefined) return '';
      const shown = path.length > longestPath ? `${path.slice(0, longestPath)}…` : path;
      const mount = this.view.mounts(thread, this.processes.namespace(thread, 'mnt')).above(path);
      if (mount === undefined) return shown;
      const { mountPoint, type } = mount;
      return `${shown} is on the ${type} at ${mountPoint}${mount.readOnly ? ', which is read-only' : ''}`;
    },
    net: ({ thread, call }) => (call.name === 'socket' ? 'a socket stays in it' : shownNetwork(thread)),
    pid: ({ process: { inside, pid } }, whose) =>
      whose === 'host' ? `process ${pid}` : `process ${inside} is ${pid} on the host`,
    user: ({ process: { uid } }, whose) => {
      if (whose === 'host') return `user ${uid}`;
      const inside = whose === 'container' ? insideId(this.spec.maps?.uid ?? [], uid) : undefined;
      return inside === undefined ? '' : `user ${inside} is ${uid} on the host`;
    },
    uts: ({ call, read, process }, whose) => {
      if (whose === 'host') return hostname();
      if (whose === 'nested') return '';
      const before = this.hostname;
      if (call.name === 'sethostname' && may(process, 'CAP_SYS_ADMIN')) this.hostname = read.name ?? before;
      return `${before}, the host says ${hostname()}`;
    },
    ipc: (_, whose) => (whose === 'host' ? 'objects of the host' : 'objects that nobody outside sees'),
    time: (_, whose) => {
      const { monotonic = 0, boottime = 0 } = this.spec.clockOffsets ?? {};
      return whose === 'container' ? `clocks shifted by ${monotonic} and ${boottime} seconds` : '';
    },
  };
}

/** Whether a process has this capability in its user namespace. */
export const may = ({ capabilities: held }: WatchedProcess, name: keyof typeof capabilities): boolean =>
  ((held >> BigInt(capabilities[name])) & 1n) === 1n;

/** A socket with a name in the file system is found there: unix(7). */
const answering = ({ call, read }: Asked): Answering =>
  read.address !== undefined && 'path' in read.address && !read.address.abstract ? 'mnt' : call.answers;
