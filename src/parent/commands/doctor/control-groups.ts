/** Control groups: which version this host has, and what of them is the user's to change. cgroups(7). */
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoWords } from '../../../common/kernel/kernel-error.js';
import { type Mount, mountTable } from '../../../common/mount-table.js';

export interface ControlGroups {
  readonly version: string;
  /** What keeps this user from making groups below the own one; undefined when one could be made. */
  readonly refusal: string | undefined;
  /** The controllers that groups below the own one may use. */
  readonly controllers: readonly string[];
}

export function controlGroups(): ControlGroups {
  const mounts = mountTable();
  const unified = mounts.find(({ type }) => type === 'cgroup2');
  const old = mounts.some(({ type }) => type === 'cgroup');
  const version =
    unified === undefined
      ? old
        ? 'version 1'
        : 'none'
      : old
        ? 'hybrid: version 1, and 2 beside it'
        : 'version 2';
  if (unified === undefined) return { version, refusal: 'delegation takes version 2', controllers: [] };
  const own = ownGroup(unified);
  return { version, refusal: refusalToMake(own), controllers: words(join(own, 'cgroup.controllers')) };
}

/** Where the group of this process is: `0::/path` in /proc/self/cgroup, below what of the tree is mounted. */
function ownGroup({ mountPoint, root }: Mount): string {
  const [, path = '/'] = /^0::(.*)$/m.exec(text('/proc/self/cgroup')) ?? [];
  return join(mountPoint, path.startsWith(root) ? path.slice(root.length) : path);
}

/** Makes a group and removes it again: the permissions alone do not tell of a read-only mount or a limit. */
function refusalToMake(own: string): string | undefined {
  const group = join(own, `gontainer-doctor-${process.pid}`);
  try {
    mkdirSync(group);
    rmdirSync(group);
    return undefined;
  } catch (error) {
    return `no group can be made in ${own}: ${errnoWords(error)}`;
  }
}

const words = (path: string): string[] => text(path).split(/\s+/).filter(Boolean);

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
