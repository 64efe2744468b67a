/** `npm run test:machines`, where a machine cannot be made ready: programs of the same names stand for Docker's. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endWithTest, finished, folder, project } from '../gontainer.js';
import { isAlive } from '../remains.js';

const skip = process.getuid?.() === 0 ? false : 'needs root';

/** Runs it with a daemon and a client that do this. */
async function tried(daemon: string, client: string) {
  const programs = folder();
  for (const [name, script] of Object.entries({ dockerd: daemon, docker: client }))
    writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const words = ['--import', 'tsx', join(project, 'scripts/test-machines.ts'), 'docker', '--quick'];
  const env = { ...process.env, PATH: `${programs}:${process.env.PATH}`, TMPDIR: folder() };
  const child = endWithTest(spawn(process.execPath, words, { cwd: project, env, stdio: 'pipe' }));
  return { programs, ...(await finished(child)) };
}

test('a machine that cannot be made ready is a failure, and its daemon is ended', { skip }, async () => {
  // Only once the daemon has said who it is.
  const client =
    'until [ -s "$(dirname "$0")/pid" ]; do sleep 0.1; done; ' +
    'case "$*" in *import*) cat > /dev/null; echo no room >&2; exit 1;; esac';
  const { programs, status, stdout } = await tried(
    'echo $$ > "$(dirname "$0")/pid"; exec sleep 1000',
    client,
  );
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
  const { status, stdout } = await tried('exit 1', 'exit 1');
  assert.match(stdout, /^FAIL docker: dockerd ended, or does not answer$/m);
  assert.equal(status, 1, stdout);
});
