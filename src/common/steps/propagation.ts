import { mountTable } from '../evidence.js';
import { unshares } from '../spec.js';
import type { Step } from '../step.js';

/** How many mounts would still pass changes on. */
const shared = () => mountTable().filter(({ propagation }) => propagation.includes('shared:')).length;

export const propagationStep: Step = {
  id: 'propagation',
  stage: 'child',
  title: () => 'make every mount private',
  why:
    'A new mount namespace starts as a copy whose mounts still pass changes to each other: what is mounted here would ' +
    'show up outside, and the other way round. Private mounts keep to themselves.',
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
  evidence: () => ({ 'shared mounts': shared() }),
  shortfall: (_, after) =>
    after['shared mounts'] === 0 ? undefined : `${after['shared mounts']} mounts are still shared`,
};
