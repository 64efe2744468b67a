/** What /proc and /sys hold beyond processes and devices is the whole machine's: the same lists as runc's. */
import { lstatSync } from 'node:fs';
import { isReadOnly } from '../evidence.js';
import type { Kernel } from '../kernel/kernel.js';
import { mountLine, mountsInside } from '../mount-table.js';
import type { Step } from '../step.js';
import { remounted, restrictMounts } from './mount-attributes.js';
import { hostPath } from './new-root-shell.js';

/** By these, settings of the whole machine can be changed. */
const readOnly = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** These show memory, keys and timings of the whole machine, or reach its hardware. */
const masked = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

const present = (path: string): 'directory' | 'file' | undefined => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found && (found.isDirectory() ? 'directory' : 'file');
};

export const masksStep: Step = {
  id: 'masks',
  stage: 'child',
  title: () => 'cover parts of /proc and /sys',
  why:
    'Not everything there belongs to a namespace. A user namespace is refused most of it anyway; real root could change ' +
    'kernel settings and read memory through it. Covered files read as empty, and settings can only be read.',
  man: 'proc(5), sysfs(5)',
  shell: (spec) => {
    const each = (paths: readonly string[], work: string) =>
      `for path in ${paths.map((path) => hostPath(spec, path)).join(' ')}; do if [ -e "$path" ]; then ${work}; fi; done`;
    const empty = 'mount -t tmpfs -o ro,nosuid,nodev,noexec,mode=555,size=4k tmpfs "$path"';
    return [
      each(readOnly, 'mount --rbind "$path" "$path"; mount -o remount,bind,ro "$path"'),
      each(masked, `if [ -d "$path" ]; then ${empty}; else mount --bind /dev/null "$path"; fi`),
    ].join('; ');
  },
  gist: () => 'mount --bind /dev/null /proc/kcore',
  applies: ({ root }) => root !== undefined,
  refusals: () => remounted,
  run: ({ kernel }) => {
    for (const path of readOnly) if (present(path) !== undefined) protect(kernel, path);
    for (const path of masked) {
      const kind = present(path);
      if (kind !== undefined) cover(kernel, path, kind);
    }
  },
  evidence: () => ({
    mounts: mountsInside()
      .all.filter(({ mountPoint }) => [...readOnly, ...masked].includes(mountPoint))
      .map(mountLine),
  }),
  summary: (_, after) => {
    const places = new Set((after.mounts as string[]).map((line) => line.split(' ')[0] as string));
    const settings = readOnly.filter((path) => places.has(path)).length;
    return `${settings} read-only, ${places.size - settings} that read as empty`;
  },
  shortfall: (_, after) => {
    const covered = (after.mounts as string[]).map((line) => line.split(' ')[0] as string);
    const open = [...readOnly, ...masked].find(
      (path) => present(path) !== undefined && !covered.includes(path),
    );
    if (open !== undefined) return `${open} is not covered`;
    // The last one at a place is the one that is seen.
    const writable = readOnly.find((path) => {
      const seen = (after.mounts as string[]).findLast((line) => line.startsWith(`${path} `));
      return seen !== undefined && !isReadOnly(seen);
    });
    return writable && `${writable} is writable`;
  },
};

function protect(kernel: Kernel, path: string): void {
  kernel.call('mount', {
    source: path,
    target: path,
    filesystemtype: null,
    mountflags: ['MS_BIND', 'MS_REC'],
    data: null,
  });
  restrictMounts(kernel, path, ['MOUNT_ATTR_RDONLY']);
}

/** A file by the host's /dev/null, from the working directory, which is the old root; a directory by an empty one. */
function cover(kernel: Kernel, path: string, kind: 'directory' | 'file'): void {
  kernel.call(
    'mount',
    kind === 'file'
      ? { source: 'dev/null', target: path, filesystemtype: null, mountflags: ['MS_BIND'], data: null }
      : {
          source: 'tmpfs',
          target: path,
          filesystemtype: 'tmpfs',
          mountflags: ['MS_RDONLY', 'MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC'],
          data: 'mode=555,size=4k',
        },
  );
}
