/** Files of /proc and /sys that are the whole machine's, as real root could write them. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { root } from '../../gontainer.js';
import { asRoot, newRoot, tried } from './attempts.js';

/** With these a program of the container's would be executed by the host, or the machine be changed or ended. */
const files = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/modprobe',
  '/proc/sys/vm/overcommit_memory',
  '/proc/sysrq-trigger',
  '/proc/irq/default_smp_affinity',
  '/sys/kernel/uevent_helper',
  '/sys/kernel/mm/transparent_hugepage/enabled',
  '/sys/power/state',
  '/sys/fs/cgroup/release_agent',
  '/sys/fs/cgroup/cgroup.procs',
].filter((path) => existsSync(path));

test('root cannot write what is the whole machine’s in /proc and /sys', { skip: asRoot }, async () => {
  assert.ok(files.length > 3);
  for (const path of files) {
    for (const more of [
      [],
      ['--pid'],
      ['--pid', '--net'],
      ['--uid', '--pid'],
      ['--chroot'],
      ['--ephemeral'],
    ]) {
      const said = await tried([...more, ...newRoot(root)], ['write', path], root);
      // A new /sys has no such file where its control groups are not mounted.
      assert.match(said, /^held: (EROFS|EACCES|ENOENT)$/, `${path} ${more.join(' ')}`);
    }
    assert.equal(await tried(['--pid'], ['write', path], root), 'got out', path);
  }
});
