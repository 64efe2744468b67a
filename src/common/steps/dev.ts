import { lstatSync, readdirSync } from 'node:fs';
import { type Constant, constants } from '../kernel/constants.js';
import type { Kernel } from '../kernel/kernel.js';
import { failedWith } from '../kernel/kernel-error.js';
import { mountLine, mountsInside } from '../mount-table.js';
import { type LaunchSpec, newSession, unshares } from '../spec.js';
import type { Step } from '../step.js';
import { sharedTerminal } from './console.js';
import { devpts, mayHaveTerminals } from './devpts.js';
import { hostPath } from './new-root-shell.js';
import { tmpfsSizes } from './tmpfs-sizes.js';

/** The devices that programs count on, with the numbers of null(4), full(4), random(4) and tty(4). */
const devices: Readonly<Record<string, readonly [major: number, minor: number]>> = {
  null: [1, 3],
  zero: [1, 5],
  full: [1, 7],
  random: [1, 8],
  urandom: [1, 9],
  tty: [5, 0],
};

const links: Readonly<Record<string, string>> = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
};

interface FileSystem {
  readonly name: string;
  readonly type: string;
  readonly flags: readonly Constant[];
  readonly data: string;
}

function fileSystems(spec: LaunchSpec): FileSystem[] {
  return [
    // Terminals of its own.
    ...(mayHaveTerminals(spec) ? [devpts(spec)] : []),
    {
      name: 'shm',
      type: 'tmpfs',
      flags: ['MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC'],
      data: `mode=1777,size=${spec.root?.shmSize ?? tmpfsSizes.sharedMemory}`,
    },
    ...(unshares(spec, 'ipc')
      ? [
          {
            name: 'mqueue',
            type: 'mqueue',
            flags: ['MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC'] as const,
            data: '',
          },
        ]
      : []),
  ];
}

const linksOf = (systems: readonly FileSystem[]): Record<string, string> =>
  systems.some(({ name }) => name === 'pts') ? { ...links, ptmx: 'pts/ptmx' } : links;

export const devStep: Step = {
  id: 'dev',
  stage: 'child',
  title: () => 'mount a new /dev',
  why:
    'The host’s /dev has the disks of the machine in it. A tmpfs with a few harmless devices takes its place, with its own ' +
    'terminals (devpts) and shared memory. A user namespace may not make devices, so there the host’s are bound. ' +
    'A terminal that the command shares with its caller is /dev/console.',
  man: 'tmpfs(5), pts(4), null(4), shm_overview(7), mq_overview(7)',
  shell: (spec) => {
    const dev = hostPath(spec, '/dev');
    const bound = (name: string) => `: > ${dev}/${name} && mount --bind /dev/${name} ${dev}/${name}`;
    const made = (name: string) => `mknod -m 666 ${dev}/${name} c ${devices[name]?.join(' ')}`;
    const option: Partial<Record<Constant, string>> = {
      MS_NOSUID: 'nosuid',
      MS_NODEV: 'nodev',
      MS_NOEXEC: 'noexec',
    };
    const systems = fileSystems(spec);
    return [
      `mount -t tmpfs -o nosuid,strictatime,mode=755,size=65536k tmpfs ${dev}`,
      ...Object.keys(devices).map(spec.maps === undefined ? made : bound),
      ...systems.map(({ name, type, flags, data }) => {
        const options = [...flags.map((flag) => option[flag]), data].filter(Boolean).join(',');
        return `mkdir ${dev}/${name} && mount -t ${type} -o ${options} ${type} ${dev}/${name}`;
      }),
      ...Object.entries(linksOf(systems)).map(([name, target]) => `ln -s ${target} ${dev}/${name}`),
      ...(newSession(spec)
        ? []
        : [`if [ -t 0 ]; then : > ${dev}/console; mount --bind "$(tty)" ${dev}/console; fi`]),
    ].join('; ');
  },
  gist: (spec) =>
    spec.maps === undefined
      ? 'mount -t tmpfs tmpfs /dev; mknod -m 666 /dev/null c 1 3'
      : 'mount -t tmpfs tmpfs /dev',
  applies: ({ root }) => root !== undefined,
  refusals: ({ maps }) =>
    maps === undefined
      ? [
          {
            call: 'mknod',
            instead: 'no device can be made here, so those of the host are bound into the new /dev',
            title: 'bind devices into a new /dev',
          },
        ]
      : [],
  run: ({ spec, kernel }) => {
    kernel.call('mount', {
      source: 'tmpfs',
      target: '/dev',
      filesystemtype: 'tmpfs',
      mountflags: ['MS_NOSUID', 'MS_STRICTATIME'],
      data: 'mode=755,size=65536k',
    });
    const before = kernel.call('umask', { mask: 0 });
    for (const name of Object.keys(devices)) makeDevice(kernel, name, spec.maps === undefined);
    const systems = fileSystems(spec);
    for (const { name, type, flags, data } of systems) {
      kernel.call('mkdir', { pathname: `/dev/${name}`, mode: 0o755 });
      kernel.call('mount', {
        source: type,
        target: `/dev/${name}`,
        filesystemtype: type,
        mountflags: flags,
        data: data || null,
      });
    }
    for (const [name, target] of Object.entries(linksOf(systems)))
      kernel.call('symlink', { target, linkpath: `/dev/${name}` });
    const terminal = sharedTerminal(spec, kernel.root === '/' ? '' : '/');
    if (terminal !== undefined) bindDevice(kernel, terminal.slice(1), '/dev/console');
    kernel.call('umask', { mask: before });
  },
  evidence: () => ({
    '/dev': list('/dev'),
    devices: Object.keys(devices).flatMap(deviceLine),
    mounts: mountsInside().atOrBelow('/dev').map(mountLine),
  }),
  summary: (_, after) => {
    const found = (after.mounts as string[]).map((line) => line.split(' ')[0]?.slice('/dev/'.length));
    const mounts = ['pts', 'shm', 'mqueue'].filter((name) => found.includes(name));
    return [`${(after.devices as string[]).length} devices`, ...mounts].join(', ');
  },
  shortfall: (_, after, spec) => {
    const [names, found, mounts] = [after['/dev'], after.devices, after.mounts] as string[][];
    const mounted = [{ place: '/dev', type: 'tmpfs' }].concat(
      fileSystems(spec).map(({ name, type }) => ({ place: `/dev/${name}`, type })),
    );
    const absent = mounted.find(
      ({ place, type }) => !mounts?.some((line) => line.startsWith(`${place} ${type} `)),
    );
    if (absent !== undefined) return `no ${absent.type} is mounted at ${absent.place}`;
    const device = Object.entries(devices).find(
      ([name, [major, minor]]) => !found?.includes(`${name} ${major}:${minor}`),
    );
    if (device !== undefined) return `/dev/${device[0]} is not the device ${device[1].join(':')}`;
    const link = Object.keys(links).find((name) => !names?.includes(name));
    return link && `/dev/${link} is missing`;
  },
};

/**
 * Makes the node, which only real root can do, and only where nothing restricts devices; otherwise binds the host's
 * (from the working directory, which is the old root).
 */
function makeDevice(kernel: Kernel, name: string, mayMake: boolean): void {
  const made = mayMake && mknod(kernel, `/dev/${name}`, devices[name] as readonly [number, number]);
  if (!made) bindDevice(kernel, `dev/${name}`, `/dev/${name}`);
}

function bindDevice(kernel: Kernel, source: string, target: string): void {
  const flags = ['O_WRONLY', 'O_CREAT', 'O_EXCL', 'O_CLOEXEC'] as const;
  kernel.call('close', { fd: kernel.call('open', { pathname: target, flags, mode: 0o666 }) });
  kernel.call('mount', {
    source,
    target,
    filesystemtype: null,
    mountflags: ['MS_BIND'],
    data: null,
  });
}

function mknod(kernel: Kernel, pathname: string, [major, minor]: readonly [number, number]): boolean {
  try {
    // makedev(3), for numbers below 256.
    kernel.call('mknod', { pathname, mode: constants.S_IFCHR | 0o666, dev: major * 256 + minor });
    return true;
  } catch (error) {
    if (failedWith(error, 'EPERM')) return false;
    throw error;
  }
}

/** `null 1:3` for a device, nothing for anything else: makedev(3), for numbers below 256. */
function deviceLine(name: string): string[] {
  try {
    const found = lstatSync(`/dev/${name}`);
    return found.isCharacterDevice() ? [`${name} ${found.rdev >> 8}:${found.rdev & 255}`] : [];
  } catch {
    return [];
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
