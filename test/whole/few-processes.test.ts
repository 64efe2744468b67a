/** RLIMIT_NPROC at every small value: a sentence, never an assertion of Node's, never silence, and never a hang. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lacking, program, root, type User, unprivileged, users } from '../gontainer.js';
import { patience } from '../until.js';

/** A user that runs nothing else, not even in another run of these tests: the limit counts all that a user runs. */
const own = 600_000 + (process.pid % 100_000);
const alone: User = users[0]?.skip ? unprivileged : { name: 'a user', uid: own, gid: own };
const skip =
  lacking('prlimit') || (alone === unprivileged && 'needs root, for a user that runs nothing else');

function launched(user: User, limit: number, options: readonly string[]) {
  const words = [
    `--nproc=${limit}:${limit}`,
    program,
    'run',
    '--quiet',
    '--uid',
    ...options,
    '--',
    '/bin/true',
  ];
  return spawnSync('prlimit', words, {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: process.env.PATH, HOME: '/' },
    timeout: patience,
    uid: user.uid,
    gid: user.gid,
  });
}

for (const options of [['--pid'], ['--pid', '--as-pid-1'], []]) {
  test(`${['run', ...options].join(' ')}: a user is told in a sentence when too few processes may run`, {
    skip,
  }, () => {
    const results = new Set<number | null>();
    for (let limit = 1; limit <= 22; limit += 1) {
      const { status, stdout, stderr } = launched(alone, limit, options);
      const said = `${limit}: ${status} ${stderr}`;
      assert.equal(stdout, '', said);
      if (status === 0) assert.equal(stderr, '', said);
      else {
        assert.equal(status, 125, said);
        assert.match(
          stderr,
          /^gontainer: your limit of processes and threads is \d+, [^\n]* ulimit -u 256\n$/,
          said,
        );
      }
      results.add(status);
    }
    assert.deepEqual([...results], [125, 0]);
  });
}

test('what the user runs already counts against the limit', { skip }, () => {
  const script = `sleep 600 & sleep 600 & sleep 600 & '${program}' run --quiet --uid -- /bin/true; status=$?; kill %1 %2 %3; exit $status`;
  const { status, stderr } = spawnSync('prlimit', ['--nproc=22:22', 'bash', '-c', `set -m; ${script}`], {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: process.env.PATH },
    timeout: patience,
    uid: alone.uid,
    gid: alone.gid,
  });
  assert.match(
    stderr,
    /^gontainer: your limit of processes and threads is 22, of which 4 are taken, and 20 more are needed\./,
  );
  assert.equal(status, 125);
});

test('many processes of the user are counted against a great limit', { skip }, () => {
  // The shell knows how many there are, so that the limit is near that.
  const script =
    'for i in $(seq 1000); do sleep 600 & done; for more in 1 6 12 16; do ulimit -S -u $((1001 + more)); ' +
    `'${program}' run --quiet --uid -- /bin/true; echo $?; done; kill $(jobs -p)`;
  const { stderr, stdout } = spawnSync('bash', ['-c', script], {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: process.env.PATH },
    timeout: patience,
    uid: alone.uid,
    gid: alone.gid,
  });
  const sentence =
    /gontainer: your limit of processes and threads is 10\d\d, of which 100[12] are taken, and 20 more are needed\.[^\n]*\n/g;
  assert.equal(stdout, '125\n125\n125\n125\n', stderr);
  // The shell itself may have to try again, while what it has just ended is not gone.
  const retried = /bash: fork: retry: [^\n]*\n/g;
  assert.equal(stderr.replace(sentence, '').replace(retried, ''), '');
});

test('root is not held back by a limit of processes', { skip: skip || users[0]?.skip }, () => {
  const { status, stderr } = launched(root, 1, ['--pid']);
  assert.equal(stderr, '');
  assert.equal(status, 0);
});

const pids = '/sys/fs/cgroup/pids';
const noGroup =
  users[0]?.skip ||
  (!existsSync(pids) && 'needs the pids controller of cgroup v1, where a test may make a group');

test('a cgroup that is nearly full is said, also one further up', { skip: noGroup }, () => {
  const above = join(pids, `few-processes-${randomUUID()}`);
  const group = join(above, 'below');
  mkdirSync(group, { recursive: true });
  try {
    const script = `echo $$ > '${group}/cgroup.procs'; exec '${program}' run --quiet --uid --pid -- /bin/true`;
    const results = new Set<number | null>();
    for (let limit = 1; limit <= 22; limit += 1) {
      writeFileSync(join(above, 'pids.max'), String(limit));
      const { status, stderr } = spawnSync('sh', ['-c', script], {
        encoding: 'utf8',
        cwd: '/',
        timeout: patience,
      });
      const said = `${limit}: ${status} ${stderr}`;
      if (status === 0) assert.equal(stderr, '', said);
      else {
        assert.equal(status, 125, said);
        assert.match(
          stderr,
          /^gontainer: the limit of processes and threads of this cgroup is \d+, [^\n]*\n$/,
          said,
        );
      }
      results.add(status);
    }
    assert.deepEqual([...results], [125, 0]);
  } finally {
    rmdirSync(group);
    rmdirSync(above);
  }
});
