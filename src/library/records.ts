/**
 * The records of the log, as docs/log.md explains them.
 * Written by scripts/library-types.ts from docs/log.schema.json.
 */

export type LogRecord =
  | LaunchRecord
  | CallRecord
  | StepRecord
  | StopRecord
  | EndedRecord
  | SamplesRecord
  | CommandStartedRecord
  | CommandEndedRecord
  | FailureRecord
  | StackRecord
  | WarningRecord
  | ImageRecord
  | WatchedRecord
  | WatchRecord;

/** What every record has. */
export interface RecordBase {
  readonly time: Time;
  readonly pid: Pid;
  readonly at: Microseconds;
  readonly msg: string;
}

/** What is to be launched. */
export interface LaunchRecord extends RecordBase {
  readonly level: 20;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  readonly launch: Launch;
}

/** A kernel call. */
export interface CallRecord extends RecordBase {
  readonly level: 10;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: Stage;
  readonly actor:
    | 'parent'
    | 'P'
    | 'G'
    | 'F'
    | 'guard'
    | 'child'
    | 'command'
    | 'keeper'
    | 'newuidmap'
    | 'newgidmap'
    | 'busctl';
  readonly step: StepOfCall;
  readonly call: Call;
  /** By the names of the manual page, in its order. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly ret: number;
  readonly errno?: Errno;
  readonly us?: Microseconds;
}

/** A finished step. */
export interface StepRecord extends RecordBase {
  readonly level: 30;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: Stage;
  readonly step: StepName;
  readonly why: string;
  readonly man: string;
  readonly shell: string;
  /** The shortest command that shows the idea, where shell has more to do. */
  readonly gist?: string;
  /** The one change that shows what was done, for one line. */
  readonly summary: string;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
  readonly us: Microseconds;
  readonly number: number;
  readonly of: number;
}

/** With --step: the launch waits for a key before it does this step. */
export interface StopRecord extends RecordBase {
  readonly level: 20;
  readonly stage: Stage;
  readonly stop: {
    readonly step: StepName;
    readonly number: number;
    readonly of: number;
    /** The calls about to be made; what is not known before, such as a process ID to come, stands as <name>. */
    readonly calls: readonly RehearsedCall[];
    /** The evidence as it stands: what the step's record will have as before. */
    readonly before: Readonly<Record<string, unknown>>;
  };
}

/** The command has ended. */
export interface EndedRecord extends RecordBase {
  readonly level: 20;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'child';
  readonly ended: {
    readonly status: number;
    readonly signal?: string;
    /** The limit that has ended it. */
    readonly reason?: 'memory';
    readonly usage?: Usage;
  };
}

/** What a container with limits has used over time. */
export interface SamplesRecord extends RecordBase {
  readonly level: 20;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  /** In the order of time. */
  readonly samples: readonly UsageSample[];
}

/** With --control-fd: a command that a program asked for runs. */
export interface CommandStartedRecord extends RecordBase {
  readonly level: 20;
  readonly stage: 'parent';
  readonly exec: {
    /** Counted by the program that asked for it. */
    readonly number: number;
    readonly command: readonly string[];
    /** Where it starts; absent: where all of them do. */
    readonly directory?: string;
    /** As it was asked for, UID or UID:GID. */
    readonly user?: string;
  };
}

/** One of these commands has ended. */
export interface CommandEndedRecord extends RecordBase {
  readonly level: 20;
  readonly stage: 'parent';
  readonly execEnded: {
    /** Counted by the program that asked for it. */
    readonly number: number;
    readonly status: number;
    readonly signal?: string;
  };
}

/** The launch has failed; msg is the sentence. */
export interface FailureRecord extends RecordBase {
  readonly level: 50;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  readonly failure: {
    readonly call?: {
      readonly step: StepOfCall;
      readonly call: Call;
      readonly args: Readonly<Record<string, unknown>>;
      readonly errno: Errno;
    };
    readonly next?: string;
    /** The step under way. */
    readonly during?: {
      readonly step: StepName;
      readonly number: number;
      readonly of: number;
      readonly title: string;
    };
  };
}

/** Where in the source it failed; comes before the failure. */
export interface StackRecord extends RecordBase {
  readonly level: 10;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  readonly stack: string;
}

/** Something that the launch goes on without; msg is the sentence. */
export interface WarningRecord extends RecordBase {
  readonly level: 40;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  /** The step that was done without it. */
  readonly step?: StepName;
  readonly warning: true;
}

/** Something that the launch takes from an image; msg says what. */
export interface ImageRecord extends RecordBase {
  readonly level: 30;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  /** Its name in the configuration of the image; Root is the image itself. */
  readonly image: 'Root' | 'Env' | 'Entrypoint' | 'Cmd' | 'User' | 'WorkingDir' | 'StopSignal';
}

/** A system call of the command that is watched. */
export interface WatchedRecord extends RecordBase {
  readonly level: 30;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  /** The system call. */
  readonly watched: string;
  readonly kind: 'files' | 'network' | 'processes' | 'identity' | 'ipc';
  /** As strace shows them before the call. */
  readonly args: readonly string[];
  /** The paths among them, as absolute ones inside. */
  readonly paths?: readonly string[];
  readonly address?: WatchedAddress;
  readonly process: WatchedProcess;
  readonly answer: Answer;
  /** Only that it was asked for; that it will be refused; or that somebody had it fail, and the kernel never saw it. */
  readonly known: 'asked' | 'foreseen' | 'decided';
  readonly refusal?: Refusal;
  readonly decided?: CallDecided;
  /** Of a program of 32 bits. */
  readonly architecture?: 'i386';
}

/** What was watched in all. */
export interface WatchRecord extends RecordBase {
  readonly level: 30;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  readonly watch: WatchSummary;
}

/** Milliseconds since 1970-01-01T00:00Z, with a fraction. */
export type Time = number;

/** The process ID in the host's PID namespace. */
export type Pid = number;

/** Microseconds, with a fraction. */
export type Microseconds = number;

/** What was to be launched, as data; of the environment only the names. */
export interface Launch {
  readonly namespaces: NamespaceFlags;
  readonly unshared: NamespaceFlags;
  readonly hostname?: string;
  readonly root?: NewRoot;
  /** Sent instead of SIGTERM by --timeout and gontainer kill. */
  readonly stopSignal?: string;
  readonly workingDirectory?: string;
  readonly maps?: IdMaps;
  readonly clockOffsets?: {
    readonly monotonic: number;
    readonly boottime: number;
  };
  /** Empty where a program asks for commands later. */
  readonly command: readonly string[];
  /** Names only. */
  readonly environment: readonly string[];
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly groups?: readonly number[];
  };
  readonly becomesUser: boolean;
  readonly keepsCapabilities: boolean;
  /** Whether the child becomes the command itself. */
  readonly asPid1: boolean;
  readonly newPrivileges: boolean;
  /** What the command gets back of its caller's that Node has changed at its start. */
  readonly inherited: {
    /** The limits of open files, where Node's soft limit is another one: getrlimit(2). */
    readonly openFiles?: {
      readonly soft: number | 'unlimited';
      readonly hard: number | 'unlimited';
    };
    readonly ignoredSignals: readonly number[];
    readonly blockedSignals: readonly number[];
  };
  /** What the command and its descendants may use together, and the control groups for it. */
  readonly limits?: {
    readonly asked: {
      readonly memory?: number;
      readonly memorySwap?: number | 'unlimited';
      readonly pids?: number;
      readonly cpus?: number;
      readonly cpuWeight?: number;
      readonly ioWeight?: number;
    };
    readonly groups: readonly ControlGroup[];
    /** What systemd's user manager is asked for first, where the groups are in it. */
    readonly scope?: {
      readonly unit: string;
      readonly slice: string;
      readonly path: string;
      readonly bus: string;
    };
  };
  /** The limits of --ulimit, in the order in which they are set. */
  readonly ulimits?: readonly {
    readonly name: string;
    readonly soft: number | 'unlimited';
    readonly hard: number | 'unlimited';
  }[];
  readonly fileOwner?: {
    readonly uid: number;
    readonly gid: number;
  };
  /** Absent: the command has what its user has. */
  readonly capabilities?: {
    readonly kept: Capabilities;
    readonly dropped: Capabilities;
    readonly ambient: boolean;
  };
  /** The file of node, which the child runs from a read-only mount. */
  readonly readOnlyExecutable?: string;
  readonly terminal: 'foreground' | 'shared' | 'own' | 'none';
  /** Which calls of the command are watched. */
  readonly watch?: {
    readonly kinds: readonly ('files' | 'network' | 'processes' | 'identity' | 'ipc')[];
    /** Whether a call that is looked at is interrupted only by signals that kill. */
    readonly killable: boolean;
  };
  /** The descriptor over which a program asks for commands. */
  readonly controlDescriptor?: number;
}

export type Stage = 'parent' | 'child';

/** Empty for what is done before the first step or after the last one. */
export type StepOfCall = StepName | '';

/** A C library function, named like its system call. */
export type Call = string;

export type Errno = string;

export type StepName =
  | 'systemd-scope'
  | 'control-group'
  | 'unshare'
  | 'id-maps'
  | 'clock-offsets'
  | 'child'
  | 'propagation'
  | 'hostname'
  | 'file-owner'
  | 'bind-root'
  | 'overlay'
  | 'chroot'
  | 'mount-points'
  | 'read-only'
  | 'proc'
  | 'sys'
  | 'masks'
  | 'dev'
  | 'devpts'
  | 'names'
  | 'requested-mounts'
  | 'pivot-root'
  | 'detach-old-root'
  | 'working-directory'
  | 'loopback'
  | 'pty'
  | 'capabilities'
  | 'command'
  | 'as-pid-1'
  | 'enter-group'
  | 'exec'
  | 'serve';

/** A call as --dry-run and --step show it before it is made. */
export interface RehearsedCall {
  readonly actor:
    | 'parent'
    | 'P'
    | 'G'
    | 'guard'
    | 'child'
    | 'command'
    | 'keeper'
    | 'newuidmap'
    | 'newgidmap'
    | 'busctl';
  readonly call: Call;
  /** By the names of the manual page, in its order. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** What a container with limits has used. A field is missing where the kernel does not count it. */
export interface Usage {
  /** Bytes. */
  readonly memory?: number;
  readonly memoryPeak?: number;
  readonly memoryLimit?: number;
  /** Processes that the kernel killed for want of memory: with a limit, because that was reached. */
  readonly oomKills?: number;
  /** Microseconds. */
  readonly cpuTime?: number;
  readonly throttled?: number;
  /** Microseconds. */
  readonly throttledTime?: number;
  readonly processes?: number;
  readonly processesPeak?: number;
  readonly processesLimit?: number;
  readonly forksRefused?: number;
  readonly memoryPressure?: number;
  readonly cpuPressure?: number;
}

/** What a container uses at one moment. A field is missing where the kernel does not count it. */
export interface UsageSample {
  /** Microseconds since the launch began. */
  readonly at: number;
  /** Bytes. */
  readonly memory?: number;
  /** Processes and threads. */
  readonly processes?: number;
  /** Microseconds of processor time so far. */
  readonly cpuTime?: number;
}

/** The address of a socket that a watched call was given. */
export interface WatchedAddress {
  readonly family: string;
  readonly path?: string;
  readonly abstract?: boolean;
  readonly host?: string;
  readonly port?: number;
}

/** Who makes a watched call; the record's pid is the host's number of it. */
export interface WatchedProcess {
  /** In its own PID namespace. */
  readonly inside: number;
  readonly name: string;
  /** Where it is not the first thread. */
  readonly thread?: number;
}

/** Which namespace answers a watched call. */
export interface Answer {
  /** Its entry in /proc/PID/ns. */
  readonly namespace: 'mnt' | 'net' | 'pid' | 'user' | 'uts' | 'ipc' | 'time';
  /** The one that the launch has made, the host's, or one that was made inside since. */
  readonly whose: 'container' | 'host' | 'nested';
  /** What that means, for people. */
  readonly means: string;
}

/** Why a watched call will fail, and the option that would allow it. */
export interface Refusal {
  readonly errno: 'EROFS' | 'EACCES' | 'EPERM' | 'EINVAL' | 'ENETUNREACH';
  readonly because: string;
  readonly option?: string;
}

/** Who has decided about a watched call. */
export interface CallDecided {
  readonly by: 'program' | 'terminal';
  /** What it fails with; absent where it goes on. */
  readonly errno?: string;
}

/** What was watched in all. */
export interface WatchSummary {
  readonly calls: number;
  /** How many of them have no record, as there were more than the log keeps. */
  readonly notKept: number;
  /** How many could not be looked at, and went on all the same. */
  readonly unread: number;
  readonly processes: number;
  readonly kinds: WatchKindCounts;
  readonly namespaces: readonly WatchAnswer[];
  /** How many were to be refused. */
  readonly refusals: number;
  /** The first of them, a sentence each. */
  readonly refused: readonly string[];
}

export type NamespaceFlags = readonly ('uid' | 'mnt' | 'uts' | 'ipc' | 'net' | 'pid' | 'cgroup' | 'time')[];

/** What the container has as its root, and what is mounted in it. */
export interface NewRoot {
  readonly path: string;
  readonly method: 'pivot_root' | 'chroot';
  readonly overlay?: {
    /** null: in memory. */
    readonly keptIn: string | null;
    /** How much may be in memory, as tmpfs(5) takes it. */
    readonly size?: string;
  };
  readonly readOnly: boolean;
  /** What --bind and --tmpfs ask for. */
  readonly mounts: readonly RequestedMount[];
  /** How much /dev/shm may hold, as tmpfs(5) takes it. */
  readonly shmSize?: string;
  readonly resolver?: string;
}

export interface IdMaps {
  readonly uid: readonly MapLine[];
  readonly gid: readonly MapLine[];
  readonly denySetgroups: boolean;
  readonly writer: 'kernel' | 'newuidmap';
}

/** A control group, and what is written to it. */
export interface ControlGroup {
  readonly version: 1 | 2;
  readonly path: string;
  readonly controllers: readonly string[];
  readonly files: readonly {
    readonly name: string;
    readonly value: string;
    readonly mayBeMissing?: true;
  }[];
  /** The group of the child. */
  readonly init?: string;
  /** What is done in the group above, of version 2. */
  readonly above?: {
    readonly path: string;
    readonly controllers: readonly string[];
    readonly leaf?: string;
  };
}

/** By the names of capabilities(7); a number where the kernel has a newer one. */
export type Capabilities = readonly (string | number)[];

/** How many watched calls there were, by their kinds. */
export interface WatchKindCounts {
  readonly files?: number;
  readonly network?: number;
  readonly processes?: number;
  readonly identity?: number;
  readonly ipc?: number;
}

/** A namespace that answered, how often, and what its last answer means. */
export interface WatchAnswer {
  /** Its entry in /proc/PID/ns. */
  readonly namespace: 'mnt' | 'net' | 'pid' | 'user' | 'uts' | 'ipc' | 'time';
  /** The one that the launch has made, the host's, or one that was made inside since. */
  readonly whose: 'container' | 'host' | 'nested';
  /** What that means, for people. */
  readonly means: string;
  readonly calls: number;
}

export type RequestedMount =
  | {
      readonly kind: 'bind';
      readonly target: string;
      readonly source: string;
      readonly directory: boolean;
      readonly readOnly: boolean;
      /** Changes are kept apart from the source: in memory, or in a folder. */
      readonly overlay?: {
        /** null: in memory. */
        readonly keptIn: string | null;
        readonly mode: number;
        readonly uid: number;
        readonly gid: number;
        /** What the mount of the source forbids. */
        readonly forbidden: readonly string[];
      };
    }
  | {
      readonly kind: 'tmpfs';
      readonly target: string;
      readonly size?: string;
    };

/** COUNT IDs from inside on are those from outside on: user_namespaces(7). */
export interface MapLine {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}
