/** What the doctor looks at: one table, in the order in which it is shown. */

import { readFileSync, statSync } from 'node:fs';
import { release, userInfo } from 'node:os';
import { isatty } from 'node:tty';
import { counted } from '../../../common/counted.js';
import { closesAtExecve } from '../../../common/kernel/available.js';
import { newerCalls } from '../../../common/kernel/calls.js';
import { address } from '../../../common/kernel/libc.js';
import { type NamespaceFlag, namespaces } from '../../../common/namespaces.js';
import { type LineId, lines } from '../../advice/doctor-lines.js';
import { whyMissing } from '../../advice/newer-kernel.js';
import { coveredProc, takingRefused } from '../../advice/next-action.js';
import {
  appArmorProfile,
  filteredBySeccomp,
  forbiddenBy,
  limitName,
  limitOf,
  refusedByPolicy,
  unshareRefused,
} from '../../advice/obstacles.js';
import { profileInstalled } from './apparmor-profile.js';
import { controlGroups } from './control-groups.js';
import {
  missingCalls,
  type Refused,
  tryLaunch,
  tryNesting,
  tryOverlay,
  tryProc,
  tryTakeDescriptor,
  tryUnshare,
  tryUse,
} from './trial.js';

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

/** What unshare(2) says of each kind, tried once: several lines are about it. */
let trials: readonly Trial[] | undefined;

interface Trial {
  readonly kind: (typeof namespaces)[number];
  /** The kinds that were asked for: every other one takes a new user namespace. */
  readonly flags: readonly NamespaceFlag[];
  readonly refused: Refused | undefined;
}

function unshareTrials(): readonly Trial[] {
  trials ??= namespaces.map((kind) => ({
    kind,
    flags: kind.flag === 'uid' ? ['uid'] : ['uid', kind.flag],
    refused: tryUnshare(kind.flag === 'uid' ? [kind.clone] : ['CLONE_NEWUSER', kind.clone]),
  }));
  return trials;
}

const namespaceLooks = Object.fromEntries(
  namespaces.map(({ flag, clone }) => [
    `namespace-${flag}`,
    (): Finding => {
      const { flags, refused: refusedAtOnce } = unshareTrials().find(
        ({ kind }) => kind.flag === flag,
      ) as Trial;
      const refused = refusedAtOnce ?? tryUse(flag, clone);
      if (refused === undefined) return ok('can be made');
      const { call, errno } = refused;
      const fix =
        (call === 'unshare' ? unshareRefused(errno, flags) : refusedByPolicy(errno))?.next ??
        forbiddenBy() ??
        'See the lines above, and the last lines of dmesg.';
      const found = `${call === 'unshare' ? '' : 'can be made, but '}${call}(2) ${howItFailed(errno)}`;
      return (needed.includes(flag) ? problem : warning)(found, fix);
    },
  ]),
) as unknown as Pick<Looks, Extract<LineId, `namespace-${string}`>>;

const howItFailed = (errno: string): string =>
  errno === 'SIGSYS' ? 'kills who makes it (SIGSYS)' : `fails with ${errno}`;

/**
 * Whether something that is active here is what refuses a new namespace, or all can be made, or something else refuses one.
 * @param active for example `a filter is active`
 */
function blamed(line: 'seccomp' | 'apparmor', active: string): Finding {
  const first = unshareTrials().find(({ refused }) => refused !== undefined);
  if (first?.refused === undefined) return ok(`${active}, and lets namespaces be made`);
  const { kind, flags, refused } = first;
  const advice = unshareRefused(refused.errno, flags);
  return advice?.line === line
    ? warning(
        `${active}, and a new ${kind.name} namespace is refused: ${refused.call}(2) ${howItFailed(refused.errno)}`,
        advice.next,
      )
    : ok(`${active}, and something else refuses a new ${kind.name} namespace`);
}

/** What helps against AppArmor on a host, whichever profile or switch it is. */
const lasting = (): string => `for this Node alone and for good: ${profileInstalled()}`;

/** Fewer of a kind than this are soon used up by a room full of containers. */
const fewNamespaces = 100;
/** A container in a container in a container, and one more. */
const fewLevels = 4;

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
  kernel: () => {
    const missing = missingCalls();
    const each = missing.map((call) => `${whyMissing(call)}. Without it ${newerCalls[call].without}.`);
    if (missing.includes('close_range') || !closesAtExecve())
      return problem(
        release(),
        [
          'Use Linux 5.11 or later: --detach and --as-pid-1 need its close_range(2), and overlays of an ordinary user need it too.',
          ...each,
        ].join(' '),
      );
    if (missing.length === 0) return ok(release());
    return (missing.some((call) => newerCalls[call].needed) ? problem : warning)(
      `${release()}, without ${missing.map((call) => `${call}(2)`).join(', ')}`,
      each.join(' '),
    );
  },
  switches: () => {
    const forbidden = forbiddenBy();
    if (forbidden === undefined) return ok('none is set against this program');
    return problem(
      'one is set',
      forbidden.startsWith('AppArmor') ? `${forbidden}; or, ${lasting()}` : forbidden,
    );
  },
  seccomp: () =>
    filteredBySeccomp() ? blamed('seccomp', 'a filter is active, as in a container') : ok('no filter'),
  apparmor: () => {
    const profile = appArmorProfile();
    if (profile === undefined) return ok('no profile confines this program');
    if (!profile.confines) return ok(`the profile ${profile.name} is active, and confines nothing`);
    const { fix, ...finding } = blamed('apparmor', `the profile ${profile.name} is active`);
    // The kernel takes the profile that names the file most exactly.
    return fix === undefined ? finding : { ...finding, fix: `${fix}; on the host, ${lasting()}` };
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
    if (levels === 0) return warning('0 levels can be made', 'See “user namespace” below.');
    return warning(
      `${counted(levels, 'level')} can be made`,
      'The kernel nests 32, and this shell is in some already: run gontainer from fewer of them, or see sysctl user.max_user_namespaces on the host.',
    );
  },
  ...namespaceLooks,
  launch: async () => {
    const { status, said } = await tryLaunch(['--uid', '--pid', '--uts']);
    return status === 0 ? ok('works') : problem('fails', said);
  },
  proc: () => {
    const refused = tryProc();
    if (refused === undefined) return ok('can be mounted');
    if (refused.call !== 'mount') return warning('cannot be tried', 'See “PID namespace” above.');
    return warning(
      `mount(2) ${howItFailed(refused.errno)}; in a container with --pid, /proc shows the processes of this machine`,
      refused.errno === 'EPERM' ? coveredProc() : 'See the last lines of dmesg.',
    );
  },
  pty: () => {
    const refused = tryTakeDescriptor();
    return refused === undefined
      ? ok('can be had')
      : warning(
          `${refused.call}(2) ${howItFailed(refused.errno)}`,
          takingRefused(refused.errno, '--pty and --watch'),
        );
  },
  overlay: () => {
    const refused = tryOverlay();
    if (refused === undefined) return ok('can be mounted');
    if (refused.call === 'unshare') return warning('cannot be tried', 'See “mount namespace” above.');
    return warning(
      `${refused.call}(2) ${howItFailed(refused.errno)}`,
      `${
        refused.errno === 'ENODEV'
          ? 'This kernel has no overlayfs: sudo modprobe overlay may load it.'
          : 'It takes Linux 5.11, and nothing that forbids it: see the lines above.'
      } Without it --ephemeral, --overlay and run --image do not work.`,
    );
  },
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
    const { version, refusal, controllers, without } = controlGroups();
    if (refusal === undefined) return ok(`${version}; limits can be set, with ${controllers.join(', ')}`);
    if (controllers.length === 0)
      return warning(`${version}; ${refusal.why}`, `Containers work, without limits. ${refusal.next}`);
    return warning(
      `${version}; limits can be set, with ${controllers.join(', ')}, but not ${without.join(' and ')}: ${refusal.why}`,
      `Containers work, without ${without.length === 1 ? 'this limit' : 'these limits'}. ${refusal.next}`,
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
