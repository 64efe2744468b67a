/** The hierarchies of control groups that are mounted here, and where in them this process is: cgroups(7). */
import { join } from 'node:path';
import { isWithin } from '../is-within.js';
import { mountTable } from '../mount-table.js';
import { textOrNone } from '../text-or-none.js';

export interface Hierarchy {
  readonly version: 1 | 2;
  /** Where it is mounted. */
  readonly mountPoint: string;
  /** The folder of this process's own group. */
  readonly own: string;
  /** Of version 1: the controllers that are mounted in it. Version 2 has others in each group. */
  readonly controllers: readonly string[];
}

/** Of each hierarchy the first mount that shows the own group. */
export function hierarchies(): Hierarchy[] {
  const memberships = lines('/proc/self/cgroup').map((line) => {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return { controllers: controllers.split(',').filter(Boolean), path };
  });
  const mounts = mountTable().ofType('cgroup');
  return memberships.flatMap(({ controllers, path }): Hierarchy[] => {
    const version = controllers.length === 0 ? 2 : 1;
    const mount = mounts.find(
      ({ type, root, superOptions }) =>
        (version === 2
          ? type === 'cgroup2'
          : type === 'cgroup' && controllers.every((name) => superOptions.includes(name))) &&
        isWithin(path, root),
    );
    if (mount === undefined) return [];
    const { mountPoint, root } = mount;
    const own = join(mountPoint, root === '/' ? path : path.slice(root.length)).replace(/(?<=.)\/$/, '');
    return [{ version, mountPoint, own, controllers }];
  });
}

/** The words of a file of a group; none where it is not there. */
export const words = (path: string): string[] => textOrNone(path).split(/\s+/).filter(Boolean);

/** The lines of a file; none where it cannot be read. */
export const lines = (path: string): string[] => textOrNone(path).split('\n').filter(Boolean);
