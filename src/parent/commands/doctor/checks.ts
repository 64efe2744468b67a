/** What the doctor looks at: one table, in the order in which it is shown. */
import { readFileSync, statSync } from 'node:fs';
import { release, userInfo } from 'node:os';
import { isatty } from 'node:tty';
import { closesAtExecve } from '../../../common/kernel/available.js';
import { address } from '../../../common/kernel/libc.js';
import { namespaces } from '../../../common/namespaces.js';
import { type LineId, lines } from '../../advice/doctor-lines.js';
import {
  filteredBySeccomp,
  forbiddenBy,
  limitName,
  limitOf,
  unshareRefused,
} from '../../advice/obstacles.js';
import { controlGroups } from './control-groups.js';
import { type Launched, tryLaunch, tryNesting, tryUnshare } from './trial.js';

/** What a check found. `fix` is there where something can be done. */
export interface Finding {
  /** `problem`: the first container of a workshop will not work. `warning`: something beyond it will not. */
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  readonly fix?: string;
}

export interface Check {
  readonly id: LineId;
  readonly title: string;
  /** What takes longer is done while others are looked at. */
  readonly examine: () => Finding | Promise<Finding>;
}

type Looks = Readonly<Record<LineId, Check['examine']>>;

const ok = (found: string): Finding => ({ state: 'ok', found });
const warning = (found: string, fix: string): Finding => ({ state: 'warning', found, fix });
const problem = (found: string, fix: string): Finding => ({ state: 'problem', found, fix });

/** Without these the first container fails. */
const needed = ['uid', 'pid', 'mnt'];

const namespaceLooks = Object.fromEntries(
  namespaces.map(({ flag, clone }) => [
    `namespace-${flag}`,
    (): Finding => {
      const kinds = flag === 'uid' ? ([flag] as const) : (['uid', flag] as const);
      const errno = tryUnshare(flag === 'uid' ? [clone] : ['CLONE_NEWUSER', clone]);
      if (errno === undefined) return ok('can be made');
      const fix = unshareRefused(errno, kinds)?.next ?? 'See “seccomp” above, and the last lines of dmesg.';
      return (needed.includes(flag) ? problem : warning)(`unshare(2) fails with ${errno}`, fix);
    },
  ]),
) as unknown as Pick<Looks, Extract<LineId, `namespace-${string}`>>;

/** Fewer of a kind than this are soon used up by a room full of containers. */
const fewNamespaces = 100;
/** A container in a container in a container, and one more. */
const fewLevels = 4;

/** For AppArmor 4 and later: this Node may make user namespaces, and nothing else changes for it. */
const profile = (): string =>
  `abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile gontainer-node ${process.execPath} flags=(unconfined) { userns, }\\n`;

/** The status of a container that runs, but in which no overlay can be mounted. */
const noOverlay = 64;

/** In memory, and in a mount namespace that ends with it. */
const overlayScript =
  'mount -t tmpfs none /tmp && mkdir /tmp/upper /tmp/work /tmp/all && ' +
  'mount -t overlay none /tmp/all -o lowerdir=/usr,upperdir=/tmp/upper,workdir=/tmp/work' +
  ` 2>/dev/null || exit ${noOverlay}`;

/** One container for both lines that look at one: a launch is what takes longest. */
let launched: Promise<Launched> | undefined;
const container = (): Promise<Launched> => {
  launched ??= tryLaunch(['--uid', '--pid', '--uts'], overlayScript);
  return launched;
};

const looks: Looks = {
  node: () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    return major > 20 || (major === 20 && minor >= 19)
      ? ok(process.version)
      : problem(process.version, 'Install Node 20.19 or later.');
  },
  processor: () =>
    ['x64', 'arm64'].includes(process.arch)
      ? ok(process.arch)
      : problem(process.arch, 'Use a machine with an x86-64 or an aarch64 processor.'),
  libc: () => {
    try {
      for (const name of ['makecontext', 'setcontext']) address(name);
      return ok('glibc, with what call chains need');
    } catch (error) {
      return problem((error as Error).message, String((error as { next?: string }).next));
    }
  },
  kernel: () =>
    closesAtExecve()
      ? ok(release())
      : problem(
          release(),
          'Use Linux 5.11 or later: --detach and --as-pid-1 need its close_range(2), and overlays of an ordinary user need it too.',
        ),
  switches: () => {
    const forbidden = forbiddenBy();
    if (forbidden === undefined) return ok('none is set');
    return problem(
      'one is set',
      forbidden.startsWith('AppArmor')
        ? `${forbidden}; or, for this Node alone and for good: printf '${profile()}' | sudo tee /etc/apparmor.d/gontainer-node && sudo apparmor_parser -r /etc/apparmor.d/gontainer-node`
        : forbidden,
    );
  },
  seccomp: () => {
    if (!filteredBySeccomp()) return ok('no filter');
    const refused = namespaces.find(
      ({ clone }) => tryUnshare(clone === 'CLONE_NEWUSER' ? [clone] : ['CLONE_NEWUSER', clone]) === 'EPERM',
    );
    if (refused === undefined)
      return ok('a filter is active, as in a container, and lets namespaces be made');
    return warning(
      `a filter is active, as in a container, and a new ${refused.name} namespace is refused`,
      'Start the container with --security-opt seccomp=unconfined, or run gontainer on the host.',
    );
  },
  limits: () => {
    const limits = namespaces.map((kind) => ({
      name: limitName(kind),
      limit: limitOf(kind) ?? fewNamespaces,
    }));
    const low = limits.filter(({ limit }) => limit < fewNamespaces);
    if (low.length === 0) return ok(`at least ${Math.min(...limits.map(({ limit }) => limit))} of each kind`);
    return warning(
      low.map(({ name, limit }) => `${name} is ${limit}`).join(', '),
      `Allow more with: sudo sysctl ${low.map(({ name }) => `${name}=10000`).join(' ')}`,
    );
  },
  nesting: () => {
    const levels = tryNesting();
    if (levels >= fewLevels) return ok(`${levels} levels can be made`);
    // Why there is none at all is said at the user namespace itself.
    return warning(
      `${levels} level${levels === 1 ? '' : 's'} can be made`,
      'The kernel nests 32, and this shell is in some already: run gontainer from fewer of them, or see sysctl user.max_user_namespaces on the host.',
    );
  },
  ...namespaceLooks,
  launch: async () => {
    const { status, said } = await container();
    return status === 0 || status === noOverlay ? ok('works') : problem('fails', said);
  },
  overlay: async () =>
    (await container()).status === 0
      ? ok('can be mounted')
      : warning(
          'cannot be mounted',
          'It takes Linux 5.11 and mount(8). Without it --ephemeral, --overlay and run --image do not work.',
        ),
  'subordinate-ids': async () => {
    const missing = ['newuidmap', 'newgidmap'].find((name) => !inPath(name));
    if (missing !== undefined)
      return warning(
        `${missing} is not installed`,
        'Install the package uidmap (Debian, Ubuntu) or shadow-utils.',
      );
    const name = userName();
    const listed = ['/etc/subuid', '/etc/subgid'].every((file) =>
      linesOf(file).some((line) =>
        [name, `${process.geteuid?.()}`].some((owner) => line.startsWith(`${owner}:`)),
      ),
    );
    if (!listed)
      return warning(
        `${name} has none`,
        `Run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`,
      );
    const { status, said } = await tryLaunch(['--uid', '--map-auto']);
    return status === 0 ? ok(`${name} has some, and they can be mapped`) : warning('cannot be mapped', said);
  },
  cgroup: () => {
    const { version, refusal, controllers } = controlGroups();
    if (refusal === undefined)
      return ok(`${version}; groups can be made here, with ${controllers.join(', ') || 'no controllers'}`);
    return warning(
      `${version}; ${refusal}`,
      version === 'version 2'
        ? 'Containers work without; for limits of their own, start a shell with: systemd-run --user --scope -p Delegate=yes bash'
        : 'Containers work without; for limits of their own, start the machine with systemd.unified_cgroup_hierarchy=1.',
    );
  },
  busybox: () =>
    ['/bin/busybox', '/usr/bin/busybox'].some(isFile)
      ? ok('installed')
      : warning(
          'not installed',
          'rootfs create then copies the commands of this machine; or install busybox-static.',
        ),
  terminal: () =>
    isatty(0)
      ? ok(`${process.env.TERM ?? 'of no known kind'}`)
      : warning(
          'standard input is not a terminal',
          'A shell in the container then shows no prompt: run it from a terminal.',
        ),
};

export const checks: readonly Check[] = (Object.keys(lines) as LineId[]).map((id) => ({
  id,
  title: lines[id],
  examine: looks[id],
}));

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

/** hand-over.ts looks for these programs in the same folders. */
const inPath = (name: string): boolean =>
  (process.env.PATH ?? '/usr/bin:/bin').split(':').some((folder) => isFile(`${folder}/${name}`));

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // It is not there, or in a folder that nobody lets us see.
  }
}
