/** The lines of gontainer doctor: by these names it prints what it found, and a failed launch points to them. */
import { type NamespaceFlag, namespaces } from '../../common/namespaces.js';

type NamespaceLine = `namespace-${NamespaceFlag}`;

export const lines = {
  node: 'Node',
  processor: 'processor',
  libc: 'C library',
  kernel: 'kernel',
  switches: 'switches against user namespaces',
  seccomp: 'seccomp',
  apparmor: 'AppArmor',
  limits: 'limits of namespaces',
  nesting: 'nested user namespaces',
  ...(Object.fromEntries(
    namespaces.map(({ flag, name }) => [`namespace-${flag}`, `${name} namespace`]),
  ) as Record<NamespaceLine, string>),
  launch: 'a rootless container (--uid --pid --uts)',
  proc: 'a new /proc, for --pid',
  pty: 'a descriptor from the container, for --pty and --watch',
  overlay: 'overlay file system in a user namespace',
  'subordinate-ids': 'subordinate IDs, for --map-auto',
  cgroup: 'cgroup',
  busybox: 'busybox, for rootfs create',
  terminal: 'terminal',
};

export type LineId = keyof typeof lines;

/** What to do next, with the line where the doctor has looked at the same. */
export const withLine = (next: string, line: LineId): string =>
  `${next} (gontainer doctor: “${lines[line]}”)`;
