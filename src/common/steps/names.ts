/** Files that carry the names of the container and of those it can reach: hostname(5), hosts(5), resolv.conf(5). */
import { lstatSync, statSync } from 'node:fs';
import { pathOf, realPath } from '../byte-text.js';
import { beginningOf } from '../container-file.js';
import { defined } from '../defined.js';
import type { Kernel } from '../kernel/kernel.js';
import { mountLine, mountsInside } from '../mount-table.js';
import { shellWord } from '../shell-word.js';
import type { LaunchSpec } from '../spec.js';
import type { Evidence, Step } from '../step.js';
import { remounted, restrictMounts } from './mount-attributes.js';
import { hostPath } from './new-root-shell.js';
import { seen } from './seen.js';

const resolver = '/etc/resolv.conf';

/** What is put over them. */
interface NamedFile {
  readonly path: string;
  readonly content: (hostname: string, kernel: Kernel) => string;
  /** The same as a shell command; both are words of a shell. */
  readonly shell: (hostname: string, file: string) => string;
}

const ownFiles: readonly NamedFile[] = [
  {
    path: '/etc/hostname',
    content: (hostname) => `${hostname}\n`,
    shell: (hostname) => `echo ${hostname}`,
  },
  // 127.0.1.1 is Debian's convention for a host whose name stands for no address.
  {
    path: '/etc/hosts',
    content: (hostname, kernel) => `${hostsFile(kernel)}127.0.1.1\t${hostname}\n`,
    shell: (hostname, file) => `{ cat ${file}; echo 127.0.1.1 ${hostname}; }`,
  },
];

/** The files that this launch covers, if they are there. */
export const namedFiles = ({ hostname, root }: LaunchSpec): string[] => [
  ...(hostname === undefined ? [] : ownFiles.map(({ path }) => path)),
  ...(root?.resolver === undefined ? [] : [resolver]),
];

export const namesStep: Step = {
  id: 'names',
  stage: 'child',
  title: () => 'cover the files of names',
  why:
    'Programs also read the host name, and the address of the name server, from files. Files in memory are mounted over ' +
    'them, so the root file system itself stays as it is. The resolver is the host’s as long as the network is.',
  man: 'hostname(5), hosts(5), resolv.conf(5)',
  shell: (spec) => {
    const [dev, name] = [hostPath(spec, '/dev'), spec.hostname ?? ''];
    const own = ownFiles.map(({ path, shell }) => {
      const [file, made] = [hostPath(spec, path), hostPath(spec, path.replace('/etc/', '/dev/'))];
      return `if [ -f ${file} ]; then ${shell(shellWord(name), file)} > ${made}; mount --bind ${made} ${file}; fi`;
    });
    const file = hostPath(spec, resolver);
    const source = shellWord(spec.root?.resolver ?? '');
    return [
      ...(spec.hostname === undefined
        ? []
        : [`mount -t tmpfs -o nosuid,nodev,noexec,mode=755,size=2m tmpfs ${dev}`, ...own, `umount ${dev}`]),
      ...(spec.root?.resolver === undefined
        ? []
        : [`if [ -f ${file} ]; then mount --bind ${source} ${file}; mount -o remount,bind,ro ${file}; fi`]),
    ].join('; ');
  },
  gist: (spec) =>
    `mount --bind ${spec.hostname === undefined ? '/etc/resolv.conf' : 'NEW_NAME'} /etc/${spec.hostname === undefined ? 'resolv.conf' : 'hostname'}`,
  applies: (spec) => spec.root !== undefined && namedFiles(spec).length > 0,
  run: ({ spec, kernel }) => {
    const { hostname, root } = spec;
    if (hostname !== undefined) coverWithOwn(kernel, hostname);
    if (root?.resolver !== undefined && isFile(seen(kernel, resolver))) {
      bind(kernel, root.resolver.slice(1), resolver); // The old root's: a relative path.
      restrictMounts(kernel, resolver, ['MOUNT_ATTR_RDONLY']);
    }
  },
  evidence: ({ spec }) => {
    const places = ['/dev', ...covered(spec)];
    const others = namedFiles(spec).filter(
      (path) => !isFile(path) && lstatSync(path, { throwIfNoEntry: false }),
    );
    return defined({
      mounts: mountsInside()
        .all.filter(({ mountPoint }) => places.includes(mountPoint))
        .map(mountLine),
      '/etc/hostname': spec.hostname === undefined ? undefined : text('/etc/hostname').trimEnd(),
      'not files': others.length === 0 ? undefined : others,
    });
  },
  refusals: () => remounted,
  lacks: (after) =>
    ((after['not files'] ?? []) as string[]).map(
      (path) => `in the new root ${path} is not a file, so nothing is put over it`,
    ),
  summary: (_, after) => {
    const places = (after.mounts as string[])
      .map((line) => line.split(' ')[0])
      .filter((path) => path !== '/dev');
    return places.length === 0 ? 'there is none in the new root' : [...new Set(places)].join(' ');
  },
  shortfall: (before, after, spec) => {
    const at = (evidence: Evidence, path: string) =>
      (evidence.mounts as string[]).filter((line) => line.startsWith(`${path} `)).length;
    const open = covered(spec).find((path) => at(after, path) <= at(before, path));
    if (open !== undefined) return `${open} is not covered`;
    return at(after, '/dev') === at(before, '/dev') ? undefined : 'the tmpfs of the files is still on /dev';
  },
};

/** Where the files are that are there to be covered: a link among them leads to another place. */
const covered = (spec: LaunchSpec): string[] =>
  namedFiles(spec)
    .filter(isFile)
    .map((path) => realPath(path));

/** The files are made on a tmpfs that is mounted on /dev only for this; bound over the others, they live on. */
function coverWithOwn(kernel: Kernel, hostname: string): void {
  const files = ownFiles.filter(({ path }) => isFile(seen(kernel, path)));
  const contents = files.map(({ content }) => content(hostname, kernel));
  kernel.call('mount', {
    source: 'tmpfs',
    target: '/dev',
    filesystemtype: 'tmpfs',
    mountflags: ['MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC'],
    data: 'mode=755,size=2m',
  });
  files.forEach(({ path }, index) => {
    const made = path.replace('/etc/', '/dev/');
    const flags = ['O_WRONLY', 'O_CREAT', 'O_EXCL', 'O_CLOEXEC'] as const;
    kernel.call('close', { fd: kernel.call('open', { pathname: made, flags, mode: 0o644 }) });
    kernel.writeFile(made, contents[index] as string);
    kernel.call('chmod', { pathname: made, mode: 0o644 });
    bind(kernel, made, path);
  });
  kernel.call('umount2', { target: '/dev', flags: 0 });
}

function bind(kernel: Kernel, source: string, target: string): void {
  kernel.call('mount', { source, target, filesystemtype: null, mountflags: ['MS_BIND'], data: null });
}

function isFile(path: string): boolean {
  try {
    return statSync(pathOf(path)).isFile();
  } catch {
    return false; // It is missing, or a link that leads nowhere.
  }
}

/** The one of the root file system, if it has one, with a newline at its end. */
function hostsFile(kernel: Kernel): string {
  const given = text(seen(kernel, '/etc/hosts'));
  if (given.trim() === '') return '127.0.0.1\tlocalhost\n::1\tlocalhost\n';
  return given.endsWith('\n') ? given : `${given}\n`;
}

/** Empty where there is no such file. */
const text = (path: string): string => beginningOf(path)?.toString() ?? '';
