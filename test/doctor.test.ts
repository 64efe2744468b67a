/** The doctor on this machine, and on one made hostile inside a user namespace. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { lacking, node, program, run, users } from './gontainer.js';

interface Found {
  readonly id: string;
  readonly state: string;
  readonly fix?: string;
}

const found = (stdout: string): Map<string, Found> =>
  new Map((JSON.parse(stdout) as Found[]).map((finding) => [finding.id, finding]));

for (const user of users) {
  test(`${user.name}: what works is said to work`, { skip: user.skip }, async () => {
    const launched =
      (await run(['run', '--quiet', '--uid', '--pid', '--uts', '--', 'true'], { user })).status === 0;
    const { status, stdout } = await run(['doctor'], { user });
    assert.equal(found(stdout).get('launch')?.state, launched ? 'ok' : 'problem');
    assert.equal(status, launched ? 0 : 1);
  });
}

/** Runs the doctor as root of a user namespace in which something was changed first. */
function hostile(change: string): { status: number | null; findings: Map<string, Found> } {
  const script = `${change} && exec "$@"`;
  const { status, stdout } = spawnSync(
    'unshare',
    ['-Ur', 'sh', '-c', script, 'sh', node, program, 'doctor'],
    {
      encoding: 'utf8',
    },
  );
  return { status, findings: found(stdout) };
}

test('user namespaces switched off', { skip: lacking('unshare') }, () => {
  const { status, findings } = hostile('echo 0 >/proc/sys/user/max_user_namespaces');
  assert.equal(status, 1);
  for (const id of ['switches', 'namespace-uid', 'launch']) {
    assert.equal(findings.get(id)?.state, 'problem', id);
    assert.match(String(findings.get(id)?.fix), /sysctl user\.max_user_namespaces=/, id);
  }
});

test('one kind of namespace switched off', { skip: lacking('unshare') }, () => {
  const { status, findings } = hostile('echo 0 >/proc/sys/user/max_net_namespaces');
  assert.equal(status, 0);
  assert.equal(findings.get('namespace-net')?.state, 'warning');
  assert.equal(findings.get('namespace-ipc')?.state, 'ok');
});
