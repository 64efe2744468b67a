/** What the kernel shows inside: IDs, host name, processes, network, clocks, environment, descriptors. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  folder,
  lacking,
  node,
  program,
  type RunOptions,
  root,
  run,
  unprivileged,
  users,
} from '../../gontainer.js';

/** What a shell script prints inside. */
async function printed(
  options: readonly string[],
  script: string,
  settings: RunOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await run(['run', '--quiet', ...options, '--', 'sh', '-c', script], {
    user: unprivileged,
    ...settings,
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

/** Words of a line, blanks evened out. */
const words = (text: string): string => text.trim().replace(/[ \t]+/g, ' ');

for (const user of users) {
  const base = user.uid === 0 ? [] : ['--uid'];

  test(`${user.name}: a map of one line makes the caller root in the container`, {
    skip: user.skip,
  }, async () => {
    const script = 'id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups';
    const shown = await printed(['--uid'], script, { user });
    assert.deepEqual(shown.split('\n').map(words), [
      '0',
      '0',
      `0 ${user.uid} 1`,
      `0 ${user.gid} 1`,
      'deny',
      '',
    ]);
  });

  test(`${user.name}: the command has all capabilities in its user namespace`, {
    skip: user.skip,
  }, async () => {
    const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
    const all = (2n ** BigInt(last + 1) - 1n).toString(16).padStart(16, '0');
    assert.match(await printed(['--uid'], 'grep CapEff /proc/self/status', { user }), new RegExp(all));
  });

  test(`${user.name}: the host name is set in the container and stays on the host`, {
    skip: user.skip,
  }, async () => {
    const before = hostname();
    const read = 'cat /proc/sys/kernel/hostname';
    assert.equal(await printed([...base, '--uts', '--hostname', 'box'], read, { user }), 'box\n');
    assert.equal(await printed([...base, '--uts'], read, { user }), 'Gontainer\n');
    const long = 'x'.repeat(64);
    assert.equal(await printed([...base, '-uts', `-hostname=${long}`], read, { user }), `${long}\n`);
    assert.equal(hostname(), before);
  });

  test(`${user.name}: in a PID namespace /proc has its processes and no others`, {
    skip: user.skip,
  }, async () => {
    const shown = await printed(
      [...base, '--pid'],
      'echo /proc/[0-9]*; echo $PPID; cat /proc/1/cmdline | tr "\\0" " "',
      {
        user,
      },
    );
    const [processes = '', parent = '', first = ''] = shown.split('\n');
    assert.match(processes, /^\/proc\/1 \/proc\/\d+$/);
    assert.equal(parent, '1');
    assert.match(first, /main\.cjs child/);
  });

  test(`${user.name}: a /proc of the container leaves the host’s as it is`, { skip: user.skip }, async () => {
    const before = readFileSync('/proc/self/mountinfo', 'utf8');
    await printed([...base, '--pid'], ':', { user });
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8'), before);
  });

  test(`${user.name}: in a network namespace loopback is up, and there is no other interface`, {
    skip: user.skip || lacking('ip'),
  }, async () => {
    const shown = await printed([...base, '--net'], 'ip -brief address', { user });
    assert.equal(words(shown), 'lo UNKNOWN 127.0.0.1/8 ::1/128');
  });

  test(`${user.name}: the clocks of a time namespace are shifted`, { skip: user.skip }, async () => {
    const uptime = (text: string) => Number(text.split(' ')[0]);
    const outside = uptime(readFileSync('/proc/uptime', 'utf8'));
    const options = [...base, '--time', '--boottime', '864000', '--monotonic', '7200'];
    const inside = await printed(options, 'cat /proc/uptime /proc/self/timens_offsets', { user });
    const difference = uptime(inside) - outside;
    assert.ok(difference >= 864_000 && difference < 864_000 + 600, `${difference} s`);
    assert.match(inside, /monotonic\s+7200\s+0\nboottime\s+864000\s+0/);
  });
}

test('as root, users and the owners of files follow every line of a map', {
  skip: users[0]?.skip,
}, async () => {
  const options = [
    '--uid',
    '--uid-map',
    '0:100000:10',
    '--uid-map',
    '1000:0:1',
    '--gid-map',
    '0:200000:10',
    '--gid-map',
    '50:0:1',
  ];
  const place = folder();
  mkdirSync(join(place, 'open'), { mode: 0o777 });
  spawnSync('chmod', ['777', join(place, 'open')]);
  const script = `id -u; id -g; cat /proc/self/uid_map; touch ${place}/open/made; stat -c '%u %g' ${place}/open/made`;
  const shown = (await printed(options, script, { user: root })).split('\n').map(words);
  assert.deepEqual(shown, ['0', '0', '0 100000 10', '1000 0 1', '0 0', '']);
  const outside = spawnSync('stat', ['-c', '%u %g', join(place, 'open/made')], { encoding: 'utf8' });
  assert.equal(outside.stdout, '100000 200000\n');
});

test('with a map that keeps the own ID nobody is root inside, and the namespaces are made all the same', async () => {
  const { uid, gid } = unprivileged;
  const options = [
    '--all',
    '--uid-map',
    `${uid}:${uid}:1`,
    '--gid-map',
    `${gid}:${gid}:1`,
    '--hostname',
    'box',
  ];
  const shown = await printed(
    options,
    'id -u; cat /proc/sys/kernel/hostname; grep CapEff /proc/self/status; echo $$',
  );
  assert.match(shown, new RegExp(`^${uid}\nbox\nCapEff:\\s0000000000000000\n\\d\n$`));
});

test('newuidmap maps subordinate IDs', {
  skip: users[0]?.skip || lacking('newuidmap', 'useradd', 'setpriv'),
}, async (context) => {
  const name = `gontainer-test-${process.pid}`;
  assert.equal(spawnSync('useradd', ['--no-create-home', name]).status, 0);
  context.after(() => spawnSync('userdel', [name]));
  spawnSync('usermod', ['--add-subuids', '700000-700099', '--add-subgids', '800000-800099', name]);
  const script = 'cat /proc/self/uid_map /proc/self/gid_map; id -u';
  const words_ = [
    '--reuid',
    name,
    '--regid',
    name,
    '--clear-groups',
    node,
    program,
    'run',
    '--quiet',
    '--uid',
    '--map-auto',
  ];
  const { stdout, stderr, status } = spawnSync('setpriv', [...words_, '--', 'sh', '-c', script], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const own = (flag: string) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim();
  assert.match(
    words(stdout.replaceAll('\n', ';')).replace(/ ?; ?/g, ';'),
    new RegExp(`^0 ${own('-u')} 1;1 \\d+ \\d+;.*0 ${own('-g')} 1;1 \\d+ \\d+;.*0;$`),
  );
  assert.match(stdout, /700000\s+100/);
  assert.match(stdout, /800000\s+100/);
});

test('the command has the caller’s environment and PS1, and in a new root only the documented one', async () => {
  const env = { SECRET: 'outside', TERM: 'vt100' };
  const outer = await printed(['--uid', '--env', 'ADDED=1', '--env', 'SECRET=changed'], 'env', { env });
  assert.match(outer, /^SECRET=changed$/m);
  assert.match(outer, /^ADDED=1$/m);
  assert.match(outer, /^PS1=📦/m);
});

test('the command has descriptors 0, 1 and 2 and no others, whatever the caller had open', () => {
  const list = 'for f in /proc/self/fd/*; do basename $f; done';
  const script = `exec 3</ 9</ 50</; exec '${node}' '${program}' run --quiet --uid --pid -- sh -c '${list}; for f in /proc/1/fd/*; do readlink $f; done'`;
  const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8', input: '' });
  const [zero, one, two, ...rest] = stdout.trim().split('\n');
  assert.deepEqual([zero, one, two], ['0', '1', '2']);
  // The shell itself opens the folder that it lists; of PID 1 there are pipes and node's own, and no folder.
  assert.ok(!rest.some((target) => target === '/'), stdout);
});

test('orphans are reaped by PID 1', async () => {
  const script = `for n in 1 2 3 4 5 6 7 8 9 10; do (sh -c 'exit 0' & ) ; done
    until ! grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | grep -q .; do :; done
    echo none left`;
  assert.equal(await printed(['--uid', '--pid'], script), 'none left\n');
});

test('what the command leaves running ends with it', async () => {
  const file = join(folder(unprivileged), 'pid');
  // No other test's command has these words.
  const words = `sleep 1000${process.pid}`;
  await printed(['--uid', '--pid'], `${words} & grep NSpid /proc/$!/status > ${file}`);
  writeFileSync(`${file}.read`, readFileSync(file));
  const { stdout } = spawnSync('pgrep', ['-u', String(unprivileged.uid), '-f', words], {
    encoding: 'utf8',
  });
  assert.equal(stdout, '');
});
