/**
 * A whole Debian in a new root: made by debootstrap, lived in as root and as an unprivileged user. Fetching and
 * unpacking it takes most of a minute, so it runs only as `npm run test:debian`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import {
  type Finished,
  folder,
  lacking,
  records,
  root,
  run,
  type User,
  unprivileged,
  users,
} from '../../gontainer.js';

/** Made once for all tests of a run: trees that nobody writes to, one whose files are a user's own, as an import makes it. */
const tree = join(tmpdir(), 'gontainer-debian-bookworm');
const treeOf = ({ uid }: User): string => (uid === 0 ? tree : `${tree}-${uid}`);
const unable =
  process.env.GONTAINER_SLOW_TESTS !== '1'
    ? 'slow: npm run test:debian runs it'
    : process.getuid?.() !== 0
      ? 'debootstrap needs root'
      : lacking('debootstrap');
let missing: string | false = unable;

before(() => {
  if (unable) return;
  if (!existsSync(tree)) bootstrap();
  const { uid, gid } = unprivileged;
  const copy = `set -e; rm -rf "$2.part"; cp -a "$1" "$2.part"; chown -hR ${uid}:${gid} "$2.part"; mv "$2.part" "$2"`;
  if (existsSync(tree) && !existsSync(treeOf(unprivileged)))
    spawnSync('sh', ['-c', copy, 'sh', tree, treeOf(unprivileged)], { stdio: 'inherit' });
});

function bootstrap(): void {
  const making = `${tree}.part`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making);
  const words = ['--variant=minbase', '--include=perl,python3-minimal', 'bookworm', making];
  const { status, stdout } = spawnSync('debootstrap', words, { encoding: 'utf8' });
  if (status === 0) renameSync(making, tree);
  else missing = `debootstrap failed: ${stdout.trim().split('\n').at(-1)}`;
}

const lines = (text: string): string[] => text.split('\n').filter(Boolean);

/** A test that is skipped with the reason once it is known whether there is a tree. */
function debian(name: string, body: () => Promise<void>): void {
  test(name, { skip: unable }, async (context) => {
    if (missing) context.skip(missing);
    else await body();
  });
}

const inside = (options: readonly string[], script: string, user: User): Promise<Finished> =>
  run(['run', '--quiet', '--all', '--mnt', treeOf(user), ...options, '--', '/bin/bash', '-c', script], {
    user,
  });

for (const user of users) {
  debian(`${user.name}: apt, dpkg, perl and python work`, async () => {
    const script = `
      apt-get --version | head -n 1; apt-cache policy apt | grep -c Installed; dpkg -s bash | grep Status; dpkg --verify bash
      perl -e 'use POSIX; print "perl ", (POSIX::uname())[1], "\\n"'
      python3 -c 'import os; print("python", os.getpid() > 1, os.uname().nodename, open("/etc/hostname").read().strip())'
      python3 -c 'import os; m, s = os.openpty(); print(os.ttyname(s), os.isatty(s))'
      getent hosts box | tr -s " "; getent passwd root | cut -d : -f 1; cat /etc/debian_version
      echo made > /root/made && mkdir -p /var/tmp/a/b && rm -r /var/tmp/a && echo changed`;
    const { stdout, stderr, status } = await inside(['--ephemeral', '--hostname', 'box'], script, user);
    assert.equal(status, 0, stderr);
    const [apt, ...rest] = lines(stdout);
    assert.match(apt as string, /^apt 2\./);
    assert.deepEqual(rest.slice(0, -2), [
      ...['1', 'Status: install ok installed', 'perl box', 'python True box box', '/dev/pts/0 True'],
      ...['127.0.1.1 box', 'root'],
    ]);
    assert.match(rest.at(-2) as string, /^12\./);
    assert.equal(rest.at(-1), 'changed');
    assert.equal(existsSync(join(treeOf(user), 'root/made')), false);
  });

  debian(
    `${user.name}: a package is built, installed and removed again, and the changes are kept in a folder`,
    async () => {
      const kept = folder(user);
      const build = `
      mkdir -p /tmp/p/DEBIAN /tmp/p/usr/bin && printf 'Package: hello-root\\nVersion: 1\\nArchitecture: all\\nMaintainer: A <a@b.c>\\nDescription: x\\n' > /tmp/p/DEBIAN/control
      printf '#!/bin/sh\\necho hello from a package\\n' > /tmp/p/usr/bin/hello-root && chmod 755 /tmp/p/usr/bin/hello-root
      chmod -R u+rwX,go+rX,go-w /tmp/p; dpkg-deb --root-owner-group -b /tmp/p /tmp/p.deb >/dev/null && dpkg -i /tmp/p.deb >/dev/null && hello-root`;
      const built = await inside(['--overlay', kept], build, user);
      assert.equal(built.stdout, 'hello from a package\n', built.stderr);
      const again = await inside(
        ['--overlay', kept],
        'hello-root; dpkg -r hello-root >/dev/null; test -e /usr/bin/hello-root && echo left',
        user,
      );
      assert.equal(again.stdout, 'hello from a package\n', again.stderr);
      assert.equal(existsSync(join(treeOf(user), 'usr/bin/hello-root')), false);
    },
  );

  debian(`${user.name}: an interactive shell works at a terminal of the host`, async () => {
    const log = join(folder(user), 'log');
    const words = [
      'run',
      '--quiet',
      '--all',
      '--ephemeral',
      '--mnt',
      tree,
      '--log-file',
      log,
      '--',
      '/bin/bash',
      '-i',
    ];
    const { stdout } = await run(words, { user, input: 'echo I am $(id -un) in $PWD\nexit 7\n' });
    assert.match(stdout, /I am root in \//);
    const ended = records(log).find((record) => record.ended !== undefined)?.ended as { status: number };
    assert.equal(ended.status, 7);
  });
}

debian('root: a system user of Debian has its own name, groups and files with a range of IDs', async () => {
  const maps = ['--uid-map', '0:0:65536', '--gid-map', '0:0:65536'];
  const { stdout, stderr } = await inside(
    [...maps, '--ephemeral', '--user', 'www-data', '--workdir', '/var'],
    'id; pwd; touch /etc/x 2>&1',
    root,
  );
  assert.deepEqual(
    lines(stdout),
    [
      'uid=33(www-data) gid=33(www-data) groups=33(www-data)',
      '/var',
      "touch: cannot touch '/etc/x': Permission denied",
    ],
    stderr,
  );
});
