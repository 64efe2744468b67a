/** RLIMIT_NOFILE at every small value: a sentence, never a stack trace or an assertion of Node's, and never silence. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { lacking, program, users } from '../gontainer.js';
import { patience } from '../until.js';

for (const user of users) {
  test(`${user.name} is told in a sentence when too few files may be open`, {
    skip: user.skip || lacking('prlimit'),
  }, () => {
    const results = new Set<number | null>();
    // With twelve or fewer sh cannot read a script, and says so itself.
    for (let limit = 13; limit <= 40; limit += 1) {
      const words = [
        `--nofile=${limit}:${limit}`,
        program,
        'run',
        '--quiet',
        '--uid',
        '--pid',
        '--',
        '/bin/true',
      ];
      const { status, stdout, stderr } = spawnSync('prlimit', words, {
        encoding: 'utf8',
        cwd: '/',
        env: { PATH: process.env.PATH, HOME: '/' },
        timeout: patience,
        ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
      });
      const said = `${limit}: ${status} ${stderr}`;
      assert.equal(stdout, '', said);
      if (status === 0) assert.equal(stderr, '', said);
      else {
        assert.equal(status, 125, said);
        assert.match(stderr, /^gontainer: [^\n]*(open at once|too many open files)[^\n]*\n$/, said);
      }
      results.add(status);
    }
    assert.deepEqual([...results], [125, 0]);
  });
}
