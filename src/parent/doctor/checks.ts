/** What the doctor looks at: one table, in the order in which it is shown. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { release, userInfo } from 'node:os';
import { isatty } from 'node:tty';
import { address } from '../../common/kernel/libc.js';
import { namespaces } from '../../common/namespaces.js';
import { filteredBySeccomp, forbiddenBy } from '../next-action.js';
import { tryLaunch, tryUnshare } from './trial.js';

/** What a check found. `fix` is there where something can be done. */
export interface Finding {
  /** `problem`: the first container of a workshop will not work. `warning`: something beyond it will not. */
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  readonly fix?: string;
}

export interface Check {
  readonly id: string;
  readonly title: string;
  readonly examine: () => Finding;
}

const ok = (found: string): Finding => ({ state: 'ok', found });
const warning = (found: string, fix: string): Finding => ({ state: 'warning', found, fix });
const problem = (found: string, fix: string): Finding => ({ state: 'problem', found, fix });

const isRoot = process.geteuid?.() === 0;

const namespaceChecks: readonly Check[] = namespaces.map(({ flag, name, clone, since }) => ({
  id: `namespace-${flag}`,
  title: `${name} namespace`,
  examine: () => {
    const errno = tryUnshare(flag === 'uid' ? [clone] : ['CLONE_NEWUSER', clone]);
    if (errno === undefined) return ok('can be made');
    const fix =
      errno === 'EINVAL'
        ? `This kernel lacks it; it is there since Linux ${since}: leave out -${flag}.`
        : (forbiddenBy() ??
          `See sysctl user.max_${flag === 'uid' ? 'user' : flag}_namespaces, and “seccomp” above.`);
    return flag === 'uid' || flag === 'pid' || flag === 'mnt'
      ? problem(`unshare(2) fails with ${errno}`, fix)
      : warning(`unshare(2) fails with ${errno}`, fix);
  },
}));

/** In memory, and in a mount namespace that ends with it. */
const overlayScript =
  'mount -t tmpfs none /tmp && mkdir /tmp/upper /tmp/work /tmp/all && ' +
  'mount -t overlay none /tmp/all -o lowerdir=/usr,upperdir=/tmp/upper,workdir=/tmp/work';

export const checks: readonly Check[] = [
  {
    id: 'node',
    title: 'Node',
    examine: () => {
      const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
      return major > 20 || (major === 20 && minor >= 19)
        ? ok(process.version)
        : problem(process.version, 'Install Node 20.19 or later.');
    },
  },
  {
    id: 'processor',
    title: 'processor',
    examine: () =>
      ['x64', 'arm64'].includes(process.arch)
        ? ok(process.arch)
        : problem(process.arch, 'Use a machine with an x86-64 or an aarch64 processor.'),
  },
  {
    id: 'libc',
    title: 'C library',
    examine: () => {
      try {
        for (const name of ['makecontext', 'setcontext', 'close_range']) address(name);
        return ok('glibc, with what call chains need');
      } catch (error) {
        return problem((error as Error).message, String((error as { next?: string }).next));
      }
    },
  },
  { id: 'kernel', title: 'kernel', examine: () => ok(release()) },
  {
    id: 'switches',
    title: 'switches against user namespaces',
    examine: () => {
      const forbidden = forbiddenBy();
      return forbidden === undefined ? ok('none is set') : problem('one is set', forbidden);
    },
  },
  {
    id: 'seccomp',
    title: 'seccomp',
    examine: () =>
      filteredBySeccomp()
        ? warning(
            'a filter is active, as in a container',
            'If a namespace fails below, start the container with --security-opt seccomp=unconfined, or use the host.',
          )
        : ok('no filter'),
  },
  ...namespaceChecks,
  {
    id: 'launch',
    title: 'a rootless container (-uid -pid -uts)',
    examine: () => {
      const said = tryLaunch(['--uid', '--pid', '--uts']);
      return said === undefined ? ok('works') : problem('fails', said);
    },
  },
  {
    id: 'overlay',
    title: 'overlay file system in a user namespace',
    examine: () => {
      const said = tryLaunch(['--uid', '--pid'], overlayScript);
      return said === undefined
        ? ok('can be mounted')
        : warning(
            'cannot be mounted',
            'It takes Linux 5.11 and mount(8); without it a root file system is copied instead.',
          );
    },
  },
  {
    id: 'subordinate-ids',
    title: 'subordinate IDs, for -map-auto',
    examine: () => {
      if (!existsSync('/usr/bin/newuidmap'))
        return warning(
          'newuidmap is not installed',
          'Install the package uidmap (Debian, Ubuntu) or shadow-utils.',
        );
      const name = userName();
      const listed = ['/etc/subuid', '/etc/subgid'].every((file) =>
        linesOf(file).some((line) => line.startsWith(`${name}:`)),
      );
      return listed
        ? ok(`${name} has some`)
        : warning(
            `${name} has none`,
            `Run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`,
          );
    },
  },
  {
    id: 'cgroup',
    title: 'cgroup',
    examine: () => {
      if (!existsSync('/sys/fs/cgroup/cgroup.controllers'))
        return warning('not version 2', 'Only looking at cgroups differs: nothing here needs version 2.');
      return ok(isRoot || writable('/sys/fs/cgroup') ? 'version 2, yours to change' : 'version 2');
    },
  },
  {
    id: 'busybox',
    title: 'busybox, for rootfs create',
    examine: () =>
      ['/bin/busybox', '/usr/bin/busybox'].some(isFile)
        ? ok('installed')
        : warning(
            'not installed',
            'rootfs create then copies the commands of this machine; or install busybox-static.',
          ),
  },
  {
    id: 'terminal',
    title: 'terminal',
    examine: () =>
      isatty(0)
        ? ok(`${process.env.TERM ?? 'of no known kind'}`)
        : warning('standard input is none', 'A shell inside then shows no prompt: run it from a terminal.'),
  },
];

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.());
  }
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
