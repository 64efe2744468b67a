/** Control groups: which version this host has, and which limits this user can have. cgroups(7). */
import type { ControlGroup, GroupLimits } from '../../../common/cgroup/limits.js';
import { type GroupRefusal, planGroups } from '../../../common/cgroup/plan.js';
import { mountTable } from '../../../common/mount-table.js';

export interface ControlGroups {
  readonly version: string;
  /** What keeps this user from setting some limits, and what to do; undefined when they can be set. */
  readonly refusal: GroupRefusal | undefined;
  /** The controllers of the groups that a container would get; none where no limit can be set. */
  readonly controllers: readonly string[];
  /** The options that this user cannot have, where others can be had. */
  readonly without: readonly string[];
}

/** Of each controller an option that takes it, with some limit. */
const kinds: Readonly<Record<string, GroupLimits>> = {
  '--memory': { memory: 2 ** 26 },
  '--pids-limit': { pids: 20 },
  '--cpus': { cpus: 0.5 },
};

export function controlGroups(): ControlGroups {
  const types = mountTable().all.map(({ type }) => type);
  const [old, unified] = [types.includes('cgroup'), types.includes('cgroup2')];
  const version = unified
    ? old
      ? 'hybrid: version 1, and 2 beside it'
      : 'version 2'
    : old
      ? 'version 1'
      : 'none';
  const plan = planGroups(Object.assign({}, ...Object.values(kinds)), false);
  if (!('why' in plan))
    return { version, refusal: undefined, controllers: controllersOf(plan.groups), without: [] };
  const each = Object.entries(kinds).map(([option, limit]) => ({ option, plan: planGroups(limit, false) }));
  const refused = each.flatMap(({ option, plan }) => ('why' in plan ? [{ option, refusal: plan }] : []));
  const had = each.flatMap(({ plan }) => ('why' in plan ? [] : controllersOf(plan.groups)));
  const [first] = refused;
  return {
    version,
    refusal: first?.refusal ?? plan,
    controllers: first === undefined ? [] : [...new Set(had)],
    without: refused.map(({ option }) => option),
  };
}

const controllersOf = (groups: readonly ControlGroup[]): string[] =>
  groups.flatMap(({ controllers }) => controllers);
