/** A root file system that is made to hang its launcher, or to eat its memory. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bareRoot, noBusybox, own } from '../../common/steps/root-file-systems.js';
import { run, users } from '../../gontainer.js';
import { patience } from '../../until.js';

const files = ['passwd', 'group', 'hosts', 'hostname'];

/** What is put in the place of a file, by the user who owns the root file system. */
const traps: Readonly<Record<string, (path: string) => void>> = {
  'an endless device': (path) => symlinkSync('/dev/zero', path),
  'a FIFO': (path) => assert.equal(spawnSync('mkfifo', [path]).status, 0),
  'a file of three gigabytes': (path) => {
    writeFileSync(path, 'root:x:0:0::/:/bin/sh\n');
    assert.equal(spawnSync('truncate', ['--size=3G', path]).status, 0);
  },
  'a loop of links': (path) => symlinkSync(path.split('/').at(-1) as string, path),
  'a directory': (path) => mkdirSync(path),
};

for (const user of users) {
  for (const [name, put] of Object.entries(traps)) {
    test(`${user.name}: ${name} in the place of passwd, group, hosts and hostname stops no launch`, {
      skip: user.skip || noBusybox,
      timeout: 5 * patience,
    }, async () => {
      const path = bareRoot(user);
      mkdirSync(join(path, 'etc'));
      for (const file of files) put(join(path, 'etc', file));
      own(path, user);
      // With less memory than it would take to read them.
      const limited = ['prlimit', '--data=1000000000'];
      const words = ['run', '--quiet', '--uid', '--pid', '--uts', '--mnt', path];
      const named = await run([...words, '--', 'echo', 'runs'], { user, under: limited });
      assert.deepEqual([named.stdout, named.stderr], ['runs\n', '']);
      const user0 = await run([...words, '--user', '0', '--', 'echo', 'runs'], { user, under: limited });
      assert.deepEqual([user0.stdout, user0.stderr], ['runs\n', '']);
      rmSync(path, { recursive: true, force: true });
    });
  }
}
