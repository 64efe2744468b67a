/** What a control group can limit: one table, by the names that Docker gives the options. */

/** The limits of a launch, in the units of the kernel where it has some. */
export interface GroupLimits {
  /** Bytes. */
  readonly memory?: number;
  /** Bytes of memory and swap together. */
  readonly memorySwap?: number | 'unlimited';
  /** Processes and threads. */
  readonly pids?: number;
  /** Processors, a fraction too. */
  readonly cpus?: number;
  /** 1 to 10000; others have 100. */
  readonly cpuWeight?: number;
  readonly ioWeight?: number;
}

/** What is written to a file of the group. */
export interface GroupFile {
  readonly name: string;
  readonly value: string;
  /** Where the kernel may lack it, and then there is nothing to limit. */
  readonly mayBeMissing?: true;
}

/** A control group of a container, and what is written to it. */
export interface ControlGroup {
  readonly version: 1 | 2;
  /** Its folder. */
  readonly path: string;
  readonly controllers: readonly string[];
  readonly files: readonly GroupFile[];
  /** Where the child is, if it must not be in the group's own limits nor see beyond it. */
  readonly init?: string;
  /** Of version 2: what is to be done in the group above before controllers can be used below it. */
  readonly above?: {
    readonly path: string;
    /** Those to switch on. */
    readonly controllers: readonly string[];
    /** A new group for the processes that are in it: a group that hands out controllers has none of its own. */
    readonly leaf?: string;
  };
}

/** A group that systemd's user manager is asked for. */
export interface SystemdScope {
  readonly unit: string;
  readonly slice: string;
  /** The folder of its group. */
  readonly path: string;
  /** The address of the D-Bus at which the manager is asked. */
  readonly bus: string;
}

/** Microseconds in which --cpus of processor time may be used. */
const period = 100_000;

/** A controller, and the files of both versions for the limits that take it. */
interface LimitKind {
  readonly controller: { readonly 1: string; readonly 2: string };
  readonly files: Readonly<Record<1 | 2, (limits: GroupLimits) => readonly GroupFile[]>>;
}

const file = (name: string, value: string | number, mayBeMissing?: true): GroupFile => ({
  name,
  value: String(value),
  ...(mayBeMissing && { mayBeMissing }),
});

export const limitKinds: Readonly<Record<keyof GroupLimits, LimitKind>> = {
  memory: {
    controller: { 1: 'memory', 2: 'memory' },
    files: {
      1: ({ memory = 0, memorySwap }) => [
        file('memory.limit_in_bytes', memory),
        ...(memorySwap === undefined ? [file('memory.memsw.limit_in_bytes', memory, true)] : []),
      ],
      // Without a word about swap there is none: else what does not fit would only become slow.
      2: ({ memory = 0, memorySwap }) => [
        file('memory.max', memory),
        ...(memorySwap === undefined ? [file('memory.swap.max', 0, true)] : []),
      ],
    },
  },
  memorySwap: {
    controller: { 1: 'memory', 2: 'memory' },
    files: {
      1: ({ memorySwap = 0 }) =>
        memorySwap === 'unlimited' ? [] : [file('memory.memsw.limit_in_bytes', memorySwap)],
      2: ({ memory = 0, memorySwap = 0 }) => [
        file('memory.swap.max', memorySwap === 'unlimited' ? 'max' : memorySwap - memory),
      ],
    },
  },
  pids: {
    controller: { 1: 'pids', 2: 'pids' },
    files: {
      1: ({ pids = 0 }) => [file('pids.max', pids)],
      2: ({ pids = 0 }) => [file('pids.max', pids)],
    },
  },
  cpus: {
    controller: { 1: 'cpu', 2: 'cpu' },
    files: {
      1: ({ cpus = 0 }) => [
        file('cpu.cfs_period_us', period),
        file('cpu.cfs_quota_us', Math.round(cpus * period)),
      ],
      2: ({ cpus = 0 }) => [file('cpu.max', `${Math.round(cpus * period)} ${period}`)],
    },
  },
  cpuWeight: {
    controller: { 1: 'cpu', 2: 'cpu' },
    files: {
      // A weight of 100 is 1024 shares.
      1: ({ cpuWeight = 0 }) => [file('cpu.shares', Math.max(2, Math.round((cpuWeight * 1024) / 100)))],
      2: ({ cpuWeight = 0 }) => [file('cpu.weight', cpuWeight)],
    },
  },
  ioWeight: {
    controller: { 1: 'blkio', 2: 'io' },
    files: {
      1: ({ ioWeight = 0 }) => [file('blkio.bfq.weight', Math.min(1000, ioWeight))],
      2: ({ ioWeight = 0 }) => [file('io.weight', `default ${ioWeight}`)],
    },
  },
};

/** What a group is joined for where nobody limits it: to read at the end what was used. */
export const accounting: Readonly<Record<1 | 2, readonly string[]>> = {
  1: ['memory', 'pids', 'cpuacct'],
  2: ['memory', 'pids'],
};
