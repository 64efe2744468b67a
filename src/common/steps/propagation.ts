import { mountTable } from '../mount-table.js';
import { unshares } from '../spec.js';
import type { Step } from '../step.js';

/** Mounts that pass changes on (shared), or get those of the other side (slave): mount_namespaces(7). */
function connected(): Record<string, number> {
  const table = mountTable();
  return {
    'shared mounts': table.count('shared:'),
    'slave mounts': table.count('master:'),
    mounts: table.size,
  };
}

export const propagationStep: Step = {
  id: 'propagation',
  stage: 'child',
  title: () => 'make every mount private',
  why:
    'A new mount namespace starts as a copy whose mounts still pass changes on: what is mounted here would appear on the ' +
    'host, and the other way round. Private mounts pass nothing on.',
  man: 'mount_namespaces(7)',
  shell: () => 'mount --make-rprivate /',
  applies: (spec) => unshares(spec, 'mnt'),
  run: ({ kernel }) => {
    kernel.call('mount', {
      source: 'none',
      target: '/',
      filesystemtype: null,
      mountflags: ['MS_REC', 'MS_PRIVATE'],
      data: null,
    });
  },
  evidence: connected,
  summary: (_, { mounts }) => `${mounts} mounts, none shared with the host`,
  shortfall: (_, after) => {
    const left = (after['shared mounts'] as number) + (after['slave mounts'] as number);
    return left === 0 ? undefined : `${left} mounts are not private`;
  },
};
