/**
 * The control groups of a container (cgroups(7)): made and limited before anything else, so that nothing of the container
 * ever runs without its limits; and entered by the command's process before its execve(2), when it cannot have forked.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { membersFile, pathsOf } from '../cgroup/group-names.js';
import { lines, words } from '../cgroup/hierarchies.js';
import { limitWords } from '../cgroup/limit-words.js';
import type { ControlGroup, GroupFile } from '../cgroup/limits.js';
import type { Kernel } from '../kernel/kernel.js';
import { failedWith } from '../kernel/kernel-error.js';
import { hasEnded, numberInProc, processStatOrNone } from '../process-files.js';
import { shellWord } from '../shell-word.js';
import { type LaunchSpec, unshares } from '../spec.js';
import type { Step, StepContext } from '../step.js';
import type { CommandContext } from './command-context.js';

const groupsOf = ({ limits }: Pick<LaunchSpec, 'limits'>): readonly ControlGroup[] => limits?.groups ?? [];

/** Every group of a container, that of its child included. */
export const groupPaths = (spec: Pick<LaunchSpec, 'limits'>): string[] => groupsOf(spec).flatMap(pathsOf);

export const controlGroupStep: Step<StepContext> = {
  id: 'control-group',
  stage: 'parent',
  title: () => 'make a control group with limits',
  why:
    'A namespace decides what a process sees, a control group what it and all its descendants may use together. It is a ' +
    'folder, and its limits are files in it.',
  man: 'cgroups(7)',
  shell: (spec) => groupsOf(spec).flatMap(shellLines).join('; '),
  gist: (spec) =>
    groupsOf(spec)
      .flatMap(({ path, files }) =>
        files.filter(({ mayBeMissing }) => !mayBeMissing).map((file) => echo(file, path)),
      )
      .join('; '),
  applies: ({ limits }) => limits !== undefined,
  expects: ['EEXIST', 'ESRCH'],
  run: ({ spec, kernel }) => {
    for (const group of groupsOf(spec)) makeGroup(kernel, group);
  },
  evidence: ({ spec }) => ({
    limits: Object.fromEntries(
      groupsOf(spec).flatMap(({ path, files }) =>
        files.flatMap(({ name, mayBeMissing }) => {
          const there = existsSync(join(path, name));
          if (!there && mayBeMissing && existsSync(path)) return [];
          return [[join(path, name), there ? words(join(path, name)).join(' ') : 'not there']];
        }),
      ),
    ),
    groups: groupPaths(spec).filter((path) => existsSync(path)),
  }),
  summary: (_before, _after, { limits }) => limitWords(limits?.asked ?? {}),
  shortfall: (_, after, spec) => {
    const [shown, made] = [after.limits as Record<string, string>, after.groups as string[]];
    const absent = groupPaths(spec).find((path) => !made.includes(path));
    if (absent !== undefined) return `there is no ${absent}`;
    for (const { path, files } of groupsOf(spec))
      for (const { name, value } of files) {
        const found = shown[join(path, name)];
        if (found !== undefined && !isAsWritten(name, value, found)) return `${join(path, name)} is ${found}`;
      }
    return undefined;
  },
};

/** Makes a group with its limits. @throws KernelError */
export function makeGroup(kernel: Kernel, group: ControlGroup): void {
  prepareAbove(kernel, group);
  for (const pathname of pathsOf(group)) kernel.call('mkdir', { pathname, mode: 0o755 });
  for (const file of presentFiles(group)) kernel.writeFile(join(group.path, file.name), file.value);
}

/** The kernel counts memory in pages, of 64 KiB at most, and leaves out the rest. */
function isAsWritten(name: string, value: string, found: string): boolean {
  const lost = Number(value) - Number(found);
  return found === value || (name.startsWith('memory.') && lost >= 0 && lost < 65_536);
}

/** Those that this kernel has; a rehearsal shows all. */
const presentFiles = ({ path, files }: ControlGroup): readonly GroupFile[] =>
  existsSync(path)
    ? files.filter(({ name, mayBeMissing }) => !mayBeMissing || existsSync(join(path, name)))
    : files;

/** Version 2: has the group above hand out the controllers, after its processes have moved to one of their own. */
function prepareAbove(kernel: Kernel, { above }: ControlGroup): void {
  if (above === undefined) return;
  const { path, controllers, leaf } = above;
  if (leaf !== undefined) {
    if (!existsSync(leaf)) makeLeaf(kernel, leaf);
    // One that is made meanwhile is in the group of who made it.
    for (let left = words(membersFile(path)); left.length > 0; left = words(membersFile(path)))
      for (const pid of left) move(kernel, pid, leaf);
  }
  if (controllers.length > 0) handOut(kernel, path, controllers);
}

/** Another launch that begins in the same group may be the first to make it. */
function makeLeaf(kernel: Kernel, pathname: string): void {
  try {
    kernel.call('mkdir', { pathname, mode: 0o755 });
  } catch (error) {
    if (!failedWith(error, 'EEXIST')) throw error;
  }
}

/** Version 2: lets the groups below one have controllers. @throws KernelError */
export function handOut(kernel: Kernel, path: string, controllers: readonly string[]): void {
  kernel.writeFile(join(path, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
}

/** Moves a process with its threads. One that has ended by now need not be: it runs nothing without the limits. */
export function move(kernel: Kernel, pid: string, group: string): void {
  try {
    kernel.writeFile(membersFile(group), pid);
  } catch (error) {
    if (!failedWith(error, 'ESRCH')) throw error;
  }
}

const echo = ({ name, value }: GroupFile, path: string): string =>
  `echo ${/^[\w.-]+$/.test(value) ? value : shellWord(value)} > ${shellWord(join(path, name))}`;

function shellLines(group: ControlGroup): string[] {
  const { path, above, files } = group;
  const members = shellWord(membersFile(above?.path ?? ''));
  return [
    ...(above?.leaf === undefined
      ? []
      : [
          `mkdir -p ${shellWord(above.leaf)}`,
          // One that has ended by now need not be moved.
          `for p in $(cat ${members}); do echo $p > ${shellWord(membersFile(above.leaf))} 2>/dev/null || :; done`,
        ]),
    ...(above === undefined || above.controllers.length === 0
      ? []
      : [
          `echo ${shellWord(above.controllers.map((name) => `+${name}`).join(' '))} > ${shellWord(join(above.path, 'cgroup.subtree_control'))}`,
        ]),
    `mkdir ${pathsOf(group).map(shellWord).join(' ')}`,
    ...files.map((file) =>
      file.mayBeMissing
        ? `[ ! -e ${shellWord(join(path, file.name))} ] || ${echo(file, path)}`
        : echo(file, path),
    ),
  ];
}

/** How a shell puts itself into the groups, with everything that it starts then. */
export const enteringShell = (spec: Pick<LaunchSpec, 'limits'>): string =>
  groupsOf(spec)
    .map(({ path }) => `echo $$ > ${shellWord(membersFile(path))}`)
    .join(' && ');

export const enterGroupStep: Step<CommandContext> = {
  id: 'enter-group',
  stage: 'child',
  title: () => 'enter the control group',
  why:
    'The launcher writes the number of the command’s process into a file of the group: now, before its execve(2), when it ' +
    'cannot have made another one. Whatever it makes later is born in the group. The child, a Node, stays outside the ' +
    'limits: they are the command’s alone.',
  man: 'cgroups(7), cgroup_namespaces(7)',
  shell: (spec) =>
    groupsOf(spec)
      .map(({ path }) => `echo $COMMAND > ${shellWord(membersFile(path))}`)
      .join('; '),
  // Where commands come later, the process that starts them is in the group.
  applies: ({ limits, controlDescriptor }) => limits !== undefined && controlDescriptor === undefined,
  run: ({ command, group }) => group.enter(command.pid),
  evidence: ({ spec, command: { pid } }) => ({ 'control groups': groupsOfProcess(spec, pid) }),
  summary: (_, after) => {
    const groups = Object.entries(after['control groups'] as Record<string, string>);
    const [, path = ''] = groups[0] ?? [];
    return `${path === '/' ? '/' : basename(path)} (${groups.map(([name]) => name).join(' ')})`;
  },
  shortfall: (_, after, spec) => {
    const shown = after['control groups'] as Record<string, string>;
    for (const { path, controllers } of groupsOf(spec)) {
      const found = shown[controllers[0] as string];
      if (found === undefined) continue;
      const there = unshares(spec, 'cgroup') ? found === '/' : basename(found) === basename(path);
      if (!there) return `the command is in the group ${found} of ${controllers.join(', ')}`;
    }
    return undefined;
  },
};

/**
 * The groups of a process as its own cgroup namespace shows them: by the first controller of each. Nothing for one that has
 * ended: it has left them, and what ended it says its own error.
 */
function groupsOfProcess(spec: LaunchSpec, pid: number): Record<string, string> {
  const number = numberInProc(pid === 0 ? process.pid : pid);
  const memberships = lines(`/proc/${number}/cgroup`);
  const stat = processStatOrNone(number);
  if (stat === undefined || hasEnded(stat)) return {};
  return Object.fromEntries(
    groupsOf(spec).flatMap(({ version, controllers: [first = ''] }) => {
      const line = memberships.find((one) =>
        version === 2 ? one.startsWith('0::') : (one.split(':')[1] ?? '').split(',').includes(first),
      );
      return line === undefined ? [] : [[first, line.replace(/^\d+:[^:]*:/, '')]];
    }),
  );
}
