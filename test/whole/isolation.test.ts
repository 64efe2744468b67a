/**
 * The boundaries of a container, each tried from inside (test/whole/probe.cjs). Every attempt is made twice: it is
 * held where its boundary is, and gets out where that is left out, so that the test is seen to be able to fail.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { own } from '../common/steps/new-root.js';
import { folder, lacking, node, program, root, run, type User, unprivileged, users } from '../gontainer.js';

const asRoot = process.getuid?.() === 0 ? false : 'needs root';
const here = dirname(fileURLToPath(import.meta.url));
const word = 'only outside';

/** Where the probe, and the packages that it needs, lie for every user. */
const packages = join(dirname(program), '../node_modules');
const probes = folder();
copyFileSync(join(here, 'probe.cjs'), join(probes, 'probe.cjs'));
symlinkSync(packages, join(probes, 'node_modules'));
const probe = [node, join(probes, 'probe.cjs')];

/** A new root in which node runs: the programs of outside, read-only, and nothing else of it. */
function newRoot(user: User): string[] {
  const path = join(folder(user), 'root');
  for (const name of ['tmp', 'usr', 'probe', 'host']) mkdirSync(join(path, name), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(path, name));
  for (const name of ['node', 'probe.cjs']) writeFileSync(join(path, 'probe', name), '');
  mkdirSync(join(path, 'probe/node_modules'));
  own(path, user);
  const binds = [
    ...['/usr:/usr:ro', `${node}:/probe/node:ro`],
    ...[`${join(here, 'probe.cjs')}:/probe/probe.cjs:ro`, `${packages}:/probe/node_modules:ro`],
  ];
  return ['--mnt', path, ...binds.flatMap((bind) => ['--bind', bind])];
}

/** A file of the host that no root file system has. */
function secret(user: User): string {
  const path = join(folder(user), 'secret');
  writeFileSync(path, word);
  chmodSync(path, 0o644);
  return path;
}

/** What the probe says in a container with these options. */
async function tried(options: readonly string[], attempt: readonly string[], user: User): Promise<string> {
  const command = options.includes('--mnt') ? ['/probe/node', '/probe/probe.cjs'] : probe;
  const words = ['run', '--quiet', ...options, '--', ...command, ...attempt];
  const { status, stdout, stderr } = await run(words, { user });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

/** A process outside that a container must not touch. */
function bystander(user: User): { pid: string; ended: Promise<NodeJS.Signals | null>; end: () => void } {
  const child = spawn('sleep', ['1000'], asRoot ? {} : { uid: user.uid, gid: user.gid });
  return {
    pid: String(child.pid),
    ended: new Promise((done) => child.on('exit', (_, signal) => done(signal))),
    end: () => child.kill('SIGKILL'),
  };
}

for (const user of users) {
  const { skip } = user;
  const base = user.uid === 0 ? [] : ['--uid'];

  test(`${user.name}: the classic escape from a chroot`, { skip }, async () => {
    const attempt = ['chroot', secret(user)];
    assert.equal(await tried([...base, ...newRoot(user)], attempt, user), 'held: ENOENT');
    assert.equal(await tried([...base, ...newRoot(user), '--chroot'], attempt, user), 'got out');
  });

  test(`${user.name}: a signal to a process outside`, { skip }, async (context) => {
    const outside = bystander(user);
    context.after(outside.end);
    assert.equal(await tried([...base, '--pid'], ['kill', outside.pid], user), 'held: ESRCH');
    assert.equal(await tried([...base, '--uts'], ['kill', outside.pid], user), 'got out');
    assert.equal(await outside.ended, 'SIGTERM');
  });

  test(`${user.name}: shared memory of outside`, { skip }, async (context) => {
    const key = String(0x676f0000 + (process.pid % 0x8000) * 2 + (user.uid === 0 ? 0 : 1));
    const made = spawnSync(node, [...probe.slice(1), 'make-memory', key], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    context.after(() => spawnSync(node, [...probe.slice(1), 'remove-memory', made.stdout.trim()]));
    assert.equal(await tried([...base, '--ipc'], ['memory', key], user), 'held: ENOENT');
    assert.equal(await tried([...base, '--uts'], ['memory', key], user), 'got out');
  });

  test(`${user.name}: an abstract socket of outside`, { skip }, async (context) => {
    const name = `gontainer-test-${process.pid}-${user.uid}`;
    const server = createServer((socket) => socket.end());
    await new Promise<void>((listening) => server.listen({ path: `\0${name}` }, listening));
    context.after(() => server.close());
    assert.equal(await tried([...base, '--net'], ['socket', name], user), 'held: ECONNREFUSED');
    assert.equal(await tried([...base, '--uts'], ['socket', name], user), 'got out');
  });

  test(`${user.name}: what the child and the command hold leads nowhere outside`, { skip }, async () => {
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

  test(`${user.name}: no descriptor of the caller's but 0, 1 and 2`, {
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

  test(`${user.name}: the environment`, { skip }, async () => {
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

  test(`${user.name}: the libraries that the child maps`, { skip }, async () => {
    const options = [...base, ...newRoot(user), '--pid'];
    assert.match(await tried(options, ['libraries', '1'], user), /^held: (EPERM|EACCES)$/);
    if (user.uid === 0)
      assert.equal(await tried([...options, '--cap-keep', 'all'], ['libraries', '1'], user), 'got out');
  });
}

test('the file of node through the exe link of the child', { skip: asRoot }, async () => {
  // Where it is left out there is no new root, and the file can be reached by its name as well.
  const write = ['write', '/proc/1/exe'];
  const all = ['--pid', '--cap-keep', 'all'];
  assert.equal(await tried([...all, ...newRoot(root)], write, root), 'held: EROFS');
  assert.equal(await tried(all, write, root), 'got out');
  // With the capabilities that root keeps otherwise, the link cannot be followed at all.
  assert.equal(await tried(['--pid', ...newRoot(root)], write, root), 'held: EACCES');
});

for (const user of users) {
  test(`${user.name}: overwriting the file of node when nobody runs it any more`, {
    skip: user.skip,
  }, async () => {
    /** A node of the user's own, as nvm(1) installs it; the handle is what somebody inside would keep. */
    const overwritten = async (options: readonly string[]): Promise<string> => {
      const own = join(folder(user), 'node');
      copyFileSync(node, own);
      chmodSync(own, 0o755);
      if (!asRoot) spawnSync('chown', [`${user.uid}:${user.gid}`, own]);
      const child = spawn(
        own,
        [program, 'run', '--quiet', '--status-fd', '3', ...options, '--', '/bin/sh', '-c', 'read wait'],
        {
          cwd: '/',
          env: { PATH: process.env.PATH },
          stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
          ...(asRoot ? {} : { uid: user.uid, gid: user.gid }),
        },
      );
      const { pid } = await new Promise<{ pid: number }>((told) =>
        child.stdio[3]?.once('data', (line) => told(JSON.parse(String(line)))),
      );
      const handle = openSync(`/proc/${pid}/exe`, constants.O_RDONLY);
      const ended = new Promise((done) => child.on('exit', done));
      child.stdin?.end('\n');
      await ended;
      try {
        closeSync(openSync(`/proc/self/fd/${handle}`, constants.O_WRONLY));
        return 'overwritten';
      } catch (error) {
        return String((error as NodeJS.ErrnoException).code);
      } finally {
        closeSync(handle);
      }
    };
    const base = user.uid === 0 ? ['--pid'] : ['--uid', '--pid'];
    assert.equal(await overwritten([...base, ...newRoot(user)]), 'EROFS');
    assert.equal(await overwritten(base), 'overwritten');
  });
}

for (const user of users) {
  test(`${user.name}: the mount of the file of node is in no mount table`, { skip: user.skip }, async () => {
    const script = `cat /proc/self/mountinfo; echo; cat /proc/1/maps`;
    // Where it still lay on the file, the recursive mount of its folder would bring it along.
    const options = ['--uid', '--pid', '--chroot', ...newRoot(user), '--bind', `${dirname(node)}:/host`];
    const { stdout, stderr } = await run(['run', '--quiet', ...options, '--', 'sh', '-c', script], { user });
    const [mounts = '', maps = ''] = stdout.split('\n\n');
    const places = mounts.split('\n').map((line) => line.split(' ')[4]);
    assert.ok(
      places.some((place) => place?.endsWith('/host')),
      stderr,
    );
    assert.deepEqual(
      places.filter((place) => place === node || place?.endsWith('/host/node')),
      [],
    );
    // V8 found the file all the same: its built-in functions, over a mebibyte, are mapped and not copied.
    const copied = maps.split('\n').filter((line) => {
      const [, from, to] = /^(\w+)-(\w+) r-xp \S+ 00:00 0 *$/.exec(line) ?? [];
      return Number(`0x${to}`) - Number(`0x${from}`) > 1024 * 1024;
    });
    assert.match(maps, /r-xp/);
    assert.deepEqual(copied, []);
  });
}

test('the root directory of a process outside', { skip: asRoot }, async () => {
  const attempt = ['root', String(process.pid), secret(root)];
  const options = ['--cap-keep', 'all', ...newRoot(root)];
  assert.equal(await tried([...options, '--pid'], attempt, root), 'held: ENOENT');
  assert.equal(await tried(options, attempt, root), 'got out');
  // Capabilities stop it too: nobody may look into a process that has more of them (ptrace(2)).
  assert.equal(await tried(newRoot(root), attempt, root), 'held: EACCES');
  // And a user namespace: nobody inside has any in the one outside.
  assert.equal(await tried(['--uid', ...newRoot(root)], attempt, root), 'held: EACCES');
});

test('ptrace of a process outside', { skip: asRoot }, async (context) => {
  const outside = bystander(root);
  context.after(outside.end);
  const attempt = ['ptrace', outside.pid];
  assert.equal(await tried(['--pid', '--cap-keep', 'all'], attempt, root), 'held: ESRCH');
  assert.equal(await tried(['--uts', '--cap-keep', 'all'], attempt, root), 'got out');
  assert.equal(await tried(['--uts'], attempt, root), 'held: EPERM');
  assert.equal(await tried(['--uid', '--uts'], attempt, root), 'held: EPERM');
});

test('an ordinary user: ptrace, and the root, of a process of the same user outside', async (context) => {
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

test('back into the mount namespace of outside', { skip: asRoot }, async () => {
  const attempt = ['setns', `/proc/${process.pid}/ns/mnt`, secret(root)];
  const options = ['--cap-keep', 'all', ...newRoot(root)];
  assert.equal(await tried([...options, '--pid'], attempt, root), 'held: ENOENT');
  assert.equal(await tried(options, attempt, root), 'got out');
  assert.equal(await tried(newRoot(root), attempt, root), 'held: EACCES');
  assert.equal(await tried(['--uid', ...newRoot(root)], attempt, root), 'held: EACCES');
});

test('a mount made inside, seen outside', { skip: asRoot || lacking('unshare', 'mountpoint') }, () => {
  /** In a mount namespace whose mounts are shared, as they are on a host with systemd; nothing of it stays. */
  const seen = (container: string, place: string): string => {
    const script = `cd ${place} && mount --bind . . && mount --make-shared . && mkdir -p in && ${container} >&2
      mountpoint -q ${place}/in && echo seen || echo not seen`;
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--propagation', 'shared', 'sh', '-c', script],
      {
        encoding: 'utf8',
      },
    );
    assert.doesNotMatch(stderr, /held/, stderr);
    return stdout.trim();
  };
  const launcher = `'${node}' '${program}' run --quiet --cap-keep all`;
  const attempt = (place: string) => `${probe.join(' ')} mount ${place}/in`;
  const places = [folder(), folder(), folder(), folder()] as const;
  assert.equal(seen(`${launcher} --pid -- ${attempt(places[0])}`, places[0]), 'not seen');
  assert.equal(seen(`${launcher} --uts -- ${attempt(places[1])}`, places[1]), 'seen');
  // A mount namespace alone does not do it: the step propagation does.
  assert.equal(seen(`unshare --mount --propagation unchanged ${attempt(places[2])}`, places[2]), 'seen');
  // Nor does it come out through a folder that is bound in.
  const bound = `${launcher} ${newRoot(root).join(' ')} --bind ${places[3]}:/host`;
  assert.equal(seen(`${bound} -- /probe/node /probe/probe.cjs mount /host/in`, places[3]), 'not seen');
});

test('the capabilities of root without a user namespace are those that Docker leaves', {
  skip: asRoot,
}, async () => {
  const inside = async (options: readonly string[]) => {
    const { stdout, stderr } = await run(
      ['run', '--quiet', '--pid', ...options, '--', 'grep', '-E', '^Cap', '/proc/self/status'],
      { user: root },
    );
    assert.notEqual(stdout, '', stderr);
    return Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(':\t')),
    ) as Record<string, string>;
  };
  const [none, fourteen] = ['0000000000000000', '00000000a80425fb'];
  assert.deepEqual(await inside([]), {
    ...{ CapInh: none, CapPrm: fourteen, CapEff: fourteen, CapBnd: fourteen, CapAmb: none },
  });
  assert.deepEqual(new Set(Object.values(await inside(['--cap-drop', 'all']))), new Set([none]));
  const one = await inside(['--cap-drop', 'all', '--cap-keep', 'Cap_Net_Raw']);
  assert.deepEqual([one.CapEff, one.CapBnd], ['0000000000002000', '0000000000002000']);
  const fewer = await inside(['--cap-drop', 'chown,KILL']);
  assert.equal(fewer.CapEff, '00000000a80425da');
  const own = /^CapPrm:\t(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  assert.equal((await inside(['--cap-keep', 'all'])).CapEff, own);
});

for (const user of users) {
  test(`${user.name}: capabilities in a user namespace, and of a user who is not root`, {
    skip: user.skip,
  }, async () => {
    const sets = async (options: readonly string[]) => {
      const words = ['run', '--quiet', '--uid', ...options, '--', 'grep', '-E', '^Cap', '/proc/self/status'];
      const { stdout, stderr } = await run(words, { user });
      assert.notEqual(stdout, '', stderr);
      return [...stdout.matchAll(/^Cap\w+:\t(\w+)$/gm)].map(([, set]) => BigInt(`0x${set}`));
    };
    const all = 2n ** BigInt(Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')) + 1) - 1n;
    // The order of /proc/PID/status: inheritable, permitted, effective, bounding, ambient.
    const withoutAdmin = all & ~(1n << 21n);
    assert.deepEqual(await sets(['--cap-drop', 'sys_admin']), [
      ...[0n, withoutAdmin, withoutAdmin, withoutAdmin, 0n],
    ]);
    const ordinary = ['--uid-map', `1000:${user.uid}:1`, '--gid-map', `1000:${user.gid}:1`];
    assert.deepEqual(await sets([...ordinary, '--cap-drop', 'sys_admin']), [0n, 0n, 0n, withoutAdmin, 0n]);
    const kept = (1n << 13n) | (1n << 39n);
    assert.deepEqual(await sets([...ordinary, '--cap-keep', 'net_raw,bpf']), [kept, kept, kept, kept, kept]);
    assert.deepEqual(await sets([...ordinary, '--cap-keep', 'all']), [all, all, all, all, all]);
  });
}
