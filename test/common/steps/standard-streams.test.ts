/** The names that a command has for its standard streams. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { lacking, node, program, type User, users } from '../../gontainer.js';
import { bareRoot, noBusybox } from './root-file-systems.js';

const shellWord = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/** What a shell of this user prints that runs gontainer with a script in a new root, and what it says. */
function piped(user: User, before: string, options: string, script: string, after: string) {
  const launch = `'${node}' '${program}' run --quiet ${options} -- sh -c ${shellWord(script)}`;
  const { stdout, stderr } = spawnSync('sh', ['-c', `${before} ${launch} ${after}`], {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: process.env.PATH, HOME: '/' },
    ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
  });
  return { stdout, stderr };
}

for (const user of users) {
  const skip = user.skip || noBusybox;
  // Another user than the caller's in the container, which an ordinary user has only with subordinate IDs.
  const other = user.uid === 0 ? ['--pid', '--uid --uid-map 0:0:2000 --gid-map 0:0:2000 --pid'] : [];

  for (const namespaces of other) {
    for (const more of ['', '--as-pid-1', '--ephemeral']) {
      test(`${user.name} with ${namespaces} ${more}: another user of the container can open /dev/stdout of a pipe`, {
        skip,
      }, () => {
        const options = `${namespaces} ${more} --mnt ${bareRoot(user)} --user 1000`;
        const script = 'read line </dev/stdin; echo "$line" >/dev/stdout; echo said >/dev/stderr; id -u';
        const { stdout, stderr } = piped(user, 'echo given |', options, script, '2>&1 | cat');
        assert.deepEqual([stdout, stderr], ['given\nsaid\n1000\n', '']);
        // The other end is the caller's as before.
        const caller = piped(user, 'echo given |', options, 'cat', '| cat /dev/stdin');
        assert.deepEqual([caller.stdout, caller.stderr], ['given\n', '']);
      });
    }
  }

  test(`${user.name}: a terminal that the command shares has a name in a new root`, {
    skip: skip || lacking('script'),
  }, () => {
    const path = bareRoot(user);
    const inTerminal = (options: string, script: string): string => {
      const launch = `'${node}' '${program}' run --quiet ${options} -- sh -c ${shellWord(script)}`;
      const { stdout } = spawnSync('script', ['--quiet', '--return', '--command', launch, '/dev/null'], {
        encoding: 'utf8',
        cwd: '/',
        env: { PATH: process.env.PATH, HOME: '/', TERM: 'xterm' },
        stdio: ['ignore', 'pipe', 'inherit'],
        ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
      });
      // script(1) shows the end of its own standard input.
      return stdout.replaceAll(/\r|\^@/g, '');
    };
    const script = '/bin/busybox tty; echo works >"$(/bin/busybox tty)"';
    assert.equal(inTerminal(`--uid --pid --mnt ${path}`, script), '/dev/console\nworks\n');
    // Another user cannot open the caller's by the name of its device.
    const others =
      '/bin/busybox tty; for name in stdin stdout stderr tty; do echo $name >/dev/$name; done; echo works >"$(/bin/busybox tty)"; /bin/busybox id -u';
    const told = '/dev/tty\nstdin\nstdout\nstderr\ntty\nworks\n1000\n';
    for (const namespaces of other)
      for (const more of ['', '--as-pid-1'])
        assert.equal(inTerminal(`${namespaces} ${more} --mnt ${path} --user 1000`, others), told);
    // A terminal of its own has its own name, and without one there is none.
    assert.equal(inTerminal(`--uid --pid --pty --mnt ${path}`, script), '/dev/pts/0\nworks\n');
    const none = inTerminal(`--uid --pid --new-session --mnt ${path}`, 'ls /dev/console || echo none');
    assert.match(none, /none/);
  });
}
