/**
 * Where the control groups of a container go. Version 1 has a tree for each controller, and a group may be made below that
 * of this process. Version 2 has one tree with two rules (cgroups(7)): a group that hands controllers to those below it has
 * no processes of its own, and who moves a process must be allowed to write to the group that is above both places.
 */
import { accessSync, constants } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { defined } from '../defined.js';
import { errnoWords } from '../kernel/kernel-error.js';
import { initGroupOf, membersFile, newGroupName } from './group-names.js';
import { type Hierarchy, hierarchies, words } from './hierarchies.js';
import {
  accounting,
  type ControlGroup,
  type GroupFile,
  type GroupLimits,
  limitKinds,
  type SystemdScope,
} from './limits.js';
import { delegateMore, managerGroup, managerRuns, ownGroupNeeded, scopeOf } from './systemd-scope.js';

/** Why there can be no such group, and what to do. */
export interface GroupRefusal {
  readonly why: string;
  readonly next: string;
}

/** Where the processes go that were in a group which is to hand out controllers. */
const leafName = 'gontainer-launchers';

/** The groups of a container, and the scope that systemd is asked for where they are in one. */
export interface GroupPlan {
  readonly groups: readonly ControlGroup[];
  readonly scope?: SystemdScope;
}

/** Where a group is made. */
type Place = Pick<ControlGroup, 'path' | 'above'> & Pick<GroupPlan, 'scope'>;

/** A hierarchy with the controllers that a group of this user may have there. */
type Offer = Hierarchy & { readonly offered: readonly string[] };

/** @param apart whether the child needs a group beside it: in a new cgroup namespace it would see where the launcher is */
export function planGroups(limits: GroupLimits, apart: boolean): GroupPlan | GroupRefusal {
  const name = newGroupName();
  const found = hierarchies().map((hierarchy) => ({ ...hierarchy, offered: offeredBy(hierarchy) }));
  if (found.length === 0)
    return {
      why: 'no control groups are mounted here',
      next: 'Run it where they are: outside of this container, or with its /sys/fs/cgroup.',
    };
  const chosen = new Map<Offer, { controllers: Set<string>; files: GroupFile[] }>();
  const use = (hierarchy: Offer, controller: string, files: readonly GroupFile[] = []): void => {
    const entry = chosen.get(hierarchy) ?? { controllers: new Set(), files: [] };
    entry.controllers.add(controller);
    entry.files.push(...files);
    chosen.set(hierarchy, entry);
  };
  for (const limit of Object.keys(limits) as (keyof GroupLimits)[]) {
    const { controller, files } = limitKinds[limit];
    const hierarchy = hierarchyOf(controller, found);
    if (hierarchy === undefined) return lacking(controller[2], found);
    use(hierarchy, controller[hierarchy.version], files[hierarchy.version](limits));
  }
  for (const hierarchy of found)
    for (const controller of accounting[hierarchy.version])
      if (hierarchy.offered.includes(controller)) use(hierarchy, controller);
  const groups: ControlGroup[] = [];
  let scope: SystemdScope | undefined;
  for (const [hierarchy, { controllers, files }] of chosen) {
    const place = hierarchy.version === 1 ? inOwn(hierarchy) : inTree(hierarchy, [...controllers], name);
    if ('why' in place) {
      // What is only to be read at the end may be missing.
      if (files.length === 0) continue;
      return place;
    }
    const path = join(place.path, name);
    scope ??= place.scope;
    groups.push({
      version: hierarchy.version,
      path,
      controllers: [...controllers],
      files,
      ...defined({ init: apart ? initGroupOf(path) : undefined, above: place.above }),
    });
  }
  return { groups, ...defined({ scope }) };
}

/** A controller is in one hierarchy at a time: that of version 1 where it is mounted there. */
const hierarchyOf = (
  { 1: first, 2: second }: Readonly<Record<1 | 2, string>>,
  found: readonly Offer[],
): Offer | undefined =>
  found.find(({ version, offered }) => version === 1 && offered.includes(first)) ??
  found.find(({ version, offered }) => version === 2 && offered.includes(second));

function offeredBy({ version, own, mountPoint, controllers }: Hierarchy): readonly string[] {
  if (version === 1) return controllers;
  const places = isRoot() ? [mountPoint] : [startOf(own), managerGroup(mountPoint)];
  return [...new Set(places.flatMap((path) => words(join(path, 'cgroup.controllers'))))];
}

const isRoot = (): boolean => process.geteuid?.() === 0;

/** Where a launcher was before an earlier one moved it: what is handed out there, a group below it may lack. */
const startOf = (own: string): string => (basename(own) === leafName ? dirname(own) : own);

function lacking(controller: string, found: readonly Offer[]): GroupRefusal {
  const tree = found.find(({ version }) => version === 2);
  if (isRoot() || tree === undefined)
    return {
      why: `no control groups with the controller ${controller} are mounted here`,
      next: 'See which this kernel has, and which are mounted: cat /proc/cgroups; grep cgroup /proc/mounts',
    };
  return {
    why: `the controller ${controller} of control groups has not been given to you`,
    next: managerRuns(tree.mountPoint) ? delegateMore : ownGroupNeeded(),
  };
}

function inOwn({ own }: Hierarchy): Place | GroupRefusal {
  const refusal = notWritable(own);
  if (refusal === undefined) return { path: own };
  return {
    why: `no control group can be made in ${own}: ${refusal}`,
    next: isRoot()
      ? 'Mount it so that it can be written, or run gontainer on the host.'
      : 'Control groups of version 1 are for root alone: run it as root, or start the machine with those of version 2 (with systemd: systemd.unified_cgroup_hierarchy=1).',
  };
}

/** Version 2: in a group that can be written, or in one that systemd's user manager gives. */
function inTree(hierarchy: Hierarchy, controllers: readonly string[], name: string): Place | GroupRefusal {
  const above = aboveOf(hierarchy, controllers);
  if (!('why' in above)) return { path: above.path, above };
  if (isRoot() || !managerRuns(hierarchy.mountPoint)) return above;
  const missing = controllers.filter(
    (one) => !words(join(managerGroup(hierarchy.mountPoint), 'cgroup.controllers')).includes(one),
  );
  if (missing.length > 0)
    return {
      why: `systemd’s user manager has not been given the controller ${missing.join(', ')}`,
      next: delegateMore,
    };
  const scope = scopeOf(hierarchy.mountPoint, name);
  return {
    path: scope.path,
    scope,
    above: { path: scope.path, controllers, leaf: join(scope.path, leafName) },
  };
}

/** The group in which the new one is made. */
function aboveOf(
  { own, mountPoint }: Hierarchy,
  controllers: readonly string[],
): NonNullable<ControlGroup['above']> | GroupRefusal {
  const start = startOf(own);
  const candidates = isRoot() ? [start, ...ancestors(start, mountPoint)] : [start];
  const usable = candidates.filter(
    (path) =>
      offers(path, controllers) &&
      notWritable(path) === undefined &&
      notWritable(membersFile(path)) === undefined,
  );
  const missing = (path: string) =>
    controllers.filter((name) => !words(join(path, 'cgroup.subtree_control')).includes(name));
  const free = usable.find((path) => missing(path).length === 0 || isEmpty(path) || isTop(path));
  if (free !== undefined) return { path: free, controllers: missing(free) };
  if (usable[0] !== undefined)
    return { path: usable[0], controllers: missing(usable[0]), leaf: join(usable[0], leafName) };
  const refusal = notWritable(start) ?? notWritable(membersFile(start));
  const why =
    refusal === undefined
      ? `the control group ${start} does not hand out ${controllers.join(', ')}`
      : `no control group can be made in ${start}: ${refusal}`;
  return {
    why,
    next: isRoot() ? 'Mount it so that it can be written, or run gontainer on the host.' : ownGroupNeeded(),
  };
}

function ancestors(path: string, mountPoint: string): string[] {
  return path === mountPoint ? [] : [dirname(path), ...ancestors(dirname(path), mountPoint)];
}

const offers = (path: string, controllers: readonly string[]): boolean => {
  const there = words(join(path, 'cgroup.controllers'));
  return controllers.every((name) => there.includes(name));
};

const isEmpty = (path: string): boolean => words(membersFile(path)).length === 0;

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
