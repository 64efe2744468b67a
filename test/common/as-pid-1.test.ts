/** --as-pid-1: the command is the first process inside, and the only one that the launcher leaves there. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, chownSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import {
  finished,
  folder,
  lacking,
  records,
  root,
  rootfs,
  run,
  start,
  type User,
  users,
} from '../gontainer.js';
import { inForeground, TerminalSession } from '../terminal-session.js';
import { until } from '../until.js';

const asPid1 = ['run', '--quiet', '--pid', '--as-pid-1'];
/** A user without privilege needs a user namespace for any other. */
const base = (user: User): string[] => (user.uid === 0 ? asPid1 : [...asPid1, '--uid']);

/** Starts a container whose command prints a line when it is there. */
async function running(words: readonly string[], user: User) {
  const launcher = start(words, { user });
  const end = finished(launcher);
  await once(launcher.stdout as NodeJS.ReadableStream, 'data');
  return { launcher, end };
}

/** The processes of a PID namespace, from outside. */
const processesIn = (namespace: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readlinkSync(`/proc/${name}/ns/pid`) === namespace;
      } catch {
        return false;
      }
    })
    .map(Number);

const gone = (namespace: string): Promise<true> =>
  until(
    () => `still in the PID namespace: ${processesIn(namespace)}`,
    () => processesIn(namespace).length === 0,
  );

/** The container's first process: the child of the launcher that is in another PID namespace. */
function initOf(launcher: number): { pid: number; namespace: string } {
  const own = readlinkSync('/proc/self/ns/pid');
  for (const word of readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'utf8').trim().split(' ')) {
    const namespace = readlinkSync(`/proc/${word}/ns/pid`);
    if (namespace !== own) return { pid: Number(word), namespace };
  }
  throw new Error('the launcher has no child in another PID namespace');
}

const residentOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

for (const user of users) {
  const { skip } = user;

  test(`${user.name}: the command is PID 1, and no other process is inside`, { skip }, async () => {
    // The shell itself counts: of the processes of a pipeline, the last may not be there yet when the first looks.
    const script = 'echo $$; readlink /proc/1/exe; set -- /proc/[0-9]*; echo $#; ls /proc/1/fd; exit 9';
    const own = await rootfs(user);
    for (const options of [
      [],
      ['--uid', '--mnt', own],
      ['--all', '--mnt', own],
      ['--all', '--mnt', own, '--chroot'],
    ]) {
      const words = [...new Set([...base(user), ...options])];
      const { status, stdout, stderr } = await run([...words, '--', '/bin/sh', '-c', script], { user });
      const [pid, program, processes, ...descriptors] = stdout.trim().split('\n');
      assert.equal(status, 9, stderr);
      assert.equal(pid, '1');
      assert.match(String(program), /^\/(usr\/)?bin\/(dash|bash|busybox)$/);
      assert.equal(processes, '1', 'the shell');
      assert.deepEqual(descriptors, ['0', '1', '2']);
    }
  });

  test(`${user.name}: no Node is left inside, and none of its memory`, { skip }, async () => {
    const words = ['--', 'sh', '-c', 'echo; read line'];
    const resident: number[] = [];
    for (const options of [base(user), base(user).filter((word) => word !== '--as-pid-1')]) {
      const { launcher, end } = await running([...options, ...words], user);
      const { pid, namespace } = initOf(launcher.pid as number);
      const processes = processesIn(namespace);
      resident.push(processes.map(residentOf).reduce((sum, size) => sum + size));
      if (options.includes('--as-pid-1')) {
        assert.deepEqual(processes, [pid]);
        assert.match(readlinkSync(`/proc/${pid}/exe`), /dash|bash|busybox/);
      }
      process.kill(pid, 'SIGKILL');
      assert.equal((await end).status, 137);
    }
    const [alone, withInit] = resident as [number, number];
    assert.ok(alone < withInit / 4, `${alone} KiB alone, ${withInit} KiB with an init`);
  });

  test(`${user.name}: the command gets nothing of Node's`, { skip }, async () => {
    const show = 'exec cat /proc/self/status';
    const { stdout } = await run([...base(user), '--', 'sh', '-c', show], { user });
    const plain = base(user).filter((word) => word !== '--as-pid-1');
    const usual = await run([...plain, '--', 'sh', '-c', show], { user });
    const kept = (text: string) => text.match(/^(Uid|Gid|Groups|Sig(Blk|Ign|Cgt)|Cap\w+|NoNewPrivs):.*/gm);
    assert.deepEqual(kept(stdout), kept(usual.stdout));
    assert.match(stdout, /SigBlk:\t0+\nSigIgn:\t0+\nSigCgt:\t0+\n/);
    assert.match(stdout, /NoNewPrivs:\t1\n/);
  });

  test(`${user.name}: the exit status says how the command ended, or why it could not start`, {
    skip,
  }, async () => {
    const file = join(folder(user), 'program');
    writeFileSync(file, '#!/nowhere/at/all\n');
    chmodSync(file, 0o755);
    if (process.getuid?.() === 0) chownSync(file, user.uid, user.gid);
    for (const [command, expected, sentence] of [
      [['true'], 0, /^$/],
      [['sh', '-c', 'exit 42'], 42, /^$/],
      [['no-such-command'], 127, /there is no such command/],
      [['/etc/passwd'], 126, /is not executable/],
      [
        [file],
        126,
        /step exec: execve\(.*\) failed with ENOENT .* is executed by \/nowhere\/at\/all, which does not exist/,
      ],
    ] as const) {
      const { status, stderr } = await run([...base(user), '--', ...command], { user });
      assert.equal(status, expected, command.join(' '));
      assert.match(stderr, sentence);
    }
  });

  test(`${user.name}: signals sent to the launcher reach the command, at any time`, { skip }, async () => {
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGUSR1']) {
      const script = `trap 'echo got; exit 5' ${signal.slice(3)}; echo ready; while :; do sleep 0.1; done`;
      const { launcher, end } = await running([...base(user), '--', 'sh', '-c', script], user);
      launcher.kill(signal as NodeJS.Signals);
      const { status, stderr } = await end;
      assert.equal(status, 5, `${signal}: ${stderr}`);
    }
  });

  test(`${user.name}: a command that was stopped runs on after SIGCONT`, { skip }, async () => {
    const script = 'echo; read line; exit 7';
    const { launcher, end } = await running([...base(user), '--', 'sh', '-c', script], user);
    const { pid } = initOf(launcher.pid as number);
    process.kill(pid, 'SIGSTOP');
    await until('it is not stopped', () => /^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
    process.kill(pid, 'SIGCONT');
    launcher.stdin?.end('\n');
    assert.equal((await end).status, 7);
  });

  test(`${user.name}: nothing outlives a killed launcher`, { skip }, async () => {
    const script = '(setsid sleep 1000 &); echo; sleep 1000';
    const { launcher, end } = await running([...base(user), '--', 'sh', '-c', script], user);
    const { namespace } = initOf(launcher.pid as number);
    launcher.kill('SIGKILL');
    await gone(namespace);
    assert.equal((await end).signal, 'SIGKILL');
  });

  test(`${user.name}: --timeout ends what PID 1 does not hear`, { skip }, async () => {
    const { status } = await run([...base(user), '--timeout', '1', '--', 'sleep', '1000'], { user });
    assert.equal(status, 137);
  });

  test(`${user.name}: the last two steps in the log are as-pid-1 and exec`, { skip }, async () => {
    const log = join(folder(user), 'log');
    await run([...base(user), '--log-file', log, '--', 'true'], { user });
    const all = records(log);
    const steps = all.filter(({ shell }) => shell !== undefined);
    assert.deepEqual(
      steps.slice(-2).map(({ step }) => step),
      ['as-pid-1', 'exec'],
    );
    assert.equal(steps.at(-1)?.number, steps.at(-1)?.of);
    const calls = all.filter(({ call }) => call !== undefined);
    const execve = calls.findLast(({ call }) => call === 'execve');
    assert.deepEqual([execve?.actor, execve?.step, execve?.ret, execve?.us], ['child', 'exec', 0, undefined]);
    assert.deepEqual(all.at(-1)?.ended, { status: 0 });
  });

  test(`${user.name}: the script of --dry-run --shell makes the command PID 1 too`, {
    skip: skip || lacking('unshare'),
  }, async () => {
    const words = ['run', '--all', '--as-pid-1', '--dry-run', '--shell', '--', 'sh', '-c', 'echo $$; exit 3'];
    const { stdout: script } = await run(words, { user });
    const file = join(folder(user), 'script');
    writeFileSync(file, script);
    const { status, stdout, stderr } = await run([], {
      user,
      under: ['sh', file, ';'],
      env: { TMPDIR: dirname(file) },
    });
    assert.deepEqual([status, stdout], [3, '1\n'], stderr);
  });

  test(`${user.name}: without --pid it is refused with status 2`, { skip }, async () => {
    const { status, stderr } = await run(['run', '--uid', '--as-pid-1', '--', 'true'], { user });
    assert.deepEqual([status, stderr], [2, 'gontainer: --as-pid-1 needs --pid. Add --pid.\n']);
  });

  test(`${user.name}: kill says when PID 1 does not hear a signal`, { skip }, async () => {
    const env = { XDG_RUNTIME_DIR: folder(user) };
    const launcher = start([...base(user), '--name', 'box', '--', 'sh', '-c', 'echo; read line'], {
      user,
      env,
    });
    const end = finished(launcher);
    await once(launcher.stdout as NodeJS.ReadableStream, 'data');
    // Until the launcher has seen it run, the container is being set up, and would be given up.
    await until('it does not run', async () => {
      const [listed] = JSON.parse((await run(['ps', '--json'], { user, env })).stdout);
      return listed?.state === 'running';
    });
    const { status, stderr } = await run(['kill', 'box'], { user, env });
    assert.equal(status, 125);
    assert.match(stderr, /is PID 1 and has no handler for signal 15: the kernel drops it\. .* kill box KILL/);
    const entered = await run(['enter', '--quiet', 'box', '--', 'readlink', '/proc/1/exe'], { user, env });
    assert.match(entered.stdout, /dash|bash|busybox/);
    assert.equal((await run(['kill', 'box', 'KILL'], { user, env })).status, 0);
    assert.equal((await end).status, 137);
  });
}

test('--user: PID 1 is that user, without capabilities', { skip: users[0]?.skip }, async () => {
  const words = [...asPid1, '--mnt', await rootfs(root), '--user', '65534:65534', '--', 'sh', '-c'];
  const { stdout } = await run(
    [...words, 'id -u; id -g; grep -E "^(CapEff|CapPrm|Groups)" /proc/1/status'],
    {},
  );
  assert.match(stdout, /^65534\n65534\nGroups:\t65534 \nCapPrm:\t0+\nCapEff:\t0+\n$/);
});

test('nothing outlives a killed launcher, also a command that has changed its user', {
  skip: users[0]?.skip || lacking('setpriv'),
}, async () => {
  const other = ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups'];
  const { launcher, end } = await running([...asPid1, '--', ...other, 'sh', '-c', 'echo; sleep 1000'], root);
  const { namespace } = initOf(launcher.pid as number);
  launcher.kill('SIGKILL');
  await gone(namespace);
  assert.equal((await end).signal, 'SIGKILL');
});

test('at a terminal, started step by step, a shell as PID 1 has job control', {
  skip: lacking('tmux'),
}, async () => {
  const terminal = new TerminalSession();
  terminal.type('gontainer run --uid --pid --as-pid-1 --step');
  for (let step = 1; step <= 7; step += 1) {
    await terminal.shows(new RegExp(`^ +${step}/7 [^]*Enter: do it[^\\n]*\\n*$`, 'm'));
    terminal.press('Enter');
  }
  await terminal.shows(/‣/);
  await terminal.clear();
  const mark = `1000${process.pid}`;
  terminal.type(`sleep ${mark}`);
  await inForeground(`sleep ${mark}`);
  terminal.press('C-c');
  // A shell that is interrupted forgets what it has read already.
  await terminal.shows(/\^C\s+📦.*‣$/);
  terminal.type('echo pid $$ after');
  await terminal.shows(/pid 1 after/);
  terminal.type('exit 4');
  await terminal.shows(/outside\$$/);
  terminal.type('echo status $?');
  await terminal.shows(/status 4/);
});
