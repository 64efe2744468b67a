/** Files of a root file system that are not what they seem: nothing hangs on them, and nothing is filled by them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { finished, folder, type RunOptions, rootfs, run, start, type User, users } from '../gontainer.js';
import { patience } from '../until.js';

/** Where a launcher waits for ever, a test would too. */
const limits = { timeout: 5 * patience };

/** What may stand in the place of a file. */
const oddities: Readonly<Record<string, (path: string) => void>> = {
  'a FIFO': (path) => spawnSync('mkfifo', [path]),
  'a link to /dev/zero': (path) => symlinkSync('/dev/zero', path),
  'a link to a FIFO': (path) => {
    spawnSync('mkfifo', [`${path}.fifo`]);
    symlinkSync('passwd.fifo', path);
  },
  '3 GB': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 3 * 1024 ** 3);
  },
  'a directory': (path) => mkdirSync(path),
  nothing: () => {},
};

async function oddRoot(user: User, file: string, make: (path: string) => void): Promise<string> {
  const root = await rootfs(user);
  rmSync(join(root, file), { recursive: true, force: true });
  mkdirSync(dirname(join(root, file)), { recursive: true });
  make(join(root, file));
  return root;
}

/** An address space that holds node, and not gigabytes. */
const bounded = (user: User): RunOptions => ({ user, env: { XDG_RUNTIME_DIR: folder(user) } });

for (const [oddity, make] of Object.entries(oddities)) {
  for (const { skip, ...user } of users)
    test(`${user.name}: ${oddity} as /etc/passwd holds up neither a launch nor enter`, {
      skip,
      ...limits,
    }, async () => {
      const root = await oddRoot(user, 'etc/passwd', make);
      const options = bounded(user);
      const launched = ['run', '--quiet', '--uid', '--pid', '--name', 'box', '--mnt', root, '--'];
      const launcher = start([...launched, 'sh', '-c', 'echo ready; read line'], options);
      const end = finished(launcher);
      await Promise.race([once(launcher.stdout as NodeJS.ReadableStream, 'data'), end]);
      const entered = await run(['enter', '--quiet', 'box', '--', 'sh', '-c', 'echo entered'], options);
      assert.equal(entered.stdout, 'entered\n', entered.stderr);
      launcher.stdin?.end('\n');
      assert.equal((await end).status, 0);
      const named = await run(
        ['run', '--quiet', '--uid', '--mnt', root, '--user', 'nobody', '--', 'true'],
        options,
      );
      assert.equal(named.status, 2, named.stderr);
    });

  test(`${oddity} as /etc/hosts does not hold up a launch`, limits, async () => {
    const [{ skip: _, ...user }] = users.slice(-1) as [(typeof users)[number]];
    const root = await oddRoot(user, 'etc/hosts', (path) => make(path));
    const words = ['run', '--quiet', '--uid', '--pid', '--uts', '--mnt', root, '--', 'echo', 'ran'];
    const { status, stderr } = await run(words, bounded(user));
    assert.equal(status, 0, stderr);
  });
}
