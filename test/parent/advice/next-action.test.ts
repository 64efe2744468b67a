/** What is said of a call that the kernel refuses, whatever else is set against this user. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LaunchSpec } from '../../../src/common/spec.js';
import { nextAction } from '../../../src/parent/advice/next-action.js';

const spec = { unshared: ['uid', 'pid'] } as unknown as LaunchSpec;

for (const [step, call, args, errno, expected] of [
  ['control-group', 'open', { pathname: '/g/io.weight' }, 'ENOENT', /^Disk weights take .*BFQ.*--io-weight/],
  ['control-group', 'open', { pathname: '/g/blkio.bfq.weight' }, 'ENOENT', /BFQ/],
  ['control-group', 'open', { pathname: '/g/memory.memsw.limit_in_bytes' }, 'ENOENT', /swapaccount=1/],
  ['control-group', 'open', { pathname: '/g/memory.swap.max' }, 'ENOENT', /swapaccount=1/],
  [
    'control-group',
    'write',
    { fd: '/g/cpu.cfs_quota_us', buf: '1', count: 1 },
    'EINVAL',
    /A control group above/,
  ],
  ['control-group', 'mkdir', { pathname: '/g/x' }, 'EAGAIN', /cgroup\.max\.descendants/],
  ['control-group', 'mkdir', { pathname: '/g/x' }, 'EPERM', /not yours to change/],
  ['control-group', 'write', { fd: '/g/cgroup.subtree_control' }, 'EBUSY', /has processes of its own/],
  ['enter-group', 'write', { fd: '/g/x/cgroup.procs' }, 'EACCES', /not yours to change/],
  ['enter-group', 'write', { fd: '/g/x/cgroup.procs' }, 'EOPNOTSUPP', /gontainer doctor/],
] as const)
  test(`${step}: ${call} of ${Object.values(args)[0]} fails with ${errno}`, () => {
    const said = nextAction({ step, call, args, errno }, spec);
    assert.match(said, expected);
    assert.match(said, / \(gontainer doctor: “cgroup”\)$/);
  });

const bound = (source: string) => ({
  kind: 'bind',
  source,
  target: `/in${source}`,
  overlay: { keptIn: null },
});

for (const [sources, place, folder] of [
  [['/one', '/two'], 'merged', '/one or /two'],
  [['/one', '/two'], '/in/two', '/two'],
  [['/one'], 'merged', '/one'],
] as const)
  test(`of ${sources.join(' and ')} with an overlay, a mount on ${place} is about ${folder}`, () => {
    const root = { path: '/root', mounts: sources.map(bound) };
    const withOverlays = { ...spec, root } as unknown as LaunchSpec;
    const args = { source: 'overlay', target: place };
    const said = nextAction({ step: 'requested-mounts', call: 'mount', args, errno: 'EINVAL' }, withOverlays);
    assert.match(said, new RegExp(`^The file system of ${folder} cannot lie below an overlay`));
  });
