/** --ephemeral and --overlay: changes that vanish, changes that are kept, and the root file system as it was. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { finished, folder, lacking, records, root, rootfs, run, start, users } from '../../gontainer.js';
import { snapshot } from '../../parent/images/snapshot.js';
import { afterMounting, bareRoot, hostMounts, inside, noBusybox, own } from './root-file-systems.js';

const lines = (text: string): string[] => text.split('\n').filter(Boolean);
const noMounting = process.getuid?.() === 0 ? lacking('unshare', 'setpriv') : 'needs root';
/** Writes, replaces, removes; the removed folder comes back empty. */
const changes =
  'echo new > /new; echo other > /etc/shells; rm /etc/profile; rm -r /home; mkdir /home; chmod 700 /var';

for (const user of users) {
  const skip = user.skip || noBusybox;
  const title = (text: string): string => `${user.name}: ${text}`;

  for (const method of [[], ['--chroot']]) {
    test(title(`--ephemeral forgets every change${method.length > 0 ? ', after chroot too' : ''}`), {
      skip,
    }, async () => {
      const path = await rootfs(user);
      const [before, mounts] = [snapshot(path), hostMounts()];
      const script = `${changes}; cat /new /etc/shells; ls /home; ls /etc/profile 2>&1; stat -c %a / /var`;
      const { stdout, stderr } = await inside(path, ['--ephemeral', ...method], script, user);
      assert.deepEqual(
        lines(stdout),
        ['new', 'other', 'ls: /etc/profile: No such file or directory', '755', '700'],
        stderr,
      );
      assert.deepEqual(snapshot(path), before);
      assert.equal(hostMounts(), mounts);
      assert.equal(
        (await inside(path, ['--ephemeral', ...method], 'ls /new 2>/dev/null; ls /home', user)).stdout,
        'user\n',
      );
    });
  }

  test(title('--overlay keeps the changes in its folder, and they are there the next time'), {
    skip,
  }, async () => {
    const [path, kept] = [await rootfs(user), folder(user)];
    const before = snapshot(path);
    await inside(path, ['--overlay', kept], changes, user);
    assert.deepEqual(readdirSync(kept).sort(), ['upper', 'work']);
    assert.equal(readFileSync(join(kept, 'upper/new'), 'utf8'), 'new\n');
    assert.deepEqual(snapshot(path), before);
    const log = join(folder(user), 'log');
    await inside(path, ['--overlay', kept, '--log-file', log], ':', user);
    assert.deepEqual(
      records(log).filter(({ warning, step }) => warning && step === 'overlay'),
      [],
      'nothing is lacking the second time',
    );
    const again = 'cat /new /etc/shells; ls /home; ls /etc/profile 2>&1; stat -c %a /var';
    const { stdout, stderr } = await inside(path, ['--overlay', kept], again, user);
    assert.deepEqual(
      lines(stdout),
      ['new', 'other', 'ls: /etc/profile: No such file or directory', '700'],
      stderr,
    );
  });

  test(title('mount points that are missing are made in the upper layer and removed from it'), {
    skip,
  }, async () => {
    const [path, kept] = [bareRoot(user), folder(user)];
    const options = ['--overlay', kept, '--tmpfs', '/made/deep', '--hostname', 'box'];
    const { stdout, stderr } = await inside(path, options, 'ls -d /made/deep', user);
    assert.equal(stdout, '/made/deep\n', stderr);
    assert.deepEqual(readdirSync(join(kept, 'upper')), []);
    assert.deepEqual(readdirSync(path), ['bin']);
  });

  test(title('--ephemeral lives on read-only media that lack every mount point'), {
    skip: skip || noMounting,
  }, async () => {
    const [path, at] = [bareRoot(user), folder(user)];
    const words = (more: string[]) => [
      'run',
      '--quiet',
      '--all',
      '--mnt',
      at,
      ...more,
      '--',
      '/bin/sh',
      '-c',
      'ls -d /proc/1 /etc',
    ];
    const under = afterMounting(`mount --bind '${path}' '${at}'; mount -o remount,bind,ro '${at}'`, user);
    const refused = await run(words([]), { user: root, under });
    assert.equal(refused.status, 125);
    assert.match(
      refused.stderr,
      /^gontainer: step mount-points: mkdir\("\/proc", .*EROFS.* lacks \/proc, and it cannot be made there: .*--ephemeral/,
    );
    const { stdout, stderr } = await run(words(['--ephemeral', '--tmpfs', '/etc']), { user: root, under });
    assert.equal(stdout, '/etc\n/proc/1\n', stderr);
  });

  test(title('the paths of an overlay may hold commas, colons, blanks and backslashes'), {
    skip,
  }, async () => {
    const odd = join(folder(user), 'a,b:c d\\e');
    mkdirSync(odd);
    const { status, stderr } = await run(['rootfs', 'create', join(odd, 'root')], { user: root });
    assert.equal(status, 0, stderr);
    mkdirSync(join(odd, 'kept'));
    own(odd, user);
    for (const options of [['--ephemeral'], ['--overlay', join(odd, 'kept')]]) {
      const found = await inside(join(odd, 'root'), options, 'echo x > /x; ls /x', user);
      assert.equal(found.stdout, '/x\n', found.stderr);
    }
    assert.deepEqual(readdirSync(join(odd, 'kept/upper')), ['x']);
  });

  test(title(
    'two containers share a root file system under --ephemeral, and only one may keep changes in a folder',
  ), { skip }, async () => {
    const [path, kept] = [await rootfs(user), folder(user)];
    const words = (options: string[], script: string) => [
      'run',
      '--quiet',
      '--all',
      '--mnt',
      path,
      ...options,
      '--',
      '/bin/sh',
      '-c',
      script,
    ];
    const first = start(
      words(['--overlay', kept], 'echo ready; read go; ls /second 2>/dev/null; echo done'),
      { user },
    );
    const end = finished(first);
    await once(first.stdout as NodeJS.ReadableStream, 'data');
    const second = await run(words(['--ephemeral'], 'echo > /second; echo ran'), { user });
    assert.equal(second.stdout, 'ran\n', second.stderr);
    const third = await run(words(['--overlay', kept], 'true'), { user });
    assert.equal(third.status, 125);
    assert.match(
      third.stderr,
      /another container keeps its changes in .* at the moment\. Choose another folder/,
    );
    first.stdin?.end('\n');
    assert.equal((await end).stdout, 'ready\ndone\n');
  });

  test(title('the step shows the overlay from the mount table'), { skip }, async () => {
    const [path, log] = [bareRoot(user), join(folder(user), 'log')];
    await inside(path, ['--ephemeral', '--log-file', log], 'true', user);
    const step = records(log).find((record) => record.step === 'overlay' && record.shell !== undefined);
    const mounts = (step?.after as { mounts: string[] } | undefined)?.mounts ?? [];
    assert.ok(
      mounts.some((line) => line.startsWith(`${path} overlay overlay rw`)),
      mounts.join(),
    );
  });

  test(title('a mount below the root file system is no part of an overlay'), {
    skip: skip || noMounting,
  }, async () => {
    const path = bareRoot(user);
    mkdirSync(join(path, 'data'));
    writeFileSync(join(path, 'data/covered'), '');
    const words = [
      'run',
      '--quiet',
      '--all',
      '--mnt',
      path,
      '--ephemeral',
      '--',
      '/bin/sh',
      '-c',
      'ls /data',
    ];
    const under = afterMounting(`mount -t tmpfs tmpfs '${path}/data'; : > '${path}/data/above'`, user);
    const { status, stdout, stderr } = await run(words, { user: root, under });
    // Root sees what is under the mount; a user namespace must not, so there it is refused.
    if (user.uid === 0 && status === 0) assert.equal(stdout, 'covered\n');
    else assert.match(stderr, /Something is mounted below .*: unmount it first\./);
    assert.ok(existsSync(join(path, 'data/covered')));
  });
}
