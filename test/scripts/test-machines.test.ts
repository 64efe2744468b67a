/**
 * `npm run test:machines`, where a machine cannot be made ready: programs of the same names stand for Docker's. And what it
 * and the other scripts say of an option that they do not have.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endWithTest, finished, folder, project } from '../gontainer.js';
import { isAlive } from '../remains.js';

const skip = process.getuid?.() === 0 ? false : 'needs root';

/** Runs it with a daemon and a client that do this. */
function started(daemon: string, client: string) {
  const [programs, temporary] = [folder(), folder()];
  for (const [name, script] of Object.entries({ dockerd: daemon, docker: client }))
    writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const words = ['--import', 'tsx', join(project, 'scripts/test-machines.ts'), 'docker', '--quick'];
  const env = { ...process.env, PATH: `${programs}:${process.env.PATH}`, TMPDIR: temporary };
  const child = endWithTest(spawn(process.execPath, words, { cwd: project, env, stdio: 'pipe' }));
  return { programs, temporary, child };
}

test('a machine that cannot be made ready is a failure, and its daemon is ended', { skip }, async () => {
  // Only once the daemon has said who it is.
  const client =
    'until [ -s "$(dirname "$0")/pid" ]; do sleep 0.1; done; ' +
    'case "$*" in *import*) cat > /dev/null; echo no room >&2; exit 1;; esac';
  const { programs, child } = started('echo $$ > "$(dirname "$0")/pid"; exec sleep 1000', client);
  const { status, stdout } = await finished(child);
  assert.match(stdout, /^FAIL docker: .*no room/m);
  const daemon = Number(readFileSync(join(programs, 'pid'), 'utf8'));
  try {
    assert.equal(status, 1, stdout);
    assert.equal(isAlive(daemon), false);
  } finally {
    if (isAlive(daemon)) process.kill(daemon, 'SIGKILL');
  }
});

test('a daemon that ends at once is a failure', { skip }, async () => {
  const { status, stdout } = await finished(started('exit 1', 'exit 1').child);
  assert.match(stdout, /^FAIL docker: dockerd ended, or does not answer$/m);
  assert.equal(status, 1, stdout);
});

test('whoever closes the pipe that it prints to gets nothing left behind', { skip }, async () => {
  const { child, temporary } = started('exit 1', 'exit 1');
  child.stdout?.destroy();
  const { status, stderr } = await finished(child);
  assert.deepEqual(
    { left: readdirSync(temporary).filter((name) => name.startsWith('gontainer-')), stderr },
    { left: [], stderr: '' },
  );
  assert.equal(status, 1);
});

for (const script of ['test-machines', 'test', 'bench', 'bench/watching']) {
  test(`an option that scripts/${script}.ts does not have is one sentence`, () => {
    const words = ['--import', 'tsx', join(project, `scripts/${script}.ts`), '--quickly'];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^Unknown option '--quickly'.*\n$/);
  });
}
