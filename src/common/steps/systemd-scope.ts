/** A group of the launcher's own, from systemd's user manager: systemd.scope(5). */
import { basename } from 'node:path';
import { lines } from '../cgroup/hierarchies.js';
import type { SystemdScope } from '../cgroup/limits.js';
import { Failure } from '../failure.js';
import { runProgram } from '../kernel/run-program.js';
import { locateProgram } from '../program.js';
import { shellWord } from '../shell-word.js';
import type { LaunchSpec } from '../spec.js';
import type { Step, StepContext } from '../step.js';

/** Milliseconds that the user manager may take on a busy machine. */
const patience = 60_000;

const scopeOf = ({ limits }: LaunchSpec): SystemdScope => limits?.scope as SystemdScope;

/** The words of busctl(1); the last of them but for the properties is the process that goes there. */
const request = ({ unit, slice, bus }: SystemdScope, pid: string): string[] => [
  ...['busctl', `--address=${bus}`, '--quiet', 'call'],
  ...['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'],
  ...['StartTransientUnit', 'ssa(sv)a(sa(sv))', unit, 'fail', '4'],
  ...['Delegate', 'b', 'true', 'Slice', 's', slice, 'CollectMode', 's', 'inactive-or-failed'],
  ...['PIDs', 'au', '1', pid, '0'],
];

/** Where the launcher is in the tree of version 2. */
const ownGroup = (): string =>
  lines('/proc/self/cgroup')
    .find((line) => line.startsWith('0::'))
    ?.slice('0::'.length) ?? 'none';

const isIn = ({ unit }: SystemdScope, group: string): boolean => group.split('/').includes(unit);

export const systemdScopeStep: Step<StepContext> = {
  id: 'systemd-scope',
  stage: 'parent',
  title: () => 'get a control group from systemd',
  why:
    'An ordinary user may not write to the control group of his session. systemd’s user manager has been given a part of the ' +
    'tree, and gives a piece of it away: a transient scope with Delegate=yes. systemd moves this process there.',
  man: 'org.freedesktop.systemd1(5), systemd.scope(5)',
  shell: (spec) => {
    const words = request(scopeOf(spec), '$$').map((word) => (word === '$$' ? word : shellWord(word)));
    const moved = `until grep -q ${shellWord(scopeOf(spec).unit)} /proc/$1/cgroup; do sleep 0.1; done`;
    return `${words.join(' ')} && sh -c ${shellWord(moved)} sh $$`;
  },
  gist: () => 'systemd-run --user --scope -p Delegate=yes $SHELL',
  applies: ({ limits }) => limits?.scope !== undefined,
  run: ({ spec, kernel }) => {
    const scope = scopeOf(spec);
    const [program, ...words] = request(scope, String(process.pid)) as [string, ...string[]];
    const { status } = runProgram(kernel, program, located(program), words);
    if (status !== 0) throw notGiven('busctl failed, see what it said above');
    // systemd answers before it has moved the process.
    if (!kernel.until(() => isIn(scope, ownGroup()), patience))
      throw notGiven(`this process is still in ${ownGroup()}`);
  },
  evidence: () => ({ 'control group': ownGroup() }),
  summary: (before, after) =>
    [before, after].map((evidence) => basename(String(evidence['control group']))).join(' → '),
  shortfall: (_, after, spec) =>
    isIn(scopeOf(spec), String(after['control group']))
      ? undefined
      : `the launcher is in ${after['control group']}`,
};

/** @throws Failure: that it is missing is the launcher's failure, and not, as for a command, the caller's */
function located(program: string): string {
  try {
    return locateProgram(program, process.env.PATH ?? '/usr/bin:/bin');
  } catch (cause) {
    throw notGiven((cause as Error).message);
  }
}

const notGiven = (why: string): Failure =>
  new Failure(`step ${systemdScopeStep.id}: systemd’s user manager gave no control group: ${why}`, {
    next: 'See whether it runs: systemctl --user status. Without limits it is not needed.',
  });
