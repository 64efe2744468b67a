import { counted } from '../counted.js';
import { mountLine, mountsInside } from '../mount-table.js';
import type { Step } from '../step.js';
import { remounted, restrictMounts } from './mount-attributes.js';
import { hostPath, remountBelow } from './new-root-shell.js';

export const readOnlyStep: Step = {
  id: 'read-only',
  stage: 'child',
  title: () => 'make the new root read-only',
  why:
    'Read-only is a flag of a mount, not of a tree: a mount below stays writable unless the flag is set there too. What ' +
    'is mounted from here on, such as /dev and what --tmpfs asks for, is not affected.',
  man: 'mount_setattr(2), mount(2)',
  // Below an overlay there are only its own parts, which it covers.
  shell: (spec) =>
    spec.root?.overlay === undefined
      ? remountBelow(hostPath(spec, ''), 'ro')
      : `mount -o remount,bind,ro ${hostPath(spec, '')}`,
  applies: ({ root }) => root?.readOnly === true,
  run: ({ kernel }) => restrictMounts(kernel, '/', ['MOUNT_ATTR_RDONLY']),
  evidence: () => ({ mounts: mountsInside().all.map(mountLine) }),
  summary: (_, after) => {
    const { length } = after.mounts as string[];
    return `${counted(length, 'mount')}, all read-only`;
  },
  gist: () => 'mount -o remount,bind,ro /',
  refusals: () => remounted,
  shortfall: () => {
    const writable = mountsInside().all.find(({ options }) => !options.split(',').includes('ro'));
    return writable && `${writable.mountPoint} is writable`;
  },
};
