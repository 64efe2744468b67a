/** `gontainer learn` prints the smallest launch that a command needs, and the command works under it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, lacking, rootfs, run, type User, users } from '../../../gontainer.js';

/** A folder that is no scratch folder for the command, as it runs there. */
function project(user: User): string {
  const path = folder(user);
  mkdirSync(join(path, 'source'));
  writeFileSync(join(path, 'source/words'), 'two\none\n');
  for (const made of ['source', 'source/words']) chownSync(join(path, made), user.uid, user.gid);
  return path;
}

/** The launch in the output of learn. */
const launchIn = (output: string): string => /^gontainer run .*$/m.exec(output)?.[0] ?? '';

for (const user of users) {
  const only = { skip: user.skip };

  test(
    `${user.name}: what a command writes is bound, the rest is read-only, and it works`,
    only,
    async () => {
      const cwd = project(user);
      const command = ['sh', '-c', 'sort source/words >sorted; echo x >/dev/null'];
      const learned = await run(['learn', '--apply', '--', ...command], { user, cwd });
      assert.equal(learned.status, 0, learned.stderr);
      const line = launchIn(learned.stdout);
      assert.match(line, / --read-only /);
      assert.match(line, / --net /);
      assert.deepEqual(line.match(/--bind=\S+/g), [`--bind=${cwd}:${cwd}`]);
      assert.match(learned.stdout, /^launch\(\{ uid: true, .*readOnly: true, .*command: \["sh",/m);
      assert.match(learned.stdout, /^# programs: .*\/sort\b/m);
      assert.match(learned.stderr, /it works: .*status 0, as before/);
      assert.equal(readFileSync(join(cwd, 'sorted'), 'utf8'), 'one\ntwo\n');
    },
  );

  test(`${user.name}: the printed line can be typed into a shell`, only, async () => {
    const cwd = project(user);
    const learned = await run(['learn', '--', 'sh', '-c', "echo it\\'s >'a b'"], { user, cwd });
    const [, ...words] = launchIn(learned.stdout).split(' ');
    const read = spawnSync('sh', ['-c', `printf '%s\\0' ${words.join(' ')}`], { encoding: 'utf8' });
    const typed = read.stdout.split('\0').slice(0, -1);
    assert.deepEqual(typed.slice(typed.indexOf('--') + 1), ['sh', '-c', "echo it\\'s >'a b'"]);
    const ended = await run([...typed.slice(0, 1), '--quiet', ...typed.slice(1)], { user, cwd });
    assert.equal(ended.status, 0, ended.stderr);
    assert.ok(existsSync(join(cwd, 'a b')));
  });

  test(`${user.name}: a folder with any characters in its name is bound`, only, async () => {
    for (const name of ['a:b', 'a:b,"c"', 'a,b', 'a b']) {
      const cwd = join(project(user), name);
      mkdirSync(cwd);
      chownSync(cwd, user.uid, user.gid);
      const learned = await run(['learn', '--apply', '--', 'sh', '-c', 'echo x >new'], { user, cwd });
      assert.equal(learned.status, 0, `${name}: ${learned.stderr}`);
      assert.match(learned.stderr, /it works/);
    }
  });

  test(`${user.name}: what a command does not write stays read-only`, only, async () => {
    const cwd = project(user);
    const learned = await run(['learn', '--', 'cat', 'source/words'], { user, cwd });
    assert.doesNotMatch(launchIn(learned.stdout), /--bind/);
  });

  test(`${user.name}: a server that only it talks to needs no network of the host`, {
    skip: user.skip || lacking('perl'),
  }, async () => {
    const open = 'use Socket; socket(S, AF_INET, SOCK_STREAM, 0);';
    const own = `${open} bind(S, sockaddr_in(0, INADDR_LOOPBACK)); listen(S, 1); ($port) = sockaddr_in(getsockname(S)); socket(C, AF_INET, SOCK_STREAM, 0); connect(C, sockaddr_in($port, INADDR_LOOPBACK)) or exit 3`;
    const others = `${open} connect(S, sockaddr_in(1, INADDR_LOOPBACK)); exit 0`;
    for (const [script, needs] of [
      [own, false],
      [others, true],
    ] as const) {
      const learned = await run(['learn', '--apply', '--', 'perl', '-e', script], {
        user,
        cwd: folder(user),
      });
      assert.equal(learned.status, 0, learned.stderr);
      assert.equal(/ --net /.test(launchIn(learned.stdout)), !needs, learned.stdout);
    }
  });

  test(`${user.name}: in another root the changes are discarded`, only, async () => {
    const root = await rootfs(user);
    const learned = await run(['learn', '--apply', '--mnt', root, '--', 'sh', '-c', 'echo x >/new'], {
      user,
    });
    assert.equal(learned.status, 0, learned.stderr);
    assert.match(launchIn(learned.stdout), new RegExp(` --mnt=${root} --ephemeral `));
  });
}

test('without a command there is nothing to learn', async () => {
  const { status, stderr } = await run(['learn']);
  assert.equal(status, 2);
  assert.match(stderr, /learn needs a command/);
});
