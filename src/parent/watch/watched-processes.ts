/** Who makes a watched call: what /proc says of its process, kept until it may be something else. */
import { linkText, textOfFile } from '../../common/byte-text.js';
import { defined } from '../../common/defined.js';

/** More than this many are not kept. */
const mostKept = 256;

/** Who makes a call, as its record has it. */
export interface ShownProcess {
  /** In its own PID namespace. */
  readonly inside: number;
  /** The name of the thread: the first 15 bytes of its program's, unless it chose another. */
  readonly name: string;
  /** Where it is not the first thread: its number, inside too. */
  readonly thread?: number;
}

/** A process, by what proc_pid_status(5) says of one of its threads. */
export interface WatchedProcess {
  /** As the host numbers it. */
  readonly pid: number;
  /** In its own PID namespace. */
  readonly inside: number;
  readonly shown: ShownProcess;
  /** As the host numbers them: the effective user and group, and the supplementary groups. */
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** The effective capabilities, in its user namespace. */
  readonly capabilities: bigint;
}

const unknown = (thread: number): WatchedProcess => ({
  pid: thread,
  inside: 0,
  shown: { inside: 0, name: '?' },
  uid: -1,
  gid: -1,
  groups: [],
  capabilities: 0n,
});

/** What is known of a thread. */
interface Known {
  process?: WatchedProcess;
  /** By the kind's entry in /proc/PID/ns. */
  readonly namespaces: Map<string, string>;
}

export class WatchedProcesses {
  private readonly known = new Map<number, Known>();

  /** One that ended meanwhile has only its number. */
  of(thread: number): WatchedProcess {
    const known = this.knownOf(thread);
    known.process ??= read(thread);
    return known.process;
  }

  /** `uts:[4026531838]`, by the kind's entry in /proc/PID/ns; empty where it cannot be seen. */
  namespace(thread: number, entry: string): string {
    const { namespaces } = this.knownOf(thread);
    const known = namespaces.get(entry);
    if (known !== undefined) return known;
    const found = link(`/proc/${thread}/ns/${entry}`);
    namespaces.set(entry, found);
    return found;
  }

  /** It may become another program, another user, or change its namespaces. */
  forget(thread: number): void {
    this.known.delete(thread);
  }

  private knownOf(thread: number): Known {
    const known = this.known.get(thread);
    if (known !== undefined) return known;
    if (this.known.size >= mostKept) this.known.clear();
    const none: Known = { namespaces: new Map() };
    this.known.set(thread, none);
    return none;
  }
}

function read(thread: number): WatchedProcess {
  let status: string;
  try {
    status = textOfFile(`/proc/${thread}/status`);
  } catch {
    return unknown(thread);
  }
  const fields = new Map(
    status.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
    }),
  );
  const field = (name: string): string => fields.get(name) ?? '';
  const numbers = (name: string): number[] => field(name).split(/\s+/).filter(Boolean).map(Number);
  const inside = numbers('NStgid').at(-1) ?? 0;
  const threadInside = numbers('NSpid').at(-1) ?? 0;
  return {
    pid: numbers('Tgid')[0] ?? thread,
    inside,
    shown: defined({
      inside,
      name: field('Name'),
      thread: threadInside === inside ? undefined : threadInside,
    }),
    uid: numbers('Uid')[1] ?? -1,
    gid: numbers('Gid')[1] ?? -1,
    groups: numbers('Groups'),
    capabilities: BigInt(`0x${field('CapEff') || '0'}`),
  };
}

export function link(path: string): string {
  try {
    return linkText(path);
  } catch {
    return '';
  }
}
