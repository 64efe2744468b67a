/** --mnt=/ and the mounts without --mnt: the host's own tree is the new root, and what was asked for is different. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { folder, lacking, run, users } from '../../gontainer.js';
import { hostMounts } from './root-file-systems.js';

const readOnly = 'Read-only file system';

for (const user of users) {
  const { skip } = user;
  const title = (text: string): string => `${user.name}: ${text}`;
  /** Runs a shell script in the host's own tree, from a folder of this user. */
  const inTree = (options: string[], script: string, cwd = folder(user), env = {}) =>
    run(['run', '--quiet', ...options, '--', 'sh', '-c', script], { user, cwd, env });

  test(title('with --mnt=/ the command has the programs, the files and the directory of its caller'), {
    skip,
  }, async () => {
    const before = hostMounts();
    const place = folder(user);
    const script = 'pwd; id -u; cat /etc/passwd | wc -l; ls /proc/fs; echo made >made';
    const { status, stdout, stderr } = await inTree(['--uid', '--pid', '--mnt=/'], script, place);
    assert.equal(status, 0, stderr);
    const [directory, uid, users, ...systems] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.trim());
    assert.equal(directory, place);
    assert.equal(uid, '0');
    assert.equal(Number(users), readFileSync('/etc/passwd', 'utf8').trimEnd().split('\n').length);
    assert.deepEqual(systems, readdirSync('/proc/fs').sort());
    assert.equal(readFileSync(join(place, 'made'), 'utf8'), 'made\n');
    assert.equal(hostMounts(), before);
  });

  test(title('its /proc, /sys and /dev are of its own'), { skip }, async () => {
    const script =
      'echo $$ >/dev/null; ls /proc | grep -c "^[0-9]"; ls /sys/class/net; ls -A /dev/shm | wc -l; ls /dev/disk 2>&1';
    const { stdout, stderr } = await inTree(['--all', '--mnt=/'], script);
    const [processes, interfaces, shared, disks] = stdout.split('\n').map((line) => line.trim());
    assert.ok(Number(processes) < 6, `${stdout}${stderr}`);
    assert.deepEqual([interfaces, shared], ['lo', '0']);
    assert.match(String(disks), /No such file/);
  });

  for (const options of [['--pid'], []]) {
    const which = options.length === 0 ? 'the host’s /proc' : 'a /proc of its own';
    test(title(`with --read-only and ${which} nothing can be written but what is bound`), {
      skip,
    }, async () => {
      const [kept, hidden] = [folder(user), folder(user)];
      mkdirSync(join(hidden, 'there'));
      const words = [
        '--uid',
        ...options,
        '--mnt=/',
        '--read-only',
        `--bind=${kept}:${kept}`,
        `--tmpfs=${hidden}`,
      ];
      const script = `echo 1 >${kept}/one; echo 1 >${hidden}/two; ls ${hidden}; (: >/tmp/three) 2>&1; (: >/proc/fs/tmp/three) 2>&1; cat /proc/fs/etc/passwd 2>&1`;
      const { stdout, stderr } = await inTree(words, script, kept);
      const [seen, refused, ...reached] = stdout.trimEnd().split('\n');
      assert.equal(seen, 'two', stderr);
      assert.ok(refused?.endsWith(readOnly), stdout);
      // The place where it was set up leads nowhere.
      assert.ok(
        reached.every((line) => /No such|nonexistent/.test(line)),
        stdout,
      );
      assert.deepEqual([readFileSync(join(kept, 'one'), 'utf8'), readdirSync(hidden)], ['1\n', ['there']]);
    });
  }

  test(title('without --mnt a mount changes the same tree, and the environment stays'), {
    skip,
  }, async () => {
    const [place, source] = [folder(user), folder(user)];
    const { status, stdout, stderr } = await inTree(
      ['--uid', `--bind=${source}:${place}:ro`],
      `echo $KEPT; (: >${place}/new) 2>&1`,
      source,
      { KEPT: 'kept' },
    );
    assert.notEqual(status, 0);
    const [kept, refused] = stdout.split('\n');
    assert.equal(kept, 'kept', stderr);
    assert.ok(refused?.endsWith(readOnly), stdout);
  });

  test(title('where something is mounted over the caller’s directory the command begins at the root'), {
    skip,
  }, async () => {
    const place = folder(user);
    const { stdout, stderr } = await inTree(['--uid', '--mnt=/', `--tmpfs=${place}`], 'pwd', place);
    assert.equal(stdout, '/\n', stderr);
    const shownAgain = ['--uid', '--mnt=/', `--tmpfs=${dirname(place)}`, `--bind=${place}:${place}`];
    assert.equal((await inTree(shownAgain, 'pwd', place)).stdout, `${place}\n`);
  });

  test(title('the script of --dry-run --shell does the same'), {
    skip: skip || lacking('unshare', 'mount', 'findmnt', 'setpriv', 'capsh'),
  }, async () => {
    const place = folder(user);
    const script = await run(
      [
        'run',
        '--all',
        '--mnt=/',
        '--read-only',
        `--bind=${place}:${place}`,
        '--dry-run',
        '--shell',
        '--',
        'sh',
        '-c',
        'pwd; : >one; (: >/tmp/no) 2>&1',
      ],
      { user, cwd: place },
    );
    const file = join(folder(user), 'launch.sh');
    writeFileSync(file, script.stdout);
    const { stdout, stderr } = spawnSync('sh', ['-e', file], {
      cwd: place,
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: folder(user) },
      ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
    });
    const [directory, refused] = stdout.split('\n');
    assert.equal(directory, place, stderr);
    assert.ok(refused?.endsWith(readOnly), stdout);
    assert.ok(existsSync(join(place, 'one')));
  });
}

test('real root puts an overlay over the whole tree, and nothing of it stays', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
}, async () => {
  const name = `/etc/gontainer-overlay-${process.pid}`;
  const { status, stdout, stderr } = await run([
    'run',
    '--quiet',
    '--pid',
    '--ephemeral',
    '--',
    'sh',
    '-c',
    `echo new >${name}; cat ${name}`,
  ]);
  assert.deepEqual([status, stdout], [0, 'new\n'], stderr);
  assert.equal(existsSync(name), false);
  const within = await run(['run', '--mnt=/', `--overlay=${folder()}`, '--', 'true']);
  if (statSync('/').dev === statSync(tmpdir()).dev) {
    assert.equal(within.status, 2);
    assert.match(
      within.stderr,
      /lies on the file system of \/, and an overlay cannot keep its changes in what it covers/,
    );
  } else assert.equal(within.status, 0, within.stderr);
});
