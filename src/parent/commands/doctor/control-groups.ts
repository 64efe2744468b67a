/** Control groups: which version this host has, and which limits this user can have. cgroups(7). */
import { planGroups } from '../../../common/cgroup/plan.js';
import { mountTable } from '../../../common/mount-table.js';

export interface ControlGroups {
  readonly version: string;
  /** What keeps this user from setting limits, and what to do; undefined when they can be set. */
  readonly refusal: { readonly why: string; readonly next: string } | undefined;
  /** The controllers of the groups that a container would get. */
  readonly controllers: readonly string[];
}

export function controlGroups(): ControlGroups {
  const types = mountTable().map(({ type }) => type);
  const [old, unified] = [types.includes('cgroup'), types.includes('cgroup2')];
  const version = unified
    ? old
      ? 'hybrid: version 1, and 2 beside it'
      : 'version 2'
    : old
      ? 'version 1'
      : 'none';
  const plan = planGroups({ memory: 2 ** 26, pids: 20, cpus: 0.5 }, false);
  if ('why' in plan) return { version, refusal: plan, controllers: [] };
  return { version, refusal: undefined, controllers: plan.flatMap(({ controllers }) => controllers) };
}
