/** The native module is not there: an installer may leave optional packages out. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { folder, node, program } from '../../gontainer.js';

test('a program without its native module says that, and blames no C library', () => {
  const copy = join(folder(), 'dist');
  cpSync(dirname(program), copy, { recursive: true });
  const run = (...words: readonly string[]) =>
    spawnSync(node, [join(copy, 'main.cjs'), ...words], { encoding: 'utf8' });
  const said = /the native part of gontainer, ffi-rs, cannot be loaded: Cannot find module 'ffi-rs'/;
  const launch = run('run', '--uid', '--', 'true');
  assert.match(launch.stderr, said);
  assert.match(launch.stderr, /Install it again, with optional packages\.\n$/);
  assert.doesNotMatch(launch.stderr, /glibc/);
  assert.equal(launch.status, 125);
  const doctor = run('doctor', '--json').stdout;
  const found = (JSON.parse(doctor) as { id: string; state: string; found: string }[]).find(
    ({ id }) => id === 'libc',
  );
  assert.equal(found?.state, 'problem');
  assert.match(String(found?.found), said);
});
