/** The resource limits of a process (getrlimit(2)): one table of their names. */
import { defined } from './defined.js';
import { procLines } from './evidence.js';
import { type ChainCall, type Memory, memory, NULL } from './kernel/calls.js';
import type { Kernel } from './kernel/kernel.js';

/** By the names that Docker and prlimit(1) give them. The words are those of /proc/PID/limits. */
export const resources = {
  core: { constant: 'RLIMIT_CORE', words: 'Max core file size' },
  cpu: { constant: 'RLIMIT_CPU', words: 'Max cpu time' },
  fsize: { constant: 'RLIMIT_FSIZE', words: 'Max file size' },
  locks: { constant: 'RLIMIT_LOCKS', words: 'Max file locks' },
  memlock: { constant: 'RLIMIT_MEMLOCK', words: 'Max locked memory' },
  msgqueue: { constant: 'RLIMIT_MSGQUEUE', words: 'Max msgqueue size' },
  nice: { constant: 'RLIMIT_NICE', words: 'Max nice priority' },
  nofile: { constant: 'RLIMIT_NOFILE', words: 'Max open files' },
  nproc: { constant: 'RLIMIT_NPROC', words: 'Max processes' },
  rss: { constant: 'RLIMIT_RSS', words: 'Max resident set' },
  rtprio: { constant: 'RLIMIT_RTPRIO', words: 'Max realtime priority' },
  rttime: { constant: 'RLIMIT_RTTIME', words: 'Max realtime timeout' },
  sigpending: { constant: 'RLIMIT_SIGPENDING', words: 'Max pending signals' },
  stack: { constant: 'RLIMIT_STACK', words: 'Max stack size' },
  // Last, because the calls are made in this order: with little of these a process cannot do much more.
  data: { constant: 'RLIMIT_DATA', words: 'Max data size' },
  as: { constant: 'RLIMIT_AS', words: 'Max address space' },
} as const;

export type Limit = number | 'unlimited';

export type ResourceName = keyof typeof resources;

export const resourceNames = Object.keys(resources) as ResourceName[];

/** One limit to set. What a process may have is the soft one, which it can raise up to the hard one. */
export interface ResourceLimit {
  readonly name: ResourceName;
  readonly soft: Limit;
  readonly hard: Limit;
}

/** Sets them for the process that makes the calls. */
export const limitCalls = (step: string, limits: readonly ResourceLimit[] = []): ChainCall<'setrlimit'>[] =>
  limits.map(({ name, ...limit }) => ({
    step,
    call: 'setrlimit',
    args: { resource: resources[name].constant, rlim: rlimit(limit) },
  }));

/** Sets them for another process: prlimit(2). @throws KernelError */
export function limitProcess(kernel: Kernel, pid: number, limits: readonly ResourceLimit[]): void {
  for (const { name, ...limit } of limits)
    kernel.call('prlimit', {
      pid,
      resource: resources[name].constant,
      new_limit: rlimit(limit),
      old_limit: NULL,
    });
}

/** Of these the hard limits that are above those of this process, with its own soft ones. */
export function raisedHardLimits(limits: readonly ResourceLimit[] = []): ResourceLimit[] {
  const own = limits.length === 0 ? undefined : readLimits('self');
  return limits.flatMap(({ name, hard }) =>
    own !== undefined && isAbove(hard, own[name].hard) ? [{ name, soft: own[name].soft, hard }] : [],
  );
}

export const isAbove = (one: Limit, other: Limit): boolean =>
  other !== 'unlimited' && (one === 'unlimited' || one > other);

/** A struct rlimit of two 64-bit numbers: getrlimit(2). */
function rlimit({ soft, hard }: Omit<ResourceLimit, 'name'>): Memory {
  const bytes = Buffer.alloc(16);
  for (const [index, limit] of [soft, hard].entries())
    bytes.writeBigUInt64LE(limit === 'unlimited' ? 0xffffffffffffffffn : BigInt(limit), index * 8);
  return memory(bytes, { rlim_cur: soft, rlim_max: hard });
}

/** `1024:4096`, as prlimit(1) and --ulimit write a limit. */
export const limitWords = ({ soft, hard }: Pick<ResourceLimit, 'soft' | 'hard'>): string => `${soft}:${hard}`;

/** The options by which prlimit(1) sets the same. */
export const prlimitWords = (limits: readonly ResourceLimit[] = []): string[] =>
  limits.length === 0 ? [] : ['prlimit', ...limits.map((limit) => `--${limit.name}=${limitWords(limit)}`)];

/** What the kernel shows of a process: proc_pid_limits(5). Undefined where it has ended. */
export function readLimits(pid: number | 'self'): Record<ResourceName, ResourceLimit> | undefined {
  let lines: string[];
  try {
    lines = procLines(`/proc/${pid}/limits`);
  } catch {
    return undefined;
  }
  const limit = (name: ResourceName): ResourceLimit => {
    const { words } = resources[name];
    const [soft = '', hard = ''] =
      lines
        .find((line) => line.startsWith(words))
        ?.slice(words.length + 1)
        .split(' ') ?? [];
    return { name, soft: value(soft), hard: value(hard) };
  };
  return Object.fromEntries(resourceNames.map((name) => [name, limit(name)])) as Record<
    ResourceName,
    ResourceLimit
  >;
}

const value = (text: string): Limit => (text === 'unlimited' ? text : Number(text));

/** The limits that were asked for as the kernel shows them: `{ nofile: '1024:4096' }`. Nothing where none was. */
export function limitEvidence(
  pid: number,
  limits: readonly ResourceLimit[] | undefined,
): { readonly limits?: Readonly<Record<string, string>> } {
  if (limits === undefined) return {};
  const found = pid === 0 ? readLimits('self') : readLimits(pid);
  return defined({
    limits: found && Object.fromEntries(limits.map(({ name }) => [name, limitWords(found[name])])),
  });
}

/** What the evidence shows that is not as it was asked for. */
export function limitShortfall(
  shown: Readonly<Record<string, string>> | undefined,
  limits: readonly ResourceLimit[] = [],
): string | undefined {
  const other = limits.find((limit) => shown !== undefined && shown[limit.name] !== limitWords(limit));
  return other && `its limit ${other.name} is ${shown?.[other.name]}`;
}
