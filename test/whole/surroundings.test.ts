/** Where the program is started without what it usually finds: its working directory, a home, /proc, a command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  folder,
  lacking,
  node,
  notes,
  program,
  root,
  rootfs,
  run,
  type User,
  unprivileged,
  users,
} from '../gontainer.js';
import { patience } from '../until.js';

const place = folder();

/** Runs a line in a working directory that was removed. */
function inRemoved(words: string): { status: number | null; stdout: string; stderr: string } {
  const removed = mkdtempSync(join(place, 'removed-'));
  const script = `cd '${removed}' && rmdir '${removed}' && exec '${node}' '${program}' ${words}`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', input: '' });
  return { status, stdout, stderr };
}

test('a working directory that was removed is none of the command’s business', () => {
  for (const words of [
    'run --uid --quiet -- echo here',
    'run --uid --pid --quiet --workdir /tmp -- echo here',
    'run --uid --quiet --as-pid-1 --pid -- echo here',
  ]) {
    assert.deepEqual(inRemoved(words), { status: 0, stdout: 'here\n', stderr: '' }, words);
  }
  assert.equal(inRemoved('run --uid --dry-run -- true').status, 0);
  assert.equal(inRemoved('ps').status, 0);
  assert.equal(inRemoved(`rootfs create '${join(place, 'made')}'`).status, 0);
});

test('where a path leads from a working directory that was removed, that is said in one sentence', () => {
  for (const [words, expected, status] of [
    [
      'run --uid --mnt . -- true',
      /--mnt=\. cannot be found: the working directory was removed\. Give an absolute path/,
      2,
    ],
    [
      'run --uid --mnt /tmp --bind x:/y -- true',
      /--bind=x cannot be found: the working directory was removed/,
      2,
    ],
    ['run --uid --quiet -- ./program', /\.\/program: there is no such command/, 127],
    [
      'run --uid --quiet --log-file x -- true',
      /--log-file=x cannot be written: no such file or directory/,
      2,
    ],
    [
      'rootfs create root',
      /the working directory was removed, and this needs it\. Go to a directory that exists/,
      2,
    ],
    ['rootfs import x.tar root', /the working directory was removed|no such file or directory/, 2],
  ] as const) {
    const found = inRemoved(words);
    assert.match(found.stderr, /^gontainer: [^\n]*\n$/, words);
    assert.match(found.stderr, expected, words);
    assert.equal(found.status, status, words);
  }
});

test('without /proc one sentence says what is missing', {
  skip: (process.getuid?.() !== root.uid && 'needs root') || lacking('unshare'),
}, () => {
  for (const words of ['run --uid -- true', 'ps', 'doctor', 'enter 1', 'ns', 'lesson uts --auto']) {
    const script = `umount -l /proc && exec '${node}' '${program}' ${words}`;
    const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
      encoding: 'utf8',
      input: '',
    });
    assert.match(stderr, /^gontainer: \/proc is not mounted here[^\n]*\n$/, words);
    assert.deepEqual([status, stdout], [125, ''], words);
  }
});

/** Runs lines one after the other in a mount namespace of its own, the last as a user of the host. */
function afterMounting(mounting: string, { uid, gid }: User, words: string) {
  const become = uid === 0 ? '' : `setpriv --reuid=${uid} --regid=${gid} --clear-groups `;
  const script = `${mounting} && cd / && exec ${become}'${node}' '${program}' ${words}`;
  return spawnSync('unshare', ['--mount', 'sh', '-c', script], {
    encoding: 'utf8',
    input: '',
    timeout: patience,
    env: { PATH: process.env.PATH, HOME: '/', XDG_DATA_HOME: notes({ uid }) },
  });
}

for (const hidden of [1, 2])
  for (const user of users)
    test(`${user.name}: a /proc that hides the processes of others (hidepid=${hidden}) is enough for a launch`, {
      skip: users[0]?.skip || lacking('unshare', 'setpriv'),
    }, () => {
      const base = user.uid === 0 ? [] : ['--uid'];
      for (const more of [
        ['--all'],
        [...base, '--pid'],
        [...base, '--uts'],
        [...base, '--pid', '--pty'],
        ['--uid', '--pid', '--as-pid-1'],
      ]) {
        const words = `run --quiet ${more.join(' ')} -- /bin/echo ran`;
        const mounting = `mount -t proc -o hidepid=${hidden} proc /proc`;
        const { status, stdout, stderr } = afterMounting(mounting, user, words);
        assert.deepEqual([status, stdout.trim(), stderr], [0, 'ran', ''], words);
      }
    });

test('files of /etc of 3 GB hold no launch up', {
  skip: users[0]?.skip || lacking('unshare', 'setpriv'),
}, async () => {
  const path = await rootfs(unprivileged);
  const huge = join(place, 'huge');
  writeFileSync(huge, '127.0.0.1 localhost\n');
  truncateSync(huge, 3 * 2 ** 30);
  for (const name of ['hosts', 'passwd', 'group', 'hostname', 'resolv.conf'])
    for (const more of ['--all', `--uid --mnt '${path}'`]) {
      const words = `run --quiet ${more} -- /bin/echo ran`;
      // Memory that three gigabytes do not fit into.
      const mounting = `mount --bind '${huge}' "$(realpath /etc/${name})" && ulimit -d 1000000`;
      const { status, stdout, stderr } = afterMounting(mounting, unprivileged, words);
      assert.deepEqual([status, stdout, stderr], [0, 'ran\n', ''], `${name}, ${words}`);
    }
});

test('who has neither HOME nor a line in passwd gets an answer from every subcommand', {
  skip: (process.getuid?.() !== root.uid && 'needs root') || lacking('setpriv'),
}, async () => {
  const nobody = ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups', 'env', '-u', 'HOME'];
  for (const [words, expected] of [
    [['lesson'], 0],
    [['lesson', '--reset'], 0],
    [['ps'], 0],
    [['run', '--uid', '--quiet', '--', 'true'], 0],
    // The address answers nobody: that far it comes without a home.
    [['rootfs', 'pull', '127.0.0.1:1/none', join(folder({ name: '', uid: 54321, gid: 54321 }), 'made')], 125],
  ] as const) {
    const { status, stderr } = await run(words, { under: nobody });
    assert.doesNotMatch(stderr, /defect|uv_os_homedir/, words.join(' '));
    assert.equal(status, expected, `${words.join(' ')}: ${stderr}`);
  }
  assert.deepEqual(
    readdirSync(process.env.TMPDIR ?? '/tmp').filter((name) => name.startsWith('gontainer-cache-')),
    [],
  );
});

test('an empty word is not a command, with and without a new root', async () => {
  for (const options of [[], ['--pid'], ['--mnt', place], ['--mnt', place, '--tmpfs', '/x']]) {
    const { status, stderr } = await run(['run', '--uid', '--quiet', ...options, '--', '']);
    assert.match(stderr, /^gontainer: an empty word is not a command\. [^\n]*\n$/, options.join(' '));
    assert.equal(status, 127, options.join(' '));
  }
});
