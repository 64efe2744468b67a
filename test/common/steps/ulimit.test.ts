/** --ulimit: what the kernel shows of the command, in each kind of launch; and what is refused before anything is started. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resources } from '../../../src/common/resource-limits.js';
import { finished, folder, lacking, records, run, start, users } from '../../gontainer.js';

/** A limit for every resource that nobody lacks, below what an ordinary user has. */
const limits: Readonly<Record<string, string>> = {
  core: '0:1024',
  cpu: '3600:7200',
  fsize: '100000000:200000000',
  locks: '5:6',
  memlock: '4096:8192',
  msgqueue: '1000:2000',
  nice: '0:0',
  nofile: '50:60',
  nproc: '3000:4000',
  rss: '1000000:2000000',
  rtprio: '0:0',
  rttime: '5000:6000',
  sigpending: '10:20',
  stack: '4000000:8000000',
  data: '500000000:600000000',
  as: '700000000:800000000',
};

/** The same as the kernel writes it: proc_pid_limits(5). */
function shown(text: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(resources).map(([name, { words }]) => {
      const line = text.split('\n').find((one) => one.startsWith(words)) ?? '';
      return [name, line.slice(words.length).trim().split(/\s+/).slice(0, 2).join(':')];
    }),
  );
}

const words = Object.entries(limits).map(([name, value]) => `--ulimit=${name}=${value}`);

for (const user of users) {
  const { skip } = user;
  for (const form of [['--uid'], ['--uid', '--pid', '--as-pid-1'], ['--all', '--pty']]) {
    test(`${user.name}: every limit is the command's with ${form.join(' ')}`, { skip }, async () => {
      const log = join(folder(user), 'log');
      const options = [...form, ...words, '--log-file', log];
      const ended = await run(['run', '--quiet', ...options, '--', 'cat', '/proc/self/limits'], { user });
      assert.equal(ended.status, 0, ended.stderr);
      assert.deepEqual(shown(ended.stdout.replaceAll('\r', '')), limits);
      const step = form.includes('--as-pid-1') ? 'exec' : 'command';
      const record = records(log).find((one) => one.step === step && one.after);
      assert.deepEqual((record?.after as Record<string, unknown> | undefined)?.limits, limits);
    });
  }

  test(`${user.name}: a hard limit is not raised`, { skip }, async () => {
    const { status, stderr } = await run(
      ['run', '--quiet', '--uid', '--ulimit', 'nofile=9999999999', '--', 'true'],
      { user },
    );
    assert.equal(status, 2);
    assert.match(stderr, /^gontainer: --ulimit nofile=9999999999:9999999999 is above your hard limit, \d+/);
  });

  test(`${user.name}: the script of --dry-run --shell sets the same`, {
    skip: skip || lacking('prlimit', 'unshare'),
  }, async () => {
    const options = ['--uid', '--ulimit', 'nofile=50:60', '--ulimit', 'core=0'];
    const command = ['cat', '/proc/self/limits'];
    const dry = await run(['run', '--dry-run', '--shell', ...options, '--', ...command], { user });
    const file = join(folder(user), 'box.sh');
    writeFileSync(file, dry.stdout);
    const script = await finished(start([], { user, under: ['sh', file] }));
    assert.equal(script.status, 0, script.stderr);
    const { nofile, core } = shown(script.stdout);
    assert.deepEqual({ nofile, core }, { nofile: '50:60', core: '0:0' });
  });
}

const refused: readonly (readonly [value: string, says: RegExp])[] = [
  ['nofile', /“nofile” is not of the form NAME=SOFT or NAME=SOFT:HARD/],
  ['nofil=3', /does not name a limit\. Did you mean nofile\?/],
  ['constructor=3', /does not name a limit\. Known are: core, cpu/],
  ['nofile=-2', /neither a number nor unlimited/],
  ['as=64m', /neither a number nor unlimited/],
  ['nofile=', /neither a number nor unlimited/],
  ['nofile=5:4', /a soft limit that is above its hard limit/],
  ['nofile=unlimited:4', /a soft limit that is above its hard limit/],
  ['nofile=1:2:3', /neither a number nor unlimited/],
];

for (const [value, says] of refused)
  test(`--ulimit ${value} is refused`, async () => {
    const { status, stderr } = await run(['run', '--quiet', '--uid', '--ulimit', value, '--', 'true']);
    assert.equal(status, 2);
    assert.match(stderr, says);
  });

test('two limits for the same are refused', async () => {
  const { status, stderr } = await run([
    'run',
    '--quiet',
    '--uid',
    '--ulimit',
    'core=0',
    '--ulimit',
    'core=1',
    '--',
    'true',
  ]);
  assert.equal(status, 2);
  assert.match(stderr, /--ulimit gives two limits for core/);
});
