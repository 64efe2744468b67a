/** What a reader can do about a kernel call that failed. The reasons are looked up on this host, not guessed. */
import { readFileSync } from 'node:fs';
import { mountTable } from '../common/evidence.js';
import type { KernelErrorData } from '../common/kernel/kernel-error.js';
import type { LaunchSpec, NewRoot } from '../common/spec.js';
import { outsideId, unshares } from '../common/spec.js';

/** A switch by which a host forbids user namespaces, and the words for it. */
interface Switch {
  readonly path: string;
  readonly forbids: (value: number) => boolean;
  readonly next: string;
}

const switches: readonly Switch[] = [
  {
    path: '/proc/sys/user/max_user_namespaces',
    forbids: (value) => value === 0,
    next: 'User namespaces are switched off here (user.max_user_namespaces is 0); allow them with: sudo sysctl user.max_user_namespaces=10000',
  },
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: (value) => value === 0 && process.geteuid?.() !== 0,
    next: 'User namespaces are only for root here (kernel.unprivileged_userns_clone is 0); allow them with: sudo sysctl kernel.unprivileged_userns_clone=1',
  },
  {
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: (value) => value === 1 && process.geteuid?.() !== 0,
    next: 'AppArmor restricts user namespaces here (kernel.apparmor_restrict_unprivileged_userns is 1); allow them until the next start with: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  },
];

/** The switch that is set against user namespaces on this host, if one is. */
export const forbiddenBy = (): string | undefined =>
  switches.find(({ path, forbids }) => {
    const value = setting(path);
    return value !== undefined && forbids(value);
  })?.next;

function setting(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // This kernel has no such switch.
  }
}

/** Reads a value like `Seccomp: 2` of proc_pid_status(5). */
export const filteredBySeccomp = (): boolean =>
  /^Seccomp:\s*2$/m.test(readFileSync('/proc/self/status', 'utf8'));

/** The limits of the other kinds of namespaces, by what the host calls them in /proc/sys/user. */
const namespaceLimits = ['mnt', 'uts', 'ipc', 'net', 'pid', 'cgroup', 'time'];

/** What an errno means wherever it comes up: errno(3). */
const byErrno: Readonly<Record<string, string>> = {
  EPERM:
    'The kernel or a security module (seccomp, AppArmor, SELinux) refused it: gontainer doctor looks for what does, and the last lines of dmesg may name it.',
  EACCES:
    'You may not use this file or folder: check its owner and permissions, and those of the folders above it.',
  EINVAL:
    'This kernel does not take these arguments: compare its version (uname -r) with the manual page of the call.',
  ENOSYS: 'This kernel does not have this call, or a seccomp filter hides it: see uname -r.',
  ENOSPC:
    'A limit of the kernel or a file system is reached: gontainer doctor tries each kind of namespace; see also the sysctls user.max_*_namespaces, and df -i.',
  EBUSY: 'Something else is using it: end what does, or try again.',
  EMFILE: 'Too many files are open: see ulimit -n.',
  ENFILE: 'Too many files are open on this host: see sysctl fs.file-max.',
  EIO: 'The kernel could not read or write it: see the last lines of dmesg.',
};

/** One sentence: what to do now. */
export function nextAction({ step, call, args, errno }: KernelErrorData, spec: LaunchSpec): string {
  const withUser = unshares(spec, 'uid');
  if (call === 'unshare' && errno === 'EPERM' && !withUser) {
    return 'Making these namespaces takes CAP_SYS_ADMIN: add -uid, or run it as root.';
  }
  if (withUser && ['EPERM', 'ENOSPC', 'EACCES'].includes(errno)) {
    const forbidden = forbiddenBy();
    if (forbidden !== undefined) return forbidden;
  }
  if (call === 'unshare' && errno === 'ENOSPC') {
    const full = namespaceLimits.find((entry) => setting(`/proc/sys/user/max_${entry}_namespaces`) === 0);
    return full === undefined
      ? 'A limit on namespaces is reached: too many are in use or nested; see the sysctls user.max_*_namespaces.'
      : `This host allows no such namespace (user.max_${full}_namespaces is 0); allow them with: sudo sysctl user.max_${full}_namespaces=10000`;
  }
  if (call === 'unshare' && errno === 'EPERM') {
    return filteredBySeccomp()
      ? 'A seccomp filter forbids it, as in a container: run gontainer outside, or start the container with --security-opt seccomp=unconfined.'
      : 'A user namespace cannot be made inside a chroot, or from IDs that are not mapped: run it outside.';
  }
  if (call === 'unshare' && errno === 'EINVAL')
    return 'This kernel lacks one of these kinds of namespaces: leave out -time or -cgroup.';
  if (step === 'id-maps') {
    return errno === 'EPERM'
      ? 'The kernel lets an unprivileged user map only the own ID, once; for more use --map-auto, or run it as root.'
      : 'Check the lines of --uid-map and --gid-map: INSIDE:OUTSIDE:COUNT, at most 340, without overlap.';
  }
  if (step === 'clock-offsets')
    return 'The clocks inside must not become negative or too large: choose another offset.';
  if (step === 'capabilities')
    return 'It takes CAP_SETPCAP, which you do not have: keep what there is, with -cap-keep=all.';
  if (call === 'pidfd_getfd' && errno === 'EPERM') {
    return 'The parent may not take the terminal out of the child: kernel.yama.ptrace_scope is 3 here, or a seccomp filter forbids it, as in a container. Leave out -pty, or run it outside.';
  }
  if (step === 'devpts' && errno === 'ENOENT') return 'There is no /dev/pts here: mount devpts there first.';
  if (step === 'proc' && errno === 'EPERM') {
    return '/proc of this host is partly covered, as in a container, and then the kernel gives no new one to a user namespace: leave out -pid, or run it outside.';
  }
  if (spec.root !== undefined) {
    const next = nextInRoot({ step, call, args, errno }, spec.root, spec);
    if (next !== undefined) return next;
  }
  if (call === 'clone' || errno === 'EAGAIN' || errno === 'ENOMEM')
    return 'Memory or processes are short: see ulimit -u and free.';
  if (errno === 'EPERM' && !withUser)
    return 'It takes privilege that you do not have: add -uid, or run it as root.';
  return (
    byErrno[errno] ??
    'This is not expected here: run it again with --log-level trace, which shows every call up to this one.'
  );
}

/** The same for the steps that set the new root up. */
function nextInRoot(
  { step, call, args, errno }: KernelErrorData,
  { path, overlay }: NewRoot,
  { maps, fileOwner }: LaunchSpec,
): string | undefined {
  const withUser = maps !== undefined;
  if (step === 'overlay') {
    if (errno === 'ENODEV') return 'This kernel has no overlayfs: sudo modprobe overlay may load it.';
    if (withUser && mountedBelow(path))
      return `Something is mounted below ${path}, and in a user namespace nobody may look under it: unmount it first.`;
    if (withUser && errno === 'EPERM') return 'overlayfs in a user namespace needs Linux 5.11 or later.';
    if (overlay?.keptIn)
      return `Check that you may write to ${overlay.keptIn}, and that its file system can be an upper layer (NFS and overlayfs cannot).`;
  }
  const making =
    (step === 'mount-points' || step === 'requested-mounts') && (call === 'mkdir' || call === 'open');
  if (making && errno === 'EEXIST')
    return `${path}${args.pathname} is a symbolic link that leads nowhere: remove it, or choose another target.`;
  if (making)
    return `${path} lacks ${args.pathname}, and it cannot be made there: make it yourself, or add --ephemeral, which makes it in memory.`;
  if (step === 'working-directory') return 'Choose for -workdir a directory that exists inside.';
  if (errno === 'EACCES' && fileOwner !== undefined)
    return `User ${fileOwner.uid} inside is user ${outsideId(maps?.uid ?? [], fileOwner.uid)} outside, who must be let through to ${path}: chmod o+x the folders above it.`;
  return undefined;
}

/** Whether the host has mounts below a directory: proc_pid_mountinfo(5). */
const mountedBelow = (path: string): boolean =>
  mountTable().some(({ mountPoint }) => mountPoint.startsWith(`${path}/`));
