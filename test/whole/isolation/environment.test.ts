/** The environment of the caller. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, users } from '../../gontainer.js';
import { newRoot, probe, word } from './attempts.js';

for (const user of users) {
  const { skip } = user;
  const base = user.uid === 0 ? [] : ['--uid'];

  test(`${user.name} sees no variable of the caller in a new root`, { skip }, async () => {
    const env = { SECRET: word, NODE_OPTIONS: '--no-warnings', NODE_EXTRA: '1', TERM: 'vt100' };
    const read = async (options: readonly string[]) => {
      const command = options.includes('--mnt') ? ['/probe/node', '/probe/probe.cjs'] : probe;
      const words = ['run', '--quiet', ...base, ...options, '--', ...command, 'environment'];
      const { stdout, stderr } = await run(words, { user, env });
      assert.notEqual(stdout, '', stderr);
      return JSON.parse(stdout) as Record<string, string>;
    };
    assert.deepEqual(Object.keys(await read(newRoot(user))).sort(), ['HOME', 'PATH', 'PS1', 'TERM']);
    const passed = await read(['--uts']);
    assert.deepEqual([passed.SECRET, passed.NODE_OPTIONS], [word, '--no-warnings']);
  });
}
