/** The machines that npm run test:machines tries: data. */
import { bwrap, docker, nspawn, podman } from './containers.js';
import { foreignTree, kernel, labelledTree, tree, userModeKernel } from './debian.js';
import type { Machine, Obstacle, User } from './machine.js';
import { booted, type Virtual } from './virtual.js';

const smoke = ['test/whole/smoke.test.ts'];

/** Nobody in a container has subordinate IDs, or control groups that may be written. */
const none = ['subordinate-ids', 'limits'];

const everyLaunch = [
  ...['uid', 'mnt', 'uts', 'ipc', 'net', 'pid', 'cgroup', 'time'],
  ...['launch', 'overlay', 'pty', 'detach', ...none],
];
/** What containers have in common. */
const container = {
  fixedByCommands: { root: [], user: [] },
  failsAfterwards: { root: none, user: none },
  obstacles: { root: [], user: [] },
  tests: smoke,
} as const;

/** Limits, those of one command, and what a killed launcher leaves: each version of cgroups has files of its own. */
const limits = [
  'test/common/cgroup/limits.test.ts',
  'test/library/command-limits.test.ts',
  'test/parent/launch/killed-with-limits.test.ts',
];

/** The programs that a virtual machine is made with. */
const makers = { mke2fs: 'e2fsprogs', cpio: 'cpio', modprobe: 'kmod', mmdebstrap: 'mmdebstrap' } as const;

/** What virtual machines have in common: the ordinary user has subordinate IDs, and nobody has delegated a control group. */
const virtual = {
  fails: { root: ['subordinate-ids'], user: ['limits'] },
  coversProc: false,
  fixedByOptions: false,
  fixedByCommands: { root: ['subordinate-ids'], user: [] },
  failsAfterwards: { root: [], user: [] },
  obstacles: { root: [], user: [] },
  tests: smoke,
  needs: { 'qemu-system-x86_64': 'qemu-system-x86', ...makers },
} as const;

/** What a host may have set against namespaces, and Debian's kernels know. */
const obstacles: Readonly<Record<User, readonly Obstacle[]>> = {
  root: [{ set: 'sysctl user.max_user_namespaces=0', launch: 'uid', line: 'switches' }],
  user: [
    { set: 'sysctl kernel.unprivileged_userns_clone=0', launch: 'uid', line: 'switches' },
    { set: 'sysctl user.max_pid_namespaces=0', launch: 'pid', line: 'limits' },
    { set: 'sysctl kernel.yama.ptrace_scope=3', launch: 'pty', line: 'pty', lasts: true },
  ],
};

/** AppArmor takes user namespaces from whoever runs Node, and nothing else: the rule that is left out is `userns`. */
const withoutUserns = [
  'abi <abi/4.0>,',
  'profile everything-but-userns /opt/machine/* {',
  'file, capability, network, mount, remount, umount, pivot_root, ptrace, signal, unix, mqueue, }',
].join(' ');

/**
 * Each is made ready only when it is its turn.
 * @param check a command for sh that succeeds where the machine is what it is said to be
 */
const virtualMachine =
  (machine: () => Virtual, check = 'true'): Machine['prepare'] =>
  async (place) => {
    const entrance = await booted(machine(), place);
    const { status, stdout, stderr } = await entrance.run(['sh', '-c', check], [], 60);
    if (status === 0) return entrance;
    await entrance.leave?.();
    throw new Error(`it is not what it should be: ${check} ended with ${status}: ${stdout}${stderr}`);
  };

const debian12 = (): Virtual => ({
  kernel: kernel('bookworm', 'amd64', 'linux-image-amd64'),
  tree: tree('bookworm'),
});

const userMode = (): Virtual => ({ kernel: userModeKernel('bookworm'), tree: tree('bookworm') });

/** User Mode Linux has no time namespaces: they take a vDSO that knows of them (TIME_NS in the kernel's init/Kconfig). */
const inUserMode = {
  needs: makers,
  fails: { root: ['time', 'subordinate-ids'], user: ['time', 'limits'] },
  failsAfterwards: { root: ['time'], user: [] },
  // Those that launch with --all, and the one that lists all eight. The smoke test launches with --all too.
  untrue: [9, 12, 13],
  tests: [],
} as const;

const debian13 = (): Virtual => ({
  kernel: kernel('trixie', 'amd64', 'linux-image-amd64'),
  tree: tree('trixie'),
});

const aarch64 = {
  processor: 'arm64',
  needs: { ...virtual.needs, 'qemu-system-aarch64': 'qemu-system-arm' },
} as const;

const onAarch64 = (image: string): Virtual => ({
  kernel: kernel('trixie', 'arm64', image),
  tree: foreignTree('trixie', 'arm64'),
});

/**
 * A machine whose first program is systemd.
 * @param words for it, on the kernel's command line: systemd(1), kernel-command-line(7)
 */
const systemd = (...words: readonly string[]): Pick<Virtual, 'words' | 'ordinary'> => ({
  words: ['machine.init=systemd', ...words].join(' '),
  // pam_systemd(8) makes the session.
  ordinary: ['su', '--command', 'exec "$0" "$@"', 'learner', '--'],
});

export const machines: readonly Machine[] = [
  {
    name: 'podman',
    what: 'a container of Podman, as it is started by default',
    needs: { podman: 'podman crun' },
    fails: { root: ['uts', 'launch', ...none], user: ['uts', 'launch', ...none] },
    ...container,
    coversProc: true,
    fixedByOptions: true,
    prepare: podman,
  },
  {
    name: 'docker',
    what: 'a container of Docker, as it is started by default',
    needs: { dockerd: 'docker.io', docker: 'docker.io docker-cli' },
    fails: { root: everyLaunch, user: everyLaunch },
    ...container,
    coversProc: true,
    fixedByOptions: true,
    prepare: docker,
  },
  {
    name: 'bullseye',
    what: 'the userland of Debian 11, glibc 2.31, under bwrap, which sets no_new_privs',
    needs: { bwrap: 'bubblewrap', mmdebstrap: 'mmdebstrap' },
    fails: { root: none, user: none },
    ...container,
    coversProc: false,
    fixedByOptions: false,
    // Its script runs unshare(1), and the sh that this starts has no powers under no_new_privs.
    untrue: [12],
    prepare: bwrap,
  },
  {
    name: 'nspawn',
    what: 'the same under systemd-nspawn',
    needs: { 'systemd-nspawn': 'systemd-container', mmdebstrap: 'mmdebstrap' },
    fails: { root: ['pty', ...none], user: ['pty', ...none] },
    ...container,
    coversProc: false,
    fixedByOptions: true,
    prepare: nspawn,
  },
  {
    ...virtual,
    name: 'bookworm',
    what: 'Debian 12 with its kernel, Linux 6.1',
    obstacles,
    prepare: virtualMachine(debian12),
  },
  {
    ...virtual,
    name: 'trixie',
    what: 'Debian 13 with its kernel, Linux 6.12, and AppArmor',
    obstacles: {
      root: [],
      user: [{ set: `echo '${withoutUserns}' | apparmor_parser --replace`, launch: 'uid', line: 'apparmor' }],
    },
    prepare: virtualMachine(() => ({ ...debian13(), words: 'apparmor=1 security=apparmor' })),
  },
  {
    ...virtual,
    name: 'linux-5.10',
    what: 'Debian 12 with the kernel of Debian 11, Linux 5.10, which is too old',
    fails: { root: ['detach', 'overlay', 'subordinate-ids'], user: ['detach', 'overlay', 'limits'] },
    failsAfterwards: { root: ['detach', 'overlay'], user: [] },
    // Those that use -as-pid-1 and -detach.
    untrue: [6, 13, 15],
    says: { detach: 'Linux 5.11', overlay: 'Linux 5.11', 'doctor: kernel': 'Linux 5.11' },
    prepare: virtualMachine(() => ({
      kernel: kernel('bullseye', 'amd64', 'linux-image-amd64'),
      tree: tree('bookworm'),
    })),
  },
  {
    ...virtual,
    ...aarch64,
    name: 'arm64',
    what: 'Debian 13 on aarch64, with pages of 4 KiB',
    prepare: virtualMachine(() => onAarch64('linux-image-arm64')),
  },
  {
    ...virtual,
    ...aarch64,
    name: 'arm64-16k',
    what: 'the same with pages of 16 KiB',
    prepare: virtualMachine(() => onAarch64('linux-image-arm64-16k')),
  },
  {
    ...virtual,
    name: 'small',
    what: 'Debian 12 with one processor, 512 MiB and no control groups',
    fails: { root: none, user: ['limits'] },
    failsAfterwards: { root: ['limits'], user: [] },
    prepare: virtualMachine(() => ({ ...debian12(), words: 'machine.cgroup=none', cores: 1, memory: 512 })),
  },
  {
    ...virtual,
    name: 'systemd',
    what: 'Debian 13 with systemd, and a session of the user, whose user manager gives control groups away',
    fails: { root: ['subordinate-ids'], user: [] },
    tests: [...smoke, ...limits],
    prepare: virtualMachine(() => ({ ...debian13(), ...systemd() })),
  },
  {
    ...virtual,
    ...inUserMode,
    name: 'no-delegation',
    what: 'Debian 12 with systemd and a session of the user, and no user manager that would give control groups away',
    says: { limits: 'loginctl enable-linger' },
    tests: ['test/library/command-limits.test.ts'],
    prepare: virtualMachine(() => ({ ...userMode(), ...systemd('systemd.mask=user@1000.service') })),
  },
  {
    ...virtual,
    ...inUserMode,
    name: 'selinux',
    what: 'Debian 12 with SELinux, whose policy is enforced; both users are unconfined, as they are on Fedora',
    prepare: virtualMachine(
      () => ({ ...userMode(), words: 'security=selinux', tree: labelledTree('bookworm') }),
      'grep 1 /sys/fs/selinux/enforce && grep unconfined_t /proc/self/attr/current',
    ),
  },
  {
    ...virtual,
    ...inUserMode,
    name: 'cgroup-1',
    what: 'Debian 12 with systemd, and control groups of version 1 alone',
    says: { limits: 'Control groups of version 1 are for root alone' },
    tests: ['test/library/command-limits.test.ts'],
    prepare: virtualMachine(() => ({
      ...userMode(),
      ...systemd('systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1'),
    })),
  },
];
