/** Mount points that are missing, and links that try to lead out of the root file system. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { endWithTest, finished, folder, lacking, run, start, users } from '../../gontainer.js';
import { until } from '../../until.js';
import { bareRoot, hostMounts, inside, noBusybox, own, paths } from './root-file-systems.js';

const lines = (text: string): string[] => text.split('\n').filter(Boolean);

for (const user of users) {
  const skip = user.skip || noBusybox;
  const title = (text: string): string => `${user.name}: ${text}`;

  test(title('what is missing is made, and gone again afterwards, whatever the command does'), {
    skip,
  }, async () => {
    const path = bareRoot(user);
    const options = ['--tmpfs', '/a/b/c', '--bind', '/proc/version:/d/e'];
    for (const script of ['ls -d /proc /sys /dev /a/b/c /d/e', 'exit 3', 'kill -9 $$']) {
      const { stdout } = await inside(path, options, script, user);
      if (script.startsWith('ls')) assert.equal(lines(stdout).length, 5);
      assert.deepEqual(readdirSync(path), ['bin'], script);
    }
    // Also where the launch itself fails half-way.
    const failed = await inside(path, [...options, '--workdir', '/nowhere'], 'true', user);
    assert.equal(failed.status, 125);
    assert.deepEqual(readdirSync(path), ['bin']);
  });

  test(title('what the command put beside a mount stays, and what was there before'), { skip }, async () => {
    const path = bareRoot(user);
    mkdirSync(join(path, 'here'));
    own(path, user);
    const script = 'echo x > /a/kept; echo y > /here/b/gone';
    const { stderr } = await inside(path, ['--tmpfs', '/a/b', '--tmpfs', '/here/b'], script, user);
    assert.equal(stderr, '');
    assert.deepEqual(
      paths(path).filter((name) => !name.startsWith('bin')),
      ['a', 'a/kept', 'here'],
    );
  });

  test(title('a mount point that another container still uses stays, and its mounts with it'), {
    skip,
  }, async () => {
    const path = bareRoot(user);
    const words = ['run', '--quiet', '--all', '--mnt', path, '--tmpfs', '/made', '--', '/bin/sh', '-c'];
    const first = start([...words, 'echo ready; read go'], { user });
    const firstEnd = finished(first);
    await once(first.stdout as NodeJS.ReadableStream, 'data');
    const second = start([...words, 'echo x > /made/x; echo ready; read go; cat /made/x; ls -d /proc/1'], {
      user,
    });
    const secondEnd = finished(second);
    await once(second.stdout as NodeJS.ReadableStream, 'data');
    first.stdin?.end('\n');
    await firstEnd;
    second.stdin?.end('\n');
    assert.equal((await secondEnd).stdout, 'ready\nx\n/proc/1\n');
    assert.deepEqual(readdirSync(path).sort(), ['bin', 'dev', 'made', 'proc', 'sys']);
  });

  test(title('what is missing in a folder of the host that is bound is gone afterwards, too'), {
    skip,
  }, async () => {
    const path = bareRoot(user);
    const above = folder(user);
    const bound = join(above, 'bound');
    mkdirSync(join(bound, 'here'), { recursive: true });
    writeFileSync(join(bound, 'empty'), '');
    own(bound, user);
    // Who may pass through a folder need not be able to list it, as with /home of mode 0711.
    chmodSync(above, 0o111);
    const nested = ['--tmpfs', '/d/a/b', '--tmpfs', '/d/here', '--bind', '/proc/version:/d/c/file'];
    const options = ['--bind', `${bound}:/d`, ...nested, '--bind', '/proc/version:/d/empty'];
    const script = 'echo x >/d/a/b/x; echo y >/d/here/y; cat /d/c/file /d/empty | wc -l';
    const { stdout } = await inside(path, options, script, user);
    assert.equal(stdout, '2\n');
    assert.deepEqual(readdirSync(bound, { recursive: true }).sort(), ['empty', 'here']);
    // What the command has put beside a mount stays.
    await inside(path, options, 'echo kept >/d/a/kept', user);
    assert.deepEqual(readdirSync(bound, { recursive: true }).sort(), ['a', 'a/kept', 'empty', 'here']);
  });

  test(title('several launches share what lies above a mount point, too, and the last one removes it'), {
    skip,
  }, async () => {
    const [path, bound] = [bareRoot(user), folder(user)];
    const launched = async () => {
      const words = ['run', '--quiet', '--all', '--mnt', path, '--bind', `${bound}:/d`, '--tmpfs', '/d/a/b'];
      const script = 'echo x >/d/a/b/x; echo ready; read go; cat /d/a/b/x';
      const container = start([...words, '--', '/bin/sh', '-c', script], { user });
      const end = finished(container);
      await once(container.stdout as NodeJS.ReadableStream, 'data');
      return { container, end };
    };
    const [first, second] = [await launched(), await launched()];
    for (const { container, end } of [first, second]) {
      assert.deepEqual(paths(bound), ['a', 'a/b']);
      container.stdin?.end('\n');
      assert.equal((await end).stdout, 'ready\nx\n');
    }
    assert.deepEqual(paths(bound), []);
    // What a killed one leaves is removed with its entry.
    const { container, end } = await launched();
    container.kill('SIGKILL');
    await end;
    await until(
      () => `left: ${paths(bound).join(' ')}`,
      async () => (await run(['ps'], { user })).status === 0 && paths(bound).length === 0,
    );
  });

  test(title(
    'a mount point in a folder of the host that somebody keeps locked is named, and not waited for',
  ), {
    skip: skip || lacking('flock'),
  }, async () => {
    const [path, bound] = [bareRoot(user), folder(user)];
    const locked = async (name: string, mode: number): Promise<readonly string[]> => {
      mkdirSync(join(bound, name));
      chmodSync(join(bound, name), mode);
      const words = ['--exclusive', '--no-fork', join(bound, name), 'sh', '-c', 'echo; exec sleep 1000'];
      await once(endWithTest(spawn('flock', words)).stdout, 'data');
      return ['--bind', `${bound}:/d`, '--tmpfs', `/d/${name}`];
    };
    // As another launch makes it.
    const { status, stderr } = await inside(path, await locked('made', 0o1755), 'true', user);
    assert.equal(status, 125);
    assert.match(stderr, /^gontainer: somebody holds a lock of .*\/made, .* lslocks.*\n$/);
    // A folder that everybody may write to is somebody's, and what he locks is his affair.
    const open = await inside(path, await locked('open', 0o1777), 'true', user);
    assert.deepEqual([open.stderr, open.status], ['', 0]);
  });

  test(title('what cannot be made is named, and what to do about it'), { skip }, async () => {
    const path = bareRoot(user);
    const refused = async (options: readonly string[], root = path): Promise<string> => {
      const { status, stderr } = await inside(root, options, 'true', user);
      assert.equal(status, 125);
      assert.match(stderr, /^gontainer: step mount-points: .*\n$/);
      return stderr;
    };
    writeFileSync(join(path, 'file'), '');
    symlinkSync('nowhere', join(path, 'link'));
    own(path, user);
    assert.match(
      await refused(['--tmpfs', '/file']),
      /a directory is needed at \/file in the new root, and something else is there/,
    );
    assert.match(await refused(['--bind', '/proc/version:/bin']), /a file is needed at \/bin/);
    assert.match(
      await refused(['--tmpfs', '/link']),
      /mkdir\("\/link", .*EEXIST.*\/link is a symbolic link that leads nowhere/,
    );
    if (user.uid === 0) return;
    // It belongs to root, and has no /proc.
    assert.match(
      await refused([], '/usr'),
      /lacks \/proc, and it cannot be made there: make it yourself, or add --ephemeral/,
    );
  });

  test(title('links in the root file system do not lead to the host'), { skip }, async () => {
    const [path, victim] = [bareRoot(user), folder(user)];
    for (const name of ['proc', 'sys', 'dev', 'etc', 'project']) mkdirSync(join(victim, name));
    writeFileSync(join(victim, 'etc/hostname'), 'untouched\n');
    own(victim, user);
    const before = paths(victim);
    const up = `/../../../../../..${victim}`;
    // Absolute, upwards from where they are, and through /.., which leads into the old root after pivot_root(".", ".").
    for (const lead of [victim, up, relative(path, victim)]) {
      const trap = bareRoot(user);
      for (const name of ['etc', 'project']) symlinkSync(join(lead, name), join(trap, name));
      const options = [
        '--hostname',
        'box',
        '--tmpfs',
        '/project/deep',
        '--bind',
        '/proc/version:/project/file',
      ];
      const mounts = hostMounts();
      const { stderr, status } = await inside(trap, options, 'true', user);
      assert.equal(status, 125, stderr);
      assert.match(stderr, /symbolic link that leads nowhere/);
      assert.deepEqual(paths(victim), before);
      assert.equal(hostMounts(), mounts);
      // Where the same path exists inside, that is what the link means.
      for (const name of ['proc', 'sys', 'dev', 'etc', 'project'])
        mkdirSync(join(trap, victim, name), { recursive: true });
      writeFileSync(join(trap, victim, 'etc/hostname'), '');
      own(trap, user);
      const within = await inside(
        trap,
        options,
        `ls -d /dev/null /project/deep /project/file; cat ${victim}/etc/hostname`,
        user,
      );
      if (lead === relative(path, victim)) continue; // Depends on how deep the folders lie.
      assert.deepEqual(
        lines(within.stdout),
        ['/dev/null', '/project/deep', '/project/file', 'box'],
        within.stderr,
      );
      assert.deepEqual(paths(victim), before);
    }
  });

  test(title('/proc, /sys and /dev must not be links'), { skip }, async () => {
    for (const name of ['proc', 'sys', 'dev']) {
      const path = bareRoot(user);
      symlinkSync('bin', join(path, name));
      const { status, stderr } = await inside(path, [], 'true', user);
      assert.equal(status, 125);
      assert.match(
        stderr,
        new RegExp(`/${name} in the new root is a symbolic link, and has to be a directory`),
      );
    }
  });

  test(title('links that change during the set-up do not lead to the host either'), {
    skip: skip || lacking('bash'),
  }, async () => {
    const [path, victim] = [bareRoot(user), folder(user)];
    own(victim, user);
    const up = `/../../../../../..${victim}`;
    // A folder and a link to the victim take turns as /project, as fast as can be.
    mkdirSync(join(path, 'a'));
    symlinkSync(up, join(path, 'b'));
    own(path, user);
    const swap = `
      import ctypes, os
      libc = ctypes.CDLL(None)
      while True: libc.renameat2(-100, b'${path}/a', -100, b'${path}/b', 2)`;
    const swapping = spawn('python3', ['-c', swap.replace(/^ {6}/gm, '')], { stdio: 'ignore' });
    swapping.on('error', () => {});
    try {
      const seen = new Set<string>();
      for (let round = 0; round < 12; round += 1) {
        const { stderr, stdout } = await inside(
          path,
          ['--tmpfs', '/a/deep/er', '--tmpfs', '/b/deep/er'],
          'echo ran',
          user,
        );
        seen.add(stdout === 'ran\n' ? 'ran' : 'refused');
        assert.ok(stdout === 'ran\n' || stderr.startsWith('gontainer: step '), stderr);
        assert.deepEqual(readdirSync(victim), []);
      }
      assert.ok(seen.size > 0);
    } finally {
      swapping.kill('SIGKILL');
    }
    assert.deepEqual(readdirSync(victim), []);
  });
}
