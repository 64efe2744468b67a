/** Processes of the host: signals, ptrace, what their links in /proc lead to, and the child itself. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { lacking, node, program, root, unprivileged, users } from '../../gontainer.js';
import { asRoot, bystander, newRoot, secret, tried } from './attempts.js';

for (const user of users) {
  const { skip } = user;
  const base = user.uid === 0 ? [] : ['--uid'];

  test(`${user.name} cannot signal a process of the host from a PID namespace`, { skip }, async (context) => {
    const outside = bystander(user);
    context.after(outside.end);
    assert.equal(await tried([...base, '--pid'], ['kill', outside.pid], user), 'held: ESRCH');
    assert.equal(await tried([...base, '--uts'], ['kill', outside.pid], user), 'got out');
    assert.equal(await outside.ended, 'SIGTERM');
  });

  test(`${user.name} finds nothing in the child or the command that leads to the host`, {
    skip,
  }, async () => {
    const options = [...base, ...newRoot(user), '--pid'];
    for (const process of user.uid === 0 ? ['self'] : ['self', '1']) {
      const { cwd, root, descriptors } = JSON.parse(await tried(options, ['handles', process], user));
      assert.deepEqual([cwd, root], ['/', '/'], process);
      // Standard streams are the caller's, here pipes; the probe itself lists a folder of /proc.
      for (const [number, target] of Object.entries<string>(descriptors))
        assert.match(target, /^(pipe:\[|socket:\[|anon_inode:|\/dev\/null$|\/proc\/|ENOENT$)/, number);
    }
    // Real root needs every capability to look at the child, which keeps its own.
    const every = user.uid === 0 ? ['--cap-keep', 'all'] : [];
    const attempt = ['root', '1', secret(user)];
    assert.equal(await tried([...options, ...every], attempt, user), 'held: ENOENT');
    assert.equal(await tried([...base, '--pid', ...every], attempt, user), 'got out');
    if (user.uid !== 0) return;
    const all = JSON.parse(await tried([...options, '--cap-keep', 'all'], ['handles', '1'], user));
    assert.deepEqual([all.cwd, all.root], ['/', '/']);
    for (const target of Object.values<string>(all.descriptors))
      assert.match(target, /^(pipe:\[|socket:\[|anon_inode:|\/dev\/null$)/);
    assert.deepEqual(all.environment, []);
  });

  test(`${user.name} gets no descriptor of the caller but 0, 1 and 2`, {
    skip: skip || lacking('bash', 'unshare', 'nsenter'),
  }, () => {
    /** With the host's UTS namespace held open as descriptor 9. */
    const printed = (launcher: string, command: string) => {
      const script = `exec 9</proc/self/ns/uts 50</; exec ${launcher} sh -c '${command}'`;
      const { stdout } = spawnSync('bash', ['--norc', '-c', script], {
        encoding: 'utf8',
        cwd: '/',
        input: '',
        env: { PATH: process.env.PATH },
        ...(asRoot ? {} : { uid: user.uid, gid: user.gid }),
      });
      return stdout.trim();
    };
    const all = user.uid === 0 ? '--cap-keep all' : '--uid';
    const launcher = `'${node}' '${program}' run --quiet --uts --hostname inside ${all} --`;
    const without = user.uid === 0 ? 'unshare --uts' : 'unshare --user --map-root-user --uts';
    const list = 'cd /proc/$$/fd && echo *';
    assert.deepEqual(printed(launcher, list).split(' ').slice(0, 3), ['0', '1', '2']);
    assert.doesNotMatch(printed(launcher, list), /\b(9|50)\b/);
    assert.match(printed(without, list), /\b9\b/);
    // With such a descriptor one is back outside, given the privilege there.
    if (user.uid !== 0) return;
    const back = 'hostname inside; nsenter --uts=/proc/self/fd/9 hostname || echo held';
    assert.equal(printed(launcher, back), 'held');
    assert.equal(printed(without, back), hostname());
  });
}

test('root cannot reach the root directory of a process of the host', { skip: asRoot }, async () => {
  const attempt = ['root', String(process.pid), secret(root)];
  const options = ['--cap-keep', 'all', ...newRoot(root)];
  assert.equal(await tried([...options, '--pid'], attempt, root), 'held: ENOENT');
  assert.equal(await tried(options, attempt, root), 'got out');
  // Capabilities stop it too: nobody may look into a process that has more of them (ptrace(2)).
  assert.equal(await tried(newRoot(root), attempt, root), 'held: EACCES');
  // And a user namespace: nobody inside has any in the one outside.
  assert.equal(await tried(['--uid', ...newRoot(root)], attempt, root), 'held: EACCES');
});

test('root cannot trace a process of the host', { skip: asRoot }, async (context) => {
  const outside = bystander(root);
  context.after(outside.end);
  const attempt = ['ptrace', outside.pid];
  assert.equal(await tried(['--pid', '--cap-keep', 'all'], attempt, root), 'held: ESRCH');
  assert.equal(await tried(['--uts', '--cap-keep', 'all'], attempt, root), 'got out');
  assert.equal(await tried(['--uts'], attempt, root), 'held: EPERM');
  assert.equal(await tried(['--uid', '--uts'], attempt, root), 'held: EPERM');
});

test('an ordinary user cannot trace a process of the same user on the host, nor reach its root', async (context) => {
  const outside = bystander(unprivileged);
  context.after(outside.end);
  const [ptrace, look] = [
    ['ptrace', outside.pid],
    ['root', outside.pid, secret(unprivileged)],
  ];
  assert.equal(await tried(['--uid'], ptrace, unprivileged), 'held: EPERM');
  assert.equal(await tried(['--uid', ...newRoot(unprivileged)], look, unprivileged), 'held: EACCES');
  assert.equal(await tried(['--uid', '--pid'], ptrace, unprivileged), 'held: ESRCH');
});

test('root cannot join the mount namespace of the host', { skip: asRoot }, async () => {
  const attempt = ['setns', `/proc/${process.pid}/ns/mnt`, secret(root)];
  const options = ['--cap-keep', 'all', ...newRoot(root)];
  assert.equal(await tried([...options, '--pid'], attempt, root), 'held: ENOENT');
  assert.equal(await tried(options, attempt, root), 'got out');
  assert.equal(await tried(newRoot(root), attempt, root), 'held: EACCES');
  assert.equal(await tried(['--uid', ...newRoot(root)], attempt, root), 'held: EACCES');
});

test('root without a PID namespace cannot become another user of the host', {
  skip: asRoot,
}, async (context) => {
  const host = bystander(unprivileged);
  context.after(host.end);
  const file = secret(unprivileged);
  for (const attempt of [
    ['root-as-user', String(unprivileged.uid), host.pid, file],
    ['ptrace-as-user', String(unprivileged.uid), host.pid],
  ]) {
    const options = newRoot(root);
    assert.equal(await tried(options, attempt, root), 'held: EPERM');
    assert.equal(await tried([...options, '--uts', '--net'], attempt, root), 'held: EPERM');
    const kept = ['--cap-keep', 'setuid,setgid'];
    assert.equal(await tried([...options, ...kept], attempt, root), 'got out');
    // In a PID namespace there is nobody of the host to become.
    assert.match(await tried([...options, '--pid', ...kept], attempt, root), /^held: (ENOENT|ESRCH)$/);
    assert.match(await tried([...options, '--pid'], attempt, root), /^held: (ENOENT|ESRCH)$/);
  }
});

test('root without a PID namespace cannot signal a process of another user', {
  skip: asRoot,
}, async (context) => {
  const host = bystander(unprivileged);
  context.after(host.end);
  const attempt = ['kill', host.pid];
  assert.equal(await tried(newRoot(root), attempt, root), 'held: EPERM');
  assert.equal(await tried([...newRoot(root), '--pid'], attempt, root), 'held: ESRCH');
  assert.equal(await tried([...newRoot(root), '--cap-keep', 'kill'], attempt, root), 'got out');
  assert.equal(await host.ended, 'SIGTERM');
});

test('root without a network namespace cannot read the packets of the host', { skip: asRoot }, async () => {
  assert.equal(await tried(['--pid'], ['packets'], root), 'held: EPERM');
  assert.equal(await tried(['--pid', '--cap-keep', 'net_raw'], ['packets'], root), 'got out');
  // In its own network namespace the packets are its own.
  assert.equal(await tried(['--pid', '--net'], ['packets'], root), 'got out');
  assert.equal(await tried(['--uid'], ['packets'], root), 'held: EPERM');
});

test('root cannot look into a process of the host', { skip: asRoot }, async (context) => {
  const host = bystander(root);
  context.after(host.end);
  const attempts = [
    ['memory_of', host.pid],
    ['descriptor_of', host.pid],
    ...['mem', 'environ', 'maps'].map((name) => ['open', `/proc/${host.pid}/${name}`]),
    ['link', `/proc/${host.pid}/fd/0`],
    ...['cwd/', 'root/', 'map_files'].map((name) => ['follow', `/proc/${host.pid}/${name}`]),
  ];
  for (const attempt of attempts) {
    const what = attempt.join(' ');
    const all = ['--cap-keep', 'all'];
    assert.match(await tried(['--pid', ...all], attempt, root), /^held: (ENOENT|ESRCH)$/, what);
    assert.match(await tried(['--uts'], attempt, root), /^held: (EACCES|EPERM)$/, what);
    assert.match(await tried(['--uid', '--uts'], attempt, root), /^held: (EACCES|EPERM)$/, what);
    assert.equal(await tried(['--uts', ...all], attempt, root), 'got out', what);
  }
});
