/** Keys of the caller: keyrings(7). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { node, program, users } from '../../gontainer.js';
import { newRoot, probe } from './attempts.js';

for (const user of users) {
  test(`${user.name} finds no key of the caller's session in a new root`, { skip: user.skip }, (context) => {
    /** What the probe says inside, whose caller has a key of this name in its session keyring. */
    const found = (options: readonly string[]): string => {
      const command = options.includes('--mnt') ? ['/probe/node', '/probe/probe.cjs'] : probe;
      const name = `gontainer-test-${process.pid}`;
      const launch = [node, program, 'run', '--quiet', ...options, '--', ...command, 'key', name];
      const { stdout, stderr } = spawnSync(node, [...probe.slice(1), 'with-key', name, ...launch], {
        encoding: 'utf8',
        cwd: '/',
        env: { PATH: process.env.PATH, HOME: '/' },
        ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
      });
      if (/Error: syscall/.test(stderr)) return 'no keyrings';
      return stdout.trim() || stderr;
    };
    const base = user.uid === 0 ? ['--pid'] : ['--uid', '--pid'];
    const without = found(base);
    if (without === 'no keyrings') return context.skip('this kernel has no keyrings');
    assert.equal(without, 'got out');
    // ENOKEY, which Node has no name for.
    const none = /^held: (ENOKEY|.* -126)$/;
    assert.match(found([...base, ...newRoot(user)]), none);
    assert.match(found([...base, '--as-pid-1', ...newRoot(user)]), none);
  });
}
