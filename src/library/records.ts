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
  | FailureRecord
  | StackRecord
  | WarningRecord;

/** What is to be launched. */
export interface LaunchRecord {
  readonly level: 20;
  /** Milliseconds since 1970-01-01T00:00Z, with a fraction. */
  readonly time: number;
  /** The process ID in the host's PID namespace. */
  readonly pid: number;
  /** Microseconds, with a fraction. */
  readonly at: number;
  readonly msg: string;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  readonly launch: {
    readonly namespaces: readonly ('uid' | 'mnt' | 'uts' | 'ipc' | 'net' | 'pid' | 'cgroup' | 'time')[];
    readonly unshared: readonly ('uid' | 'mnt' | 'uts' | 'ipc' | 'net' | 'pid' | 'cgroup' | 'time')[];
    readonly hostname?: string;
    readonly root?: {
      readonly path: string;
      readonly method: 'pivot_root' | 'chroot';
      readonly overlay?: {
        /** null: in memory. */
        readonly keptIn: string | null;
      };
      readonly readOnly: boolean;
      /** What --bind and --tmpfs ask for. */
      readonly mounts: readonly (
        | {
            readonly kind: 'bind';
            readonly target: string;
            readonly source: string;
            readonly directory: boolean;
            readonly readOnly: boolean;
          }
        | {
            readonly kind: 'tmpfs';
            readonly target: string;
            readonly size?: string;
          }
      )[];
      readonly resolver?: string;
    };
    readonly workingDirectory?: string;
    readonly maps?: {
      readonly uid: readonly {
        readonly inside: number;
        readonly outside: number;
        readonly count: number;
      }[];
      readonly gid: readonly {
        readonly inside: number;
        readonly outside: number;
        readonly count: number;
      }[];
      readonly denySetgroups: boolean;
      readonly writer: 'kernel' | 'newuidmap';
    };
    readonly clockOffsets?: {
      readonly monotonic: number;
      readonly boottime: number;
    };
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
    readonly fileOwner?: {
      readonly uid: number;
      readonly gid: number;
    };
    /** Absent: the command has what its user has. */
    readonly capabilities?: {
      /** By the names of capabilities(7); a number where the kernel has a newer one. */
      readonly kept: readonly (string | number)[];
      /** By the names of capabilities(7); a number where the kernel has a newer one. */
      readonly dropped: readonly (string | number)[];
      readonly ambient: boolean;
    };
    /** The file of node, which the child runs from a read-only mount. */
    readonly readOnlyExecutable?: string;
    readonly terminal: 'foreground' | 'shared' | 'own' | 'none';
  };
}

/** A kernel call. */
export interface CallRecord {
  readonly level: 10;
  /** Milliseconds since 1970-01-01T00:00Z, with a fraction. */
  readonly time: number;
  /** The process ID in the host's PID namespace. */
  readonly pid: number;
  /** Microseconds, with a fraction. */
  readonly at: number;
  readonly msg: string;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent' | 'child';
  readonly actor: 'parent' | 'P' | 'G' | 'guard' | 'child' | 'command' | 'keeper' | 'newuidmap' | 'newgidmap';
  /** Empty for what is done before the first step or after the last one. */
  readonly step:
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
    | 'exec'
    | '';
  /** A C library function, named like its system call. */
  readonly call: string;
  /** By the names of the manual page, in its order. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly ret: number;
  readonly errno?: string;
  /** Microseconds, with a fraction. */
  readonly us?: number;
}

/** A finished step. */
export interface StepRecord {
  readonly level: 30;
  /** Milliseconds since 1970-01-01T00:00Z, with a fraction. */
  readonly time: number;
  /** The process ID in the host's PID namespace. */
  readonly pid: number;
  /** Microseconds, with a fraction. */
  readonly at: number;
  readonly msg: string;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent' | 'child';
  readonly step:
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
    | 'exec';
  readonly why: string;
  readonly man: string;
  readonly shell: string;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
  /** Microseconds, with a fraction. */
  readonly us: number;
  readonly number: number;
  readonly of: number;
}

/** With --step: the launch waits for a key before it does this step. */
export interface StopRecord {
  readonly level: 20;
  /** Milliseconds since 1970-01-01T00:00Z, with a fraction. */
  readonly time: number;
  /** The process ID in the host's PID namespace. */
  readonly pid: number;
  /** Microseconds, with a fraction. */
  readonly at: number;
  readonly msg: string;
  readonly stage: 'parent' | 'child';
  readonly stop: {
    readonly step:
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
      | 'exec';
    readonly number: number;
    readonly of: number;
    /** The calls about to be made; what is not known before, such as a process ID to come, stands as <name>. */
    readonly calls: readonly {
      readonly actor: 'parent' | 'P' | 'G' | 'child' | 'command' | 'newuidmap' | 'newgidmap';
      /** A C library function, named like its system call. */
      readonly call: string;
      /** By the names of the manual page, in its order. */
      readonly args: Readonly<Record<string, unknown>>;
    }[];
    /** The evidence as it stands: what the step's record will have as before. */
    readonly before: Readonly<Record<string, unknown>>;
  };
}

/** The command has ended. */
export interface EndedRecord {
  readonly level: 20;
  /** Milliseconds since 1970-01-01T00:00Z, with a fraction. */
  readonly time: number;
  /** The process ID in the host's PID namespace. */
  readonly pid: number;
  /** Microseconds, with a fraction. */
  readonly at: number;
  readonly msg: string;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'child';
  readonly ended: {
    readonly status: number;
    readonly signal?: string;
  };
}

/** The launch has failed; msg is the sentence. */
export interface FailureRecord {
  readonly level: 50;
  /** Milliseconds since 1970-01-01T00:00Z, with a fraction. */
  readonly time: number;
  /** The process ID in the host's PID namespace. */
  readonly pid: number;
  /** Microseconds, with a fraction. */
  readonly at: number;
  readonly msg: string;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  readonly failure: {
    readonly call?: {
      /** Empty for what is done before the first step or after the last one. */
      readonly step:
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
        | 'exec'
        | '';
      /** A C library function, named like its system call. */
      readonly call: string;
      readonly args: Readonly<Record<string, unknown>>;
      readonly errno: string;
    };
    readonly next?: string;
  };
}

/** Where in the source it failed; comes before the failure. */
export interface StackRecord {
  readonly level: 10;
  /** Milliseconds since 1970-01-01T00:00Z, with a fraction. */
  readonly time: number;
  /** The process ID in the host's PID namespace. */
  readonly pid: number;
  /** Microseconds, with a fraction. */
  readonly at: number;
  readonly msg: string;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  readonly stack: string;
}

/** Something that the launch goes on without; msg is the sentence. */
export interface WarningRecord {
  readonly level: 40;
  /** Milliseconds since 1970-01-01T00:00Z, with a fraction. */
  readonly time: number;
  /** The process ID in the host's PID namespace. */
  readonly pid: number;
  /** Microseconds, with a fraction. */
  readonly at: number;
  readonly msg: string;
  /** The version of this format; in the first record only. */
  readonly format?: 1;
  /** The version of gontainer; in the first record only. */
  readonly version?: string;
  readonly stage: 'parent';
  readonly warning: true;
}
