/** What a reader can do about a kernel call that failed. The reasons are looked up on this host, not guessed. */

import { defined } from '../../common/defined.js';
import { isWithin } from '../../common/is-within.js';
import type { KernelErrorData } from '../../common/kernel/kernel-error.js';
import { mountTable } from '../../common/mount-table.js';
import type { LaunchSpec, NewRoot } from '../../common/spec.js';
import { outsideId, unshares } from '../../common/spec.js';
import { withLine } from './doctor-lines.js';
import { needsNewerKernel } from './newer-kernel.js';
import {
  type Advice,
  confinedBy,
  filteredBySeccomp,
  forbiddenBy,
  outOfContainer,
  refusedByPolicy,
  setting,
  unshareRefused,
} from './obstacles.js';
import { groupRefused } from './refused-group.js';

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

/** One sentence: what to do now; and the line of the doctor that is about it, where there is one. */
export function nextAction({ step, call, args, errno }: KernelErrorData, spec: LaunchSpec): string {
  const withUser = unshares(spec, 'uid');
  if (call === 'unshare') {
    const advice = unshareRefused(errno, spec.unshared);
    if (advice !== undefined) return inWords(advice);
  }
  // They are made and entered on the host, where no namespace counts.
  const group = groupRefused({ step, call, args, errno });
  if (group !== undefined) return group;
  if (withUser && ['EPERM', 'ENOSPC', 'EACCES'].includes(errno)) {
    const forbidden = forbiddenBy();
    if (forbidden !== undefined) return withLine(forbidden, 'switches');
  }
  if (call === 'sethostname' && withUser) {
    const advice = refusedByPolicy(errno);
    if (advice !== undefined) return withLine(advice.next, 'namespace-uts');
  }
  const newer = needsNewerKernel({ call, errno });
  if (newer !== undefined) return newer;
  if (step === 'id-maps') {
    if (spec.maps?.writer === 'newuidmap')
      return 'Check that /etc/subuid and /etc/subgid are those that newuidmap(1) goes by, and that it is set-user-ID: ls -l $(command -v newuidmap).';
    return errno === 'EPERM'
      ? 'The kernel lets an unprivileged user map only the own ID, once; for more use --map-auto, or run it as root.'
      : 'Check the lines of --uid-map and --gid-map: CONTAINER:HOST:COUNT, at most 340, without overlap.';
  }
  if (step === 'clock-offsets')
    return 'The clocks of the container must not become negative or too large: choose another offset.';
  if (step === 'capabilities')
    return 'It takes CAP_SETPCAP, which you do not have: keep what there is, with --cap-keep=all.';
  if (call === 'seccomp' && errno === 'EBUSY')
    return 'Somebody watches this launcher already, and the kernel lets one watch at a time: leave out one --watch.';
  if (call === 'pidfd_getfd')
    return withLine(takingRefused(errno, step === 'exec' ? '--watch' : '--pty'), 'pty');
  if (step === 'devpts' && errno === 'ENOENT') return 'There is no /dev/pts here: mount devpts there first.';
  if (step === 'proc' && errno === 'EPERM') {
    return withLine(coveredProc(), 'proc');
  }
  if (step === 'working-directory') return 'Choose a directory for --workdir that exists in the container.';
  if (spec.root !== undefined) {
    const next = nextInRoot({ step, call, args, errno }, spec.root, spec);
    if (next !== undefined) return next;
  }
  if (call === 'clone' || errno === 'EAGAIN' || errno === 'ENOMEM')
    return 'Memory or processes are short: see ulimit -u and free.';
  if (errno === 'EPERM' && !withUser)
    return 'It takes privilege that you do not have: add --uid, or run it as root.';
  const profile = confinedBy();
  if (profile !== undefined && ['EPERM', 'EACCES'].includes(errno))
    return withLine(
      `The AppArmor profile ${profile}, which confines this process, may be what refuses it: sudo dmesg | grep DENIED says so`,
      'apparmor',
    );
  if (withUser && ['EPERM', 'ENOSYS'].includes(errno) && filteredBySeccomp())
    return withLine('A seccomp filter may be what refuses it, as in a container', 'seccomp');
  return (
    byErrno[errno] ??
    'This is not expected here: run it again with --log-level trace, which shows every call up to this one.'
  );
}

const inWords = ({ next, line }: Advice): string => (line === undefined ? next : withLine(next, line));

/** Why no new /proc can be mounted. */
export const coveredProc = (): string =>
  `/proc is partly covered here, as in a container, and then a user namespace gets no new one: ${outOfContainer()}`;

/** What the launcher takes out of the container for these options. */
const takenFor = {
  '--pty': 'the terminal',
  '--watch': 'the listener',
  '--pty and --watch': 'a terminal or a listener',
};

/**
 * Why the launcher may not take a descriptor out of a process in the container, which it started: pidfd_getfd(2), ptrace(2).
 * @param options what it is taken for
 */
export function takingRefused(errno: string, options: keyof typeof takenFor): string {
  const sentence = `The launcher may not take ${takenFor[options]} out of the container`;
  if (errno === 'EPERM' && setting('/proc/sys/kernel/yama/ptrace_scope') === 3)
    return `${sentence}: kernel.yama.ptrace_scope is 3, which lasts until the next start of the machine. Leave out ${options}`;
  const advice = refusedByPolicy(errno);
  return advice === undefined
    ? `${sentence}: leave out ${options}`
    : `${advice.next}; or leave out ${options}`;
}

/** The same for the steps that set the new root up. */
function nextInRoot(
  { step, call, args, errno }: KernelErrorData,
  root: NewRoot,
  { maps, fileOwner }: LaunchSpec,
): string | undefined {
  const withUser = maps !== undefined;
  const layered = step === 'overlay' ? root : boundOverlayAt(step, args, root);
  const { path } = layered ?? root;
  if (layered !== undefined) {
    if (errno === 'ENODEV')
      return withLine('This kernel has no overlayfs: sudo modprobe overlay may load it', 'overlay');
    if (withUser && mountedBelow(path))
      return `Something is mounted below ${path}, and in a user namespace nobody may look under it: unmount it first.`;
    if (withUser && errno === 'EPERM')
      return withLine('overlayfs in a user namespace needs Linux 5.11 or later', 'overlay');
    if (layered.overlay?.keptIn)
      return `Check that you may write to ${layered.overlay.keptIn}, and that its file system can be an upper layer (NFS and overlayfs cannot).`;
    if (errno === 'EINVAL' && args.source === 'overlay')
      return `The file system of ${path} cannot lie below an overlay, as /proc cannot: choose a folder on another.`;
  }
  const making =
    (step === 'mount-points' || step === 'requested-mounts') && (call === 'mkdir' || call === 'open');
  if (making && errno === 'EEXIST')
    return `${path}${args.pathname} is a symbolic link that leads nowhere: remove it, or choose another target.`;
  if (making)
    return `${path} lacks ${args.pathname}, and it cannot be made there: make it yourself, or add --ephemeral, which makes it in memory.`;
  if (errno === 'EACCES' && fileOwner !== undefined)
    return `User ${fileOwner.uid} of the container is user ${outsideId(maps?.uid ?? [], fileOwner.uid)} on the host, who must be able to reach ${path}: chmod o+x the folders above it.`;
  return undefined;
}

/** The overlay above a bound folder, where a call was about that. */
function boundOverlayAt(
  step: string,
  { target, pathname }: KernelErrorData['args'],
  { mounts }: NewRoot,
): Pick<NewRoot, 'path' | 'overlay'> | undefined {
  if (step !== 'requested-mounts') return undefined;
  const place = String(target ?? pathname);
  const overlays = mounts.flatMap((mount) => (mount.kind === 'bind' && mount.overlay ? [mount] : []));
  // The parts of an overlay have relative names, which say nothing of the folder that it is for.
  const isPart = !place.startsWith('/');
  if (isPart && overlays.length > 1) return { path: overlays.map(({ source }) => source).join(' or ') };
  const found = overlays.find(({ target }) => isPart || isWithin(place, target));
  if (found === undefined || (place === found.target && pathname !== undefined)) return undefined;
  return { path: found.source, ...defined({ overlay: found.overlay }) };
}

/** Whether the host has mounts below a directory: proc_pid_mountinfo(5). */
const mountedBelow = (path: string): boolean =>
  mountTable()
    .atOrBelow(path)
    .some(({ mountPoint }) => mountPoint !== path);
