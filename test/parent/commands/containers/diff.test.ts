/** `gontainer diff`: what was changed in a container's overlays is listed as the kernel's marks tell it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { noBusybox, own } from '../../../common/steps/root-file-systems.js';
import {
  type Finished,
  finished,
  folder,
  root,
  rootfs,
  run,
  start,
  type User,
  unprivileged,
  untilRuns,
  users,
} from '../../../gontainer.js';

/** A folder with some of everything in it. */
function project(user: User): string {
  const path = join(folder(user), 'project');
  for (const name of ['sub', 'deep/er', 'again', 'still']) mkdirSync(join(path, name), { recursive: true });
  for (const name of ['file', 'equal', 'mode', 'sub/x', 'deep/er/x', 'again/kept', 'again/gone', 'still/x'])
    writeFileSync(join(path, name), 'old\n');
  symlinkSync('file', join(path, 'link'));
  symlinkSync('file', join(path, 'other'));
  own(path, user);
  return path;
}

const inTree = ['--all', '--mnt=/', '--read-only'];

/** Runs a script in a container that stays while it is looked at. */
async function looked(
  options: readonly string[],
  script: string,
  user: User,
  look: (diff: (...words: string[]) => Promise<Finished>) => Promise<void>,
): Promise<void> {
  const env = { XDG_RUNTIME_DIR: folder(user) };
  const words = ['run', '--quiet', '--name=box', ...options, '--', 'sh', '-c'];
  const child = start([...words, `${script}\necho ready; read go`], { user, env });
  const end = finished(child);
  await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), end]);
  assert.equal(child.exitCode, null, child.exitCode === null ? '' : (await end).stderr);
  await untilRuns(env.XDG_RUNTIME_DIR, 'box');
  await look((...more) => run(['diff', ...more], { user, env }));
  child.stdin?.end('\n');
  await end;
  const { status, stderr } = await run(['diff', 'box'], { user, env });
  assert.equal(status, 125);
  assert.match(
    stderr,
    /^gontainer: box has ended, and what it changed in memory is gone.*CHANGES\/upper\.\n$/,
  );
}

const changing = [
  'echo new >new; echo other >file; rm link; rm -r sub; chmod 600 mode; echo more >>deep/er/x',
  'mkdir -p made/in; echo x >made/in/it; mkfifo pipe; ln -sf nowhere other',
  'rm -r again; mkdir again; echo old >again/kept; rm -r still; echo x >still',
  // Copied up, and what it was.
  ': >>equal; touch equal; chmod u+x equal; chmod u-x equal',
].join('\n');

const changed = [
  ['D', 'again/gone', 'file'],
  ['C', 'deep/er/x', 'file'],
  ['C', 'file', 'file'],
  ['D', 'link', 'link'],
  ['A', 'made', 'directory'],
  ['A', 'made/in', 'directory'],
  ['A', 'made/in/it', 'file'],
  ['C', 'mode', 'file'],
  ['A', 'new', 'file'],
  ['C', 'other', 'link'],
  ['A', 'pipe', 'fifo'],
  ['C', 'still', 'file'],
  ['D', 'sub', 'directory'],
];
const lines = (target: string): string =>
  changed.map(([kind, name]) => `${kind} ${target}/${name}\n`).join('');

for (const user of users) {
  const { skip } = user;
  const title = (text: string): string => `${user.name}: ${text}`;

  for (const where of ['overlay', 'overlay=']) {
    const kept = where === 'overlay' ? 'in memory' : 'in a folder';
    test(title(`what was changed in a bound folder is listed, ${kept}`), { skip }, async () => {
      const path = project(user);
      const option = `--bind=${path}:${path}:${where}${where === 'overlay' ? '' : folder(user)}`;
      await looked([...inTree, option], `cd ${path}; ${changing}`, user, async (diff) => {
        const { status, stdout, stderr } = await diff('box');
        assert.deepEqual([status, stderr, stdout], [0, '', lines(path)]);
        const json = JSON.parse((await diff('--json', 'box')).stdout);
        const changes = changed.map(([kind, name, type]) => ({ kind, path: `${path}/${name}`, type }));
        assert.deepEqual(json, { changes, unread: [] });
      });
    });
  }

  test(title('what was changed in the new root is listed, and what the launch has made is not'), {
    skip: skip || noBusybox,
  }, async () => {
    const [system, path, kept] = [await rootfs(user), project(user), folder(user)];
    for (const option of ['--ephemeral', `--overlay=${kept}`]) {
      const options = ['--all', `--mnt=${system}`, option, `--bind=${path}:/made/here:overlay`];
      await looked(options, 'true', user, async (diff) =>
        assert.deepEqual(await diff('box'), { status: 0, signal: null, stdout: '', stderr: '' }),
      );
      const script = 'echo x >/here; rm /etc/shells; mkdir /made/too; echo x >/made/here/file';
      await looked(options, script, user, async (diff) => {
        const { stdout, stderr } = await diff('box');
        assert.equal(stdout, 'D /etc/shells\nA /here\nA /made/too\nC /made/here/file\n', stderr);
      });
    }
  });

  test(title('names are shown as what they are, and given to programs byte by byte'), { skip }, async () => {
    const path = project(user);
    const script = `cd ${path}; touch "$(printf 'a\\033[31m')" "$(printf 'b\\nA passwd')" "$(printf 'c\\377')"`;
    await looked([...inTree, `--bind=${path}:${path}:overlay`], script, user, async (diff) => {
      const { stdout } = await diff('box');
      const names = [String.raw`a\x1b[31m`, String.raw`b\nA passwd`, String.raw`c\udcff`];
      assert.equal(stdout, names.map((name) => `A ${path}/${name}\n`).join(''));
      const { changes } = JSON.parse((await diff('--json', 'box')).stdout);
      assert.deepEqual(
        changes.map((change: { path: string }) => change.path.slice(path.length + 1)),
        ['a\x1b[31m', 'b\nA passwd', 'c\udcff'],
      );
    });
  });

  test(title('no link is followed, also while folders and links take turns'), { skip }, async () => {
    const path = project(user);
    const turns = 'while :; do rm -r d; ln -s /etc d; rm d; mkdir d; echo x >d/x; done 2>/dev/null &';
    const script = `cd ${path}; ln -s /etc etc; rm -r sub; ln -s /etc sub; mkdir d; ${turns}`;
    await looked([...inTree, `--bind=${path}:${path}:overlay`], script, user, async (diff) => {
      for (let times = 0; times < 5; times += 1) {
        const { status, stdout, stderr } = await diff('box');
        assert.equal(status, 0, stderr);
        const found = stdout
          .trimEnd()
          .split('\n')
          .filter((line) => !/^A .*\/d(\/x)?$/.test(line));
        assert.deepEqual(found, [`A ${path}/etc`, `C ${path}/sub`]);
      }
    });
  });

  test(title('what lies too deep is said to be left out'), { skip }, async () => {
    const path = project(user);
    const script = `cd ${path}; i=0; while [ $i -lt 300 ]; do mkdir n && cd n && i=$((i + 1)) || exit; done`;
    await looked([...inTree, `--bind=${path}:${path}:overlay`], script, user, async (diff) => {
      const { status, stdout, stderr } = await diff('box');
      assert.deepEqual([status, stdout.trimEnd().split('\n').length], [1, 201]);
      assert.match(
        stderr,
        /^gontainer: the changes in .*\/n are not all listed: it is deeper than 200 folders\n$/,
      );
    });
  });

  test(title('a container without an overlay, and one that there is not, are said to be that'), {
    skip,
  }, async () => {
    await looked(['--uid', '--pid', `--bind=${project(user)}:/tmp:overlay`], 'true', user, async (diff) => {
      const { status, stderr } = await diff('nobody');
      assert.deepEqual(
        [status, stderr],
        [2, 'gontainer: no container named “nobody” is running. Running: box.\n'],
      );
    });
    const env = { XDG_RUNTIME_DIR: folder(user) };
    const child = start(['run', '--quiet', '--name=plain', '--uid', '--', 'sh', '-c', 'echo; read go'], {
      user,
      env,
    });
    const end = finished(child);
    await untilRuns(env.XDG_RUNTIME_DIR, 'plain');
    const { status, stderr } = await run(['diff', 'plain'], { user, env });
    assert.equal(status, 125);
    assert.match(stderr, /^gontainer: plain has no overlay, so .* on the host\. Start it with --ephemeral/);
    child.stdin?.end('\n');
    await end;
  });
}

test('a folder that the user may not look into is named, and root looks into it', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
}, async () => {
  for (const user of [root, unprivileged]) {
    const path = project(user);
    const script = `cd ${path}; mkdir shut; echo x >shut/x; chmod 0 shut; echo y >open`;
    await looked([...inTree, `--bind=${path}:${path}:overlay`], script, user, async (diff) => {
      const { status, stdout, stderr } = await diff('box');
      const inIt = user === root ? `A ${path}/shut/x\n` : '';
      assert.deepEqual([status, stdout], [user === root ? 0 : 1, `A ${path}/open\nA ${path}/shut\n${inIt}`]);
      if (user !== root)
        assert.match(stderr, /^gontainer: the changes in .*\/shut are not all listed: permission/);
    });
  }
});

test('real root without a user namespace: the marks are those of real root', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
}, async () => {
  const [path, kept] = [project(root), folder(root)];
  chmodSync(path, 0o755);
  const options = ['--pid', '--mnt=/', '--read-only', `--bind=${path}:${path}:overlay=${kept}`];
  const script = `cd ${path}; ${changing}; mv deep moved`;
  await looked(options, script, root, async (diff) => {
    const { status, stdout } = await diff('box');
    assert.equal(status, 0);
    const expected = lines(path)
      .replace(`C ${path}/deep/er/x\n`, `D ${path}/deep\n`)
      .replace(
        `A ${path}/new\n`,
        ['moved', 'moved/er', 'moved/er/x', 'new'].map((name) => `A ${path}/${name}\n`).join(''),
      );
    assert.equal(stdout, expected);
    assert.ok(readdirSync(join(kept, 'upper/moved/er')).includes('x'));
  });
});
