/**
 * What a launch may be asked for: the options of `gontainer run`, by the same names in one word.
 * Written by scripts/library-types.ts from src/parent/commands/run/run-options.ts.
 */
export interface RunOptions {
  /** new user namespace: user and group IDs and capabilities: root in the container, an ordinary user on the host (user_namespaces(7), Linux 3.8) */
  uid?: boolean | undefined;
  /** DIR: new mount namespace: mount points: a file system tree of its own (mount_namespaces(7), Linux 2.4.19); DIR becomes the root; / is the host’s own tree once more */
  mnt?: string | undefined;
  /** new UTS namespace: host name and NIS domain name (uts_namespaces(7), Linux 2.6.19) */
  uts?: boolean | undefined;
  /** new IPC namespace: System V IPC objects and POSIX message queues (ipc_namespaces(7), Linux 2.6.19) */
  ipc?: boolean | undefined;
  /** new network namespace: network devices, addresses, routes, ports and abstract sockets (network_namespaces(7), Linux 2.6.29) */
  net?: boolean | undefined;
  /** new PID namespace: process IDs: the first process inside is PID 1 (pid_namespaces(7), Linux 2.6.24) */
  pid?: boolean | undefined;
  /** new cgroup namespace: the root of the cgroup tree as it is seen inside (cgroup_namespaces(7), Linux 4.6) */
  cgroup?: boolean | undefined;
  /** new time namespace: the boot-time and monotonic clocks, so also the uptime (time_namespaces(7), Linux 5.6) */
  time?: boolean | undefined;
  /** all eight; the root stays as it is unless --mnt is given too */
  all?: boolean | undefined;
  /** NAME: host name inside, with --uts; by default Gontainer */
  hostname?: string | undefined;
  /** CONTAINER:HOST:COUNT: map user IDs, with --uid; repeatable, one line each; by default 0 to your own ID */
  uidMap?: readonly string[] | undefined;
  /** CONTAINER:HOST:COUNT: the same for group IDs */
  gidMap?: readonly string[] | undefined;
  /** map your subordinate IDs too (/etc/subuid, /etc/subgid), with --uid, through newuidmap(1) */
  mapAuto?: boolean | undefined;
  /** SECONDS: shift the monotonic clock, with --time */
  monotonic?: number | undefined;
  /** SECONDS: shift the boot-time clock, and so the uptime, with --time */
  boottime?: number | undefined;
  /** IMAGE: make the root from an image (a name, an archive or a folder), pulled or imported once, and start what it says; changes are discarded unless --overlay keeps them */
  image?: string | undefined;
  /** start what the image says from which DIR of --mnt was made */
  imageConfig?: boolean | undefined;
  /** OS/ARCH: take the image for this kind of machine, with --image */
  platform?: string | undefined;
  /** WHEN: when to ask the registry of --image: where no copy is here (the default), for each launch, or not at all */
  pull?: 'missing' | 'always' | 'never' | undefined;
  /** PROGRAM: run this instead of the image's Entrypoint; the words after -- are its arguments */
  entrypoint?: string | undefined;
  /** change the root by chroot(2) alone, as Gontainer did: root inside can escape from it */
  chroot?: boolean | undefined;
  /** discard every change to the new root: DIR stays as it is */
  ephemeral?: boolean | undefined;
  /** CHANGES: keep changes to the new root in the folder CHANGES, not in DIR */
  overlay?: string | undefined;
  /** make the new root, or without --mnt the host’s own tree, read-only */
  readOnly?: boolean | undefined;
  /** SRC:DST[:ro|:overlay[=CHANGES]]: make SRC from the host visible at DST inside; with overlay SRC stays as it is, and changes are in memory, or in the folder CHANGES; repeatable; without --mnt, in the host’s own tree */
  bind?: readonly string[] | undefined;
  /** DST[:size=SIZE]: mount an empty tmpfs at DST inside, by default of at most 25% of the memory; repeatable */
  tmpfs?: readonly string[] | undefined;
  /** FIELD,FIELD...: --bind or --tmpfs as Docker writes them: type=bind,source=SRC,target=DST[,readonly|,overlay[=CHANGES]] or type=tmpfs,target=DST[,tmpfs-size=SIZE]; repeatable */
  mount?: readonly string[] | undefined;
  /** UID[:GID]: run the command as this user, by number or by a name of the new root */
  user?: string | undefined;
  /** DIR: start the command in this directory inside */
  workdir?: string | undefined;
  /** run the command as PID 1 itself, without an init; with --pid */
  asPid1?: boolean | undefined;
  /** SIZE: how much memory the command and its descendants may use together, such as 64m; then one is killed */
  memory?: string | undefined;
  /** SIZE: how much memory and swap together, or unlimited; by default no swap, with --memory */
  memorySwap?: string | undefined;
  /** N: how many processes and threads they may be together; then fork(2) is refused */
  pidsLimit?: number | undefined;
  /** N: how much processor time they get: 0.5 is half of the time of one processor */
  cpus?: number | undefined;
  /** N: their share of the processors where others want them too: 1 to 10000; others have 100 */
  cpuWeight?: number | undefined;
  /** N: their share of the disks, in the same way */
  ioWeight?: number | undefined;
  /** NAME=SOFT[:HARD]: limit what each process of the command may have, such as nofile=1024 or core=0:unlimited (getrlimit(2)); repeatable */
  ulimit?: readonly string[] | undefined;
  /** SIZE: how much /dev/shm of a new root may hold, such as 256m or 10% of the memory; by default 64m */
  shmSize?: string | undefined;
  /** SIZE: how much --ephemeral may keep in memory; by default 25% of it */
  ephemeralSize?: string | undefined;
  /** FILE: set the variables in FILE, one NAME=VALUE a line, as Docker does; --env takes precedence; repeatable */
  envFile?: readonly string[] | undefined;
  /** KIND,KIND...: log what the command asks the kernel, and which namespace answers: files, network, processes, identity, ipc or all, which is meant without a value */
  watch?: boolean | string | undefined;
  /** give the command a terminal and a session of its own; it cannot reach yours */
  pty?: boolean | undefined;
  /** start the command in a session of its own, without a controlling terminal */
  newSession?: boolean | undefined;
  /** let set-user-ID programs inside give privileges; without it PR_SET_NO_NEW_PRIVS is set */
  allowNewPrivs?: boolean | undefined;
  /** CAP: drop this capability, or all; repeat it or separate with commas. By default root without --uid keeps 13, of which 3 need --pid and 1 needs --net */
  capDrop?: readonly string[] | undefined;
  /** CAP: keep these capabilities and no others, or all; a command that is not root gets them too */
  capKeep?: readonly string[] | undefined;
  /** SECONDS: end the command after this time, such as 0.5, with SIGTERM, and two seconds later with SIGKILL */
  timeout?: number | undefined;
  /** SIGNAL: send this signal instead of SIGTERM, by --timeout and by gontainer kill */
  stopSignal?: string | undefined;
  /** FILE: write the process ID of the container's first process to FILE, and remove FILE at the end */
  pidFile?: string | undefined;
  /** NAME: name of the container, for ps, ns, diff, enter, kill, wait and logs; by default made from the command */
  name?: string | undefined;
  /** FILE: write every level to FILE too, as NDJSON */
  logFile?: string | undefined;
  /** FILE: draw the launch as a web page when it ends, even if it fails */
  report?: string | undefined;
}

/** Their names, and what each takes. */
export const runOptionKinds: Readonly<Record<keyof RunOptions, 'flag' | 'value' | 'flag or value' | 'list'>> =
  {
    uid: 'flag',
    mnt: 'value',
    uts: 'flag',
    ipc: 'flag',
    net: 'flag',
    pid: 'flag',
    cgroup: 'flag',
    time: 'flag',
    all: 'flag',
    hostname: 'value',
    uidMap: 'list',
    gidMap: 'list',
    mapAuto: 'flag',
    monotonic: 'value',
    boottime: 'value',
    image: 'value',
    imageConfig: 'flag',
    platform: 'value',
    pull: 'value',
    entrypoint: 'value',
    chroot: 'flag',
    ephemeral: 'flag',
    overlay: 'value',
    readOnly: 'flag',
    bind: 'list',
    tmpfs: 'list',
    mount: 'list',
    user: 'value',
    workdir: 'value',
    asPid1: 'flag',
    memory: 'value',
    memorySwap: 'value',
    pidsLimit: 'value',
    cpus: 'value',
    cpuWeight: 'value',
    ioWeight: 'value',
    ulimit: 'list',
    shmSize: 'value',
    ephemeralSize: 'value',
    envFile: 'list',
    watch: 'flag or value',
    pty: 'flag',
    newSession: 'flag',
    allowNewPrivs: 'flag',
    capDrop: 'list',
    capKeep: 'list',
    timeout: 'value',
    stopSignal: 'value',
    pidFile: 'value',
    name: 'value',
    logFile: 'value',
    report: 'value',
  };
