/**
 * Where the control groups of a container go. Version 1 has a tree for each controller, and a group may be made below that
 * of this process. Version 2 has one tree with two rules (cgroups(7)): a group that hands controllers to those below it has
 * no processes of its own, and who moves a process must be allowed to write to the group that is above both places.
 */
import { accessSync, constants } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { defined } from '../defined.js';
import { errnoWords } from '../kernel/kernel-error.js';
import { type Hierarchy, hierarchies, words } from './hierarchies.js';
import { accounting, type ControlGroup, type GroupFile, type GroupLimits, limitKinds } from './limits.js';

/** Why there can be no such group, and what to do. */
export interface GroupRefusal {
  readonly why: string;
  readonly next: string;
}

/** Where the processes go that were in a group which is to hand out controllers. */
const leafName = 'gontainer-launchers';

/** The names of groups that a launch makes. */
export const isGroupName = (name: string): boolean => /^gontainer-\d+-[0-9a-f]{12}(-init)?$/.test(name);

const delegate =
  'Start it below a group of your own: systemd-run --user --scope -p Delegate=yes gontainer run …';

/** @param apart whether the child needs a group beside it: in a new cgroup namespace it would see where the launcher is */
export function planGroups(limits: GroupLimits, apart: boolean): readonly ControlGroup[] | GroupRefusal {
  // Loaded only here: it takes milliseconds, and most launches have no limits.
  const { randomBytes } = process.getBuiltinModule('node:crypto');
  const name = `gontainer-${process.pid}-${randomBytes(6).toString('hex')}`;
  const found = hierarchies();
  if (found.length === 0)
    return {
      why: 'no control groups are mounted here',
      next: 'Run it where they are: outside of this container, or with its /sys/fs/cgroup.',
    };
  const chosen = new Map<Hierarchy, { controllers: Set<string>; files: GroupFile[] }>();
  for (const limit of Object.keys(limits) as (keyof GroupLimits)[]) {
    const { controller, files } = limitKinds[limit];
    const hierarchy = hierarchyOf(controller, found);
    if (hierarchy === undefined) return lacking(controller[2], found);
    const entry = chosen.get(hierarchy) ?? { controllers: new Set(), files: [] };
    entry.controllers.add(controller[hierarchy.version]);
    entry.files.push(...files[hierarchy.version](limits));
    chosen.set(hierarchy, entry);
  }
  for (const hierarchy of found)
    for (const controller of accounting[hierarchy.version].filter((one) => has(hierarchy, one))) {
      const entry = chosen.get(hierarchy) ?? { controllers: new Set(), files: [] };
      entry.controllers.add(controller);
      chosen.set(hierarchy, entry);
    }
  const groups: ControlGroup[] = [];
  for (const [hierarchy, { controllers, files }] of chosen) {
    const place = hierarchy.version === 1 ? inOwn(hierarchy) : above(hierarchy, [...controllers]);
    if ('why' in place) return place;
    const path = join(place.path, name);
    groups.push({
      version: hierarchy.version,
      path,
      controllers: [...controllers],
      files,
      ...defined({
        init: apart ? `${path}-init` : undefined,
        above: hierarchy.version === 2 ? (place as NonNullable<ControlGroup['above']>) : undefined,
      }),
    });
  }
  return groups;
}

/** A controller is in one hierarchy at a time: that of version 1 where it is mounted there. */
const hierarchyOf = (
  { 1: first, 2: second }: Readonly<Record<1 | 2, string>>,
  found: readonly Hierarchy[],
): Hierarchy | undefined =>
  found.find((one) => one.version === 1 && has(one, first)) ??
  found.find((one) => one.version === 2 && has(one, second));

const has = ({ version, own, mountPoint, controllers }: Hierarchy, controller: string): boolean =>
  (version === 1 ? controllers : words(join(isRoot() ? mountPoint : own, 'cgroup.controllers'))).includes(
    controller,
  );

const isRoot = (): boolean => process.geteuid?.() === 0;

function lacking(controller: string, found: readonly Hierarchy[]): GroupRefusal {
  const why = `the controller ${controller} of control groups is not there for you`;
  return found.some(({ version }) => version === 2) && !isRoot()
    ? { why, next: delegate }
    : { why, next: 'See which there are: cat /proc/cgroups /sys/fs/cgroup/cgroup.controllers.' };
}

function inOwn({ own }: Hierarchy): { readonly path: string } | GroupRefusal {
  const refusal = notWritable(own);
  if (refusal === undefined) return { path: own };
  return {
    why: `no control group can be made in ${own}: ${refusal}`,
    next: isRoot()
      ? 'Mount it so that it can be written, or run gontainer on the host.'
      : 'Control groups of version 1 are for root alone: run it as root, or start the machine with systemd.unified_cgroup_hierarchy=1.',
  };
}

/** Version 2: the group in which the new one is made. */
function above(
  { own, mountPoint }: Hierarchy,
  controllers: readonly string[],
): NonNullable<ControlGroup['above']> | GroupRefusal {
  // A launcher that an earlier one has moved.
  const start = basename(own) === leafName ? dirname(own) : own;
  const candidates = isRoot() ? [start, ...ancestors(start, mountPoint)] : [start];
  const usable = candidates.filter(
    (path) =>
      offers(path, controllers) &&
      notWritable(path) === undefined &&
      notWritable(join(path, 'cgroup.procs')) === undefined,
  );
  const missing = (path: string) =>
    controllers.filter((name) => !words(join(path, 'cgroup.subtree_control')).includes(name));
  const free = usable.find((path) => missing(path).length === 0 || isEmpty(path) || isTop(path));
  if (free !== undefined) return { path: free, controllers: missing(free) };
  if (usable[0] !== undefined)
    return { path: usable[0], controllers: missing(usable[0]), leaf: join(usable[0], leafName) };
  const refusal = notWritable(start) ?? notWritable(join(start, 'cgroup.procs'));
  const why =
    refusal === undefined
      ? `the control group ${start} does not hand out ${controllers.join(', ')}`
      : `no control group can be made in ${start}: ${refusal}`;
  return {
    why,
    next: isRoot() ? 'Mount it so that it can be written, or run gontainer on the host.' : delegate,
  };
}

function ancestors(path: string, mountPoint: string): string[] {
  return path === mountPoint ? [] : [dirname(path), ...ancestors(dirname(path), mountPoint)];
}

const offers = (path: string, controllers: readonly string[]): boolean => {
  const there = words(join(path, 'cgroup.controllers'));
  return controllers.every((name) => there.includes(name));
};

const isEmpty = (path: string): boolean => words(join(path, 'cgroup.procs')).length === 0;

/** The root of the whole tree may have processes and hand out controllers; it has no type (cgroups(7)). */
const isTop = (path: string): boolean => words(join(path, 'cgroup.type')).length === 0;

/** Also on a file system that is mounted read-only. */
function notWritable(path: string): string | undefined {
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    return errnoWords(error);
  }
}
