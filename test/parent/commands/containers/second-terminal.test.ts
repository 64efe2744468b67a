/** From a second terminal: ps, ns, enter, kill, wait and logs say what the kernel shows. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Finished,
  finished,
  folder,
  lacking,
  node,
  program,
  records,
  root,
  rootfs,
  run,
  start,
  type User,
  unprivileged,
  users,
} from '../../../gontainer.js';
import { isAlive } from '../../../remains.js';
import { inForeground, TerminalSession } from '../../../terminal-session.js';
import { until } from '../../../until.js';

const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];
const idsOf = (pid: number): Record<string, string> =>
  Object.fromEntries(kinds.map((kind) => [kind, readlinkSync(`/proc/${pid}/ns/${kind}`)]));

interface Listed {
  readonly name: string;
  readonly state: string;
  readonly step: string;
  readonly pid: number;
  readonly pidInside: number;
  readonly launcher: number;
  readonly command: readonly string[];
  readonly own: Record<string, string>;
  readonly started: string;
}

/** A user with a runtime folder of its own, so that other tests' containers are not seen. */
class Desk {
  readonly runtime: string;
  readonly state: string;

  constructor(readonly user: User) {
    this.runtime = folder(user);
    this.state = join(this.runtime, 'gontainer');
  }

  /** What is left in the state folder, but for what is kept of containers that have ended: see ended.test.ts. */
  get left(): string[] {
    return readdirSync(this.state).filter((name) => !name.endsWith('.ended'));
  }

  get env(): Record<string, string> {
    return { XDG_RUNTIME_DIR: this.runtime };
  }

  gontainer(...words: string[]): Promise<Finished> {
    return run(words, { user: this.user, env: this.env });
  }

  async ps(): Promise<Listed[]> {
    return JSON.parse((await this.gontainer('ps', '--json')).stdout);
  }

  /** Starts a container that reads one line and ends with status 7; resolves when it is listed as running. */
  async launch(name: string, ...options: string[]): Promise<{ launcher: ChildProcess; listed: Listed }> {
    const words = ['run', '--quiet', '--name', name, ...options, '--', 'sh', '-c', 'read line; exit 7'];
    const launcher = start(words, { user: this.user, env: this.env });
    let ended = false;
    launcher.on('exit', () => {
      ended = true;
    });
    for (;;) {
      const listed = (await this.ps()).find((one) => one.name === name);
      if (listed?.state === 'running') return { launcher, listed };
      if (ended) throw new Error(`${name} has ended: ${launcher.stderr?.read()}`);
    }
  }
}

/** Lets a container of `launch` go on to its end. */
function letGo(launcher: ChildProcess): Promise<Finished> {
  launcher.stdin?.end('\n');
  return finished(launcher);
}

/** Prints what tells where a process is: namespaces, root, working directory, user. */
const whereabouts =
  'for n in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$n; done; stat -c %d:%i /; pwd; id -u; id -g';

for (const user of users) {
  const { skip } = user;

  test(`${user.name}: ps lists a container while it lives, as the kernel shows it`, { skip }, async () => {
    const desk = new Desk(user);
    assert.deepEqual(await desk.ps(), []);
    const before = Date.now();
    const { launcher, listed } = await desk.launch('box', '--all');
    assert.equal(listed.pidInside, 1);
    assert.equal(listed.launcher, launcher.pid);
    assert.deepEqual(listed.command, ['sh', '-c', 'read line; exit 7']);
    assert.deepEqual(Object.keys(listed.own).sort(), kinds);
    for (const [kind, id] of Object.entries(listed.own)) assert.equal(id, idsOf(listed.pid)[kind]);
    assert.match(readFileSync(`/proc/${listed.pid}/status`, 'utf8'), /^NSpid:\s+\d+\s+1$/m);
    assert.ok(Date.parse(listed.started) >= before && Date.parse(listed.started) <= Date.now());
    const { stdout } = await desk.gontainer('ps');
    assert.match(
      stdout,
      new RegExp(
        `^box +${listed.pid} +1 +running .* user,mnt,uts,ipc,net,pid,cgroup,time +sh -c 'read line; exit 7'$`,
        'm',
      ),
    );
    assert.equal((await letGo(launcher)).status, 7);
    assert.deepEqual(await desk.ps(), []);
    assert.deepEqual(desk.left, []);
    assert.equal(statSync(desk.state).mode & 0o777, 0o700);
  });

  test(`${user.name}: only the namespaces that were made are its own`, { skip }, async () => {
    const desk = new Desk(user);
    const { launcher, listed } = await desk.launch('box', '--uid', '--uts');
    assert.deepEqual(Object.keys(listed.own).sort(), ['user', 'uts']);
    assert.equal(listed.pidInside, listed.pid);
    await letGo(launcher);
  });

  test(`${user.name}: enter comes to the same place as nsenter`, {
    skip: skip || lacking('nsenter'),
  }, async () => {
    const desk = new Desk(user);
    const { launcher, listed } = await desk.launch('box', '--all', '--mnt', await rootfs(user));
    const entered = await desk.gontainer('enter', '--quiet', 'box', '--', 'sh', '-c', whereabouts);
    assert.equal(entered.stderr, '');
    const words = [
      '-t',
      `${listed.pid}`,
      '-U',
      '-m',
      '-u',
      '-i',
      '-n',
      '-p',
      '-C',
      '-T',
      '-r',
      '-w',
      '--preserve-credentials',
    ];
    const compared = spawnSync('nsenter', [...words, '/bin/sh', '-c', whereabouts], {
      encoding: 'utf8',
      env: { PATH: '/bin' },
      ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
    });
    assert.equal(compared.stderr, '');
    assert.equal(entered.stdout, compared.stdout);
    assert.deepEqual(entered.stdout.split('\n').slice(0, 8), Object.values(idsOf(listed.pid)));
    assert.deepEqual(entered.stdout.split('\n').slice(9, 12), ['/', '0', '0']);
    await letGo(launcher);
  });

  test(`${user.name}: the command of enter gives its status, or its signal`, { skip }, async () => {
    const desk = new Desk(user);
    const { launcher } = await desk.launch('box', '--all');
    const statusOf = async (...words: string[]) =>
      (await desk.gontainer('enter', '--quiet', 'box', '--', ...words)).status;
    assert.equal(await statusOf('sh', '-c', 'exit 5'), 5);
    assert.equal(await statusOf('sh', '-c', 'kill -TERM $$'), 143);
    assert.equal(await statusOf('/nowhere/command'), 127);
    assert.equal(await statusOf('/etc/passwd'), 126);
    assert.equal((await desk.ps()).length, 1);
    await letGo(launcher);
  });

  test(`${user.name}: wait gives the exit status, kill and logs reach the container`, { skip }, async () => {
    const desk = new Desk(user);
    const log = join(folder(user), 'log');
    const first = await desk.launch('box', '--uid', '--pid', '--log-file', log);
    const shown = await desk.gontainer('logs', 'box');
    assert.equal(shown.stdout, readFileSync(log, 'utf8'));
    assert.match(shown.stdout, /"step":"exec"/);
    const waiting = desk.gontainer('wait', 'bo');
    assert.equal((await letGo(first.launcher)).status, 7);
    // The wait may have come too late to find it.
    const waited = await waiting;
    assert.ok(waited.status === 7 ? waited.stdout === '7\n' : /no container|just ended/.test(waited.stderr));

    for (const [signal, status] of [
      [undefined, 143],
      ['KILL', 137],
      ['sigusr1', 138],
      ['1', 129],
    ] as const) {
      const { launcher } = await desk.launch('box', '--uid', '--pid');
      const ended = finished(launcher);
      const killed = await desk.gontainer('kill', 'box', ...(signal === undefined ? [] : [signal]));
      assert.deepEqual([killed.status, killed.stdout, killed.stderr], [0, '', '']);
      assert.equal((await ended).status, status);
      assert.deepEqual(await desk.ps(), []);
    }
  });
}

test('wait holds on until the end, and says the status', async () => {
  const desk = new Desk(unprivileged);
  const { launcher, listed } = await desk.launch('box', '--uid', '--pid');
  const waiting = start(['wait', 'box'], { user: unprivileged, env: desk.env });
  const end = finished(waiting);
  // It waits in poll(2), the file open.
  const waits = () =>
    readdirSync(`/proc/${waiting.pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${waiting.pid}/fd/${fd}`).includes('pidfd');
      } catch {
        return false;
      }
    });
  while (!waits()) await new Promise(setImmediate);
  assert.equal(waiting.exitCode, null);
  assert.ok(existsSync(`/proc/${listed.pid}`));
  await letGo(launcher);
  const { status, stdout, stderr } = await end;
  assert.deepEqual([status, stdout, stderr], [7, '7\n', '']);
});

test('wait says so when the launcher was killed', async () => {
  const desk = new Desk(unprivileged);
  const { launcher } = await desk.launch('box', '--uid', '--pid');
  const waiting = desk.gontainer('wait', 'box');
  process.kill(launcher.pid as number, 'SIGKILL');
  const { status, stdout } = await waiting;
  assert.deepEqual([stdout, [2, 125].includes(status as number)], ['', true]);
});

/** lsns(8) gives up without a word when a process ends while it looks through all of them. */
function lsns(pid: number): string {
  for (let tries = 0; ; tries += 1) {
    const { stdout } = spawnSync('lsns', ['--json', '-p', String(pid), '-o', 'NS,TYPE,PNS,ONS'], {
      encoding: 'utf8',
    });
    if (stdout !== '' || tries === 20) return stdout;
  }
}

test('ns agrees with lsns', { skip: lacking('lsns') }, async () => {
  const desk = new Desk(unprivileged);
  const { launcher, listed } = await desk.launch('box', '--all');
  const { here, others, around } = JSON.parse((await desk.gontainer('ns', '--json', 'box')).stdout);
  const [box] = others;
  assert.deepEqual([box.name, box.pid], ['box', listed.pid]);
  type Row = { ns: number; type: string; pns: number; ons: number };
  const rows = (pid: number): Row[] =>
    JSON.parse(lsns(pid)).namespaces.map((row: Record<string, string>) => ({
      ...row,
      ns: Number(row.ns),
      pns: Number(row.pns),
      ons: Number(row.ons),
    }));
  const number = (id: string | undefined): number => Number(/\d+/.exec(id ?? '')?.[0] ?? 0);
  const compared = rows(listed.pid);
  assert.deepEqual(compared.map(({ type }) => type).sort(), kinds);
  for (const { ns, type, pns, ons } of compared) {
    const node = box.namespaces[type];
    assert.equal(number(node.id), ns, type);
    if (type === 'user' || type === 'pid') assert.equal(number(node.parent), pns, `parent of ${type}`);
    assert.equal(number(node.owner), ons, `owner of ${type}`);
  }
  for (const { ns, type } of rows(process.pid)) assert.equal(number(here.namespaces[type].id), ns, type);
  assert.equal(box.namespaces.user.madeBy, unprivileged.uid);
  assert.ok(around.some(({ id }: { id: string }) => id === here.namespaces.user.id));

  const { stdout } = await desk.gontainer('ns');
  for (const { ns, type } of compared) {
    const row = { mnt: 'mount', net: 'network' }[type] ?? type;
    assert.match(stdout, new RegExp(`^${row} +${number(here.namespaces[type].id)} +${ns}$`, 'mi'));
  }
  const [user, pid] = [number(box.namespaces.user.id), number(box.namespaces.pid.id)];
  assert.match(
    stdout,
    new RegExp(
      `^user:\\[\\d+\\]  here  made by user 0\n└─ user:\\[${user}\\]  box  made by user ${unprivileged.uid}$`,
      'm',
    ),
  );
  assert.match(stdout, new RegExp(`^└─ pid:\\[${pid}\\]  box  owned by user:\\[${user}\\]$`, 'm'));
  await letGo(launcher);
});

test('enter joins the namespaces that are chosen, and no others', async () => {
  const desk = new Desk(unprivileged);
  const { launcher, listed } = await desk.launch('box', '--all', '--mnt', await rootfs(unprivileged));
  const { stdout, stderr } = await desk.gontainer(
    'enter',
    'box',
    '-uid',
    '-net',
    '--quiet',
    '--',
    'sh',
    '-c',
    whereabouts,
  );
  assert.equal(stderr, '');
  const [theirs, ours] = [idsOf(listed.pid), idsOf(process.pid)];
  assert.deepEqual(
    stdout.split('\n').slice(0, 8),
    Object.values({ ...ours, net: theirs.net, user: theirs.user }),
  );
  const { dev, ino } = statSync('/');
  assert.deepEqual(stdout.split('\n').slice(8, 10), [`${dev}:${ino}`, '/']);
  await letGo(launcher);
});

test('enter finds the root that chroot(2) alone made', async () => {
  const desk = new Desk(unprivileged);
  const path = await rootfs(unprivileged);
  const { launcher } = await desk.launch('box', '--uid', '--pid', '--mnt', path, '--chroot');
  const { stdout } = await desk.gontainer(
    'enter',
    'box',
    '--quiet',
    '--',
    'sh',
    '-c',
    'stat -c %d:%i /; ls /',
  );
  const { dev, ino } = statSync(path);
  assert.equal(stdout, [`${dev}:${ino}`, ...readdirSync(path).sort(), ''].join('\n'));
  await letGo(launcher);
});

test('root enters the container of a user, and is root inside without groups', {
  skip: users[0]?.skip,
}, async () => {
  const [theirs, ours] = [new Desk(unprivileged), new Desk(root)];
  const { launcher, listed } = await theirs.launch('box', '--all');
  assert.deepEqual(await ours.ps(), []);
  const { stdout, stderr } = await ours.gontainer(
    'enter',
    '--quiet',
    String(listed.pid),
    '--',
    'sh',
    '-c',
    'id -u; id -g; cat /proc/self/uid_map',
  );
  assert.equal(stderr, '');
  assert.deepEqual(stdout.trim().split(/\s+/), ['0', '0', '0', String(unprivileged.uid), '1']);
  await letGo(launcher);
});

for (const user of users) {
  test(`${user.name}: the command of enter has the capabilities of the container`, {
    skip: user.skip,
  }, async () => {
    const desk = new Desk(user);
    const options = user.uid === 0 ? ['--pid'] : ['--uid', '--pid', '--cap-keep', 'kill,chown'];
    const { launcher } = await desk.launch('box', ...options);
    const sets = async (...words: string[]) => {
      const read = ['--', 'grep', '-E', '^Cap(Prm|Eff|Bnd)', '/proc/self/status'];
      const { stdout, stderr } = await desk.gontainer('enter', 'box', '--quiet', ...words, ...read);
      assert.notEqual(stdout, '', stderr);
      return new Set([...stdout.matchAll(/\t(\w+)$/gm)].map(([, set]) => set));
    };
    const expected = user.uid === 0 ? '00000000a00405fb' : '0000000000000021';
    assert.deepEqual(await sets(), new Set([expected]));
    // Who chooses namespaces works on them with what they have.
    const chosen = user.uid === 0 ? ['--pid'] : ['--uid', '--pid'];
    assert.ok(!(await sets(...chosen)).has(expected));
    await letGo(launcher);
  });
}

test('only descriptors 0, 1 and 2 reach the command of enter', async () => {
  const desk = new Desk(unprivileged);
  const { launcher } = await desk.launch('box', '--all');
  const list = 'for f in /proc/self/fd/*; do echo "$' + '{f##*/}"; done';
  const script = `exec 3</ 9</ 50</ 200</; exec '${node}' '${program}' enter --quiet box -- sh -c '${list}'`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], {
    encoding: 'utf8',
    input: '',
    env: { PATH: process.env.PATH, HOME: '/', ...desk.env },
    ...(process.getuid?.() === 0 ? { uid: unprivileged.uid, gid: unprivileged.gid } : {}),
  });
  assert.equal(stderr, '');
  // The shell has the folder itself open while it lists it.
  assert.deepEqual(
    stdout.split('\n').filter((fd) => Number(fd) > 3),
    [],
  );
  assert.match(stdout, /^0\n1\n2\n/);
  await letGo(launcher);
});

test('enter logs its steps and calls, with times that a time namespace does not shift', async () => {
  const desk = new Desk(unprivileged);
  const log = join(folder(unprivileged), 'log');
  const { launcher, listed } = await desk.launch('box', '--all', '--monotonic', '1000000');
  const { status } = await desk.gontainer('enter', '--quiet', '--log-file', log, 'box', '--', 'sleep', '1');
  assert.equal(status, 0);
  interface Line {
    readonly step: string;
    readonly shell?: string;
    readonly call?: string;
    readonly actor: string;
    readonly args: Record<string, unknown>;
    readonly ret: number;
    readonly at: number;
    readonly us: number;
    readonly after: { readonly namespaces: Record<string, string> };
  }
  const lines = records(log) as unknown as Line[];
  const steps = lines.filter(({ shell }) => shell !== undefined);
  assert.deepEqual(
    steps.map(({ step }) => step),
    ['hold', 'join', 'command', 'exec'],
  );
  for (const step of steps) {
    for (const field of ['why', 'man', 'before', 'after', 'us']) assert.ok(field in step, field);
  }
  assert.deepEqual(steps[3]?.after.namespaces, idsOf(listed.pid));
  const calls = lines.filter(({ call }) => call !== undefined);
  const joined = calls.find(({ call }) => call === 'setns');
  assert.match(String(joined?.args.nstype), /^CLONE_NEWUSER\|.*CLONE_NEWTIME$/);
  const end = Math.max(...steps.map(({ at, us }) => at + us));
  for (const { call, actor, at, us } of calls) {
    assert.ok(at >= 0 && at <= end, `${actor} ${call} at ${at} of ${end}`);
    assert.ok(us === undefined || (us >= 0 && us <= end), `${actor} ${call} took ${us}`);
  }
  assert.ok(calls.some(({ call, actor, ret }) => call === 'execve' && actor === 'G' && ret === 0));
  await letGo(launcher);
});

test('a container whose launcher was killed is not listed, and its name is free', async () => {
  const desk = new Desk(unprivileged);
  const { launcher, listed } = await desk.launch('box', '--uid', '--pid');
  const gone = finished(launcher);
  process.kill(launcher.pid as number, 'SIGKILL');
  await gone;
  // Its processes end with it, in their own time.
  await until('the container is still alive', () => !isAlive(listed.pid));
  assert.deepEqual(desk.left, ['box.ndjson']);
  const again = await desk.gontainer('run', '--quiet', '--uid', '--name', 'box', '--', 'true');
  assert.deepEqual([again.status, again.stderr], [0, '']);
  assert.deepEqual(desk.left, []);
});

test('a launcher that is killed while it writes its entry leaves nothing', {
  skip: lacking('strace'),
}, async () => {
  const desk = new Desk(unprivileged);
  // Before the entry has its name; and once with nothing in it yet.
  for (const empty of [false, true]) {
    const under = ['strace', '-f', '-o', '/dev/null', '-e', 'inject=link,linkat:signal=KILL'];
    const words = ['run', '--quiet', '--uid', '--name', 'box', '--', 'true'];
    const { signal } = await run(words, { user: desk.user, env: desk.env, under });
    assert.equal(signal, 'SIGKILL');
    assert.equal(desk.left.length, 1, `${desk.left}`);
    if (empty) truncateSync(join(desk.state, desk.left[0] as string));
    assert.deepEqual(await desk.ps(), []);
    assert.deepEqual(desk.left, []);
  }
});

test('a process that took over the ID of a container is not taken for it', async () => {
  const desk = new Desk(unprivileged);
  const { launcher } = await desk.launch('box', '--uid', '--pid');
  const text = readFileSync(join(desk.state, 'box.ndjson'), 'utf8');
  // The same process IDs, started at another time: those are of other processes.
  writeFileSync(
    join(desk.state, 'old.ndjson'),
    text.replaceAll('"box"', '"old"').replace(/"startTime":/g, '"startTime":1'),
  );
  assert.deepEqual(
    (await desk.ps()).map(({ name }) => name),
    ['box'],
  );
  assert.equal(existsSync(join(desk.state, 'old.ndjson')), false);
  // The command has ended, and the launcher has yet to tidy up: it does not run any more.
  appendFileSync(join(desk.state, 'box.ndjson'), '{"status":0}\n');
  assert.deepEqual(await desk.ps(), []);
  assert.equal(existsSync(join(desk.state, 'box.ndjson')), true);
  await letGo(launcher);
});

test('an entry seen from another PID namespace is neither judged nor removed', async () => {
  const desk = new Desk(unprivileged);
  const { launcher } = await desk.launch('box', '--uid');
  const inner = `'${node}' '${program}'`;
  const { stdout, status } = await desk.gontainer(
    'run',
    '--quiet',
    '--uid',
    '--pid',
    '--',
    'sh',
    '-c',
    `XDG_RUNTIME_DIR=${desk.runtime} ${inner} ps --json`,
  );
  assert.deepEqual([status, stdout], [0, '[]\n']);
  assert.deepEqual(
    (await desk.ps()).map(({ name }) => name),
    ['box'],
  );
  await letGo(launcher);
});

test('of two launches with one name at the same time, one starts', async () => {
  const desk = new Desk(unprivileged);
  const words = ['run', '--quiet', '--uid', '--name', 'box', '--', 'sh', '-c', 'read line'];
  const both = [0, 1].map(() => start(words, { user: unprivileged, env: desk.env }));
  const ends = both.map((launcher) => finished(launcher));
  const loser = await Promise.race(ends);
  assert.equal(loser.status, 2);
  assert.match(loser.stderr, /^gontainer: the name box is taken: .*\n$/);
  for (const { stdin } of both) stdin?.on('error', () => {}).end('\n');
  assert.deepEqual((await Promise.all(ends)).map(({ status }) => status).sort(), [0, 2]);
});

test('bad input ends with one sentence and the right status', async () => {
  const desk = new Desk(unprivileged);
  const none = await desk.gontainer('enter', 'box');
  assert.deepEqual(
    [none.status, none.stderr],
    [2, 'gontainer: no container named “box” is running. No containers are running.\n'],
  );
  const one = await desk.launch('box-one', '--uid');
  const two = await desk.launch('box-two', '--uid', '--pid');
  const cases: readonly (readonly [words: string, status: number, sentence: RegExp])[] = [
    ['enter nobody', 2, /no container named “nobody” is running. Running: box-one, box-two/],
    ['kill box', 2, /“box” may be box-one or box-two/],
    ['wait box', 2, /“box” may be/],
    ['logs box', 2, /“box” may be/],
    ['ns box', 2, /“box” may be/],
    ['kill', 2, /needs NAME/],
    ['kill box-o NOSUCH', 2, /there is no signal “NOSUCH”/],
    ['kill box-o 65', 2, /there is no signal “65”/],
    ['logs box-o', 125, /writes no log file. Start it with --log-file/],
    ['enter box-o --net -- true', 2, /in the same network namespace as you.*-uid/],
    ['enter box-t --pid --quiet -- true', 125, /setns\(\d+, "CLONE_NEWPID"\) failed with EPERM.*add --uid/],
    [
      `enter ${process.ppid} -- true`,
      unprivileged.uid === process.getuid?.() ? 2 : 125,
      /not yours|same namespaces/,
    ],
    ['enter 4194305 -- true', 2, /there is no process 4194305/],
    ['ns 4194305', 2, /there is no process 4194305/],
    ['run --uid --name 12 -- true', 2, /“12” is not a valid container name/],
    ['run --uid --name a/b -- true', 2, /“a\/b” is not a valid container name/],
    ['run --uid --name box-one -- true', 2, /the name box-one is taken/],
    ['ps box', 2, /does not take “box”/],
  ];
  for (const [words, status, sentence] of cases) {
    const ended = await desk.gontainer(...words.split(' '));
    assert.match(ended.stderr, sentence, words);
    assert.match(ended.stderr, /^gontainer: .*\n$/, words);
    assert.deepEqual([ended.status, ended.stdout], [status, ''], words);
  }
  assert.deepEqual(
    (await desk.ps()).map(({ name }) => name),
    ['box-one', 'box-two'],
  );
  await Promise.all([letGo(one.launcher), letGo(two.launcher)]);
});

test('a file that is not an entry is reported and left, and the other entries are shown', async () => {
  const desk = new Desk(unprivileged);
  const { launcher } = await desk.launch('box', '--uid');
  const path = join(desk.state, 'half.ndjson');
  for (const content of ['', '{"format":1,"na', '{"format":1,"name":"half"}\n', 'null\n', '[]\n']) {
    writeFileSync(path, content);
    chmodSync(path, 0o644);
    const { status, stdout, stderr } = await desk.gontainer('ps');
    assert.equal(status, 0);
    assert.match(stdout, /^box .*running/m);
    assert.doesNotMatch(stdout, /half/);
    assert.equal(
      stderr,
      `gontainer: ${path} does not say what runs, and is left as it is: look at it, and remove it.\n`,
    );
    assert.equal(readFileSync(path, 'utf8'), content);
  }
  const taken = await desk.gontainer('run', '--quiet', '--uid', '--name', 'half', '--', 'true');
  assert.deepEqual([taken.status, taken.stderr.includes(path)], [2, true]);
  await letGo(launcher);
});

test('with a state folder that must not be believed a launch warns and goes on, and other subcommands refuse', async () => {
  const wrong: readonly (readonly [make: (desk: Desk) => void, sentence: RegExp])[] = [
    [({ state }) => writeFileSync(state, ''), /is not a directory/],
    [({ state }) => symlinkSync('/tmp', state), /is not a directory/],
    [
      ({ state }) => {
        mkdirSync(state);
        chmodSync(state, 0o777);
      },
      unprivileged.uid === process.getuid?.() ? /may be written by others/ : /belongs to user 0, not to you/,
    ],
  ];
  for (const [make, sentence] of wrong) {
    const desk = new Desk(unprivileged);
    make(desk);
    const listed = await desk.gontainer('ps');
    assert.deepEqual([listed.status, listed.stdout], [125, '']);
    assert.match(listed.stderr, sentence);
    const launched = await desk.gontainer('run', '--uid', '--log-level', 'warn', '--', 'echo', 'here');
    assert.deepEqual([launched.status, launched.stdout], [0, 'here\n']);
    const warnings = launched.stderr.split('\n').filter((line) => line.startsWith('{'));
    assert.equal(warnings.length, 1);
    const { level, msg } = JSON.parse(warnings[0] as string);
    assert.equal(level, 40);
    assert.match(msg, sentence);
  }
});

test('a state folder that is missing holds no containers, and a launch makes it', async () => {
  const desk = new Desk(unprivileged);
  const { status, stderr } = await desk.gontainer('ps');
  assert.deepEqual([status, stderr, existsSync(desk.state)], [0, '', false]);
  const temporary = folder(unprivileged);
  const env = { XDG_RUNTIME_DIR: '/nonexistent', TMPDIR: temporary };
  await run(['run', '--quiet', '--uid', '--', 'true'], { user: unprivileged, env });
  const made = existsSync(`/run/user/${unprivileged.uid}`) ? [] : [`gontainer-${unprivileged.uid}`];
  assert.deepEqual(readdirSync(temporary), made);
});

const terminals = lacking('tmux', 'setpriv', 'ps');

test('from a second terminal one joins the shell that runs in a container', {
  skip: terminals,
}, async () => {
  const desk = new Desk(unprivileged);
  const [first, second] = [new TerminalSession(), new TerminalSession()];
  for (const terminal of [first, second]) terminal.type(`export XDG_RUNTIME_DIR=${desk.runtime}; clear`);
  first.type('gontainer -run --quiet --all -hostname box -name box');
  await first.shows(/📦 \[root@box\] \S+ ‣$/);
  second.type('gontainer enter --quiet box');
  await second.shows(/📦 \[root@box\] \S+ ‣$/);
  second.type('hostname renamed');
  await second.shows(/📦 \[root@renamed\]/);
  first.type('');
  await first.shows(/📦 \[root@renamed\] \S+ ‣$/);

  // Job control inside: Ctrl-C, Ctrl-Z and fg go to the command there.
  await second.clear();
  second.type('sleep 1001; echo "and now $?"');
  await inForeground('sleep 1001');
  second.press('C-c');
  await second.shows(/\^C[\s\S]*‣$/);
  await second.clear();
  second.type('sleep 1002');
  await inForeground('sleep 1002');
  second.press('C-z');
  await second.shows(/Stopped/);
  second.type('kill -KILL %1; exec sh -c "exit 9"');
  await second.shows(/outside\$$/);
  second.type('echo "status $?"');
  await second.shows(/^status 9$/m);

  // Stopped as a whole, as a job of the shell outside.
  await second.clear();
  second.type('gontainer enter --quiet box -- sleep 1003');
  await inForeground('sleep 1003');
  second.press('C-z');
  await second.shows(/Stopped[\s\S]*outside\$$/);
  second.type('fg');
  await inForeground('sleep 1003');
  second.press('C-c');
  await second.shows(/\^C\s*outside\$$/);

  // The container ends, and whoever is inside with it.
  await second.clear();
  second.type('gontainer enter --quiet box');
  await second.shows(/📦/);
  first.type('exit');
  await first.shows(/outside\$$/);
  await second.shows(/outside\$$/);
  assert.deepEqual(await desk.ps(), []);
});

/** Says who one is inside, what the host is called, and whether the loopback interface is up. */
const look =
  'grep -q 127.0.0.1 /proc/self/net/fib_trie && lo=up || lo=down; echo found $(id -u) $(uname -n) $lo';

test('what is set up step by step in one terminal is seen and entered from a second', {
  skip: terminals,
}, async () => {
  const desk = new Desk(unprivileged);
  const [first, second] = [
    new TerminalSession(),
    new TerminalSession(unprivileged, { columns: 160, rows: 40 }),
  ];
  for (const terminal of [first, second]) terminal.type(`export XDG_RUNTIME_DIR=${desk.runtime}; clear`);
  first.type('gontainer -run --quiet --all --step -hostname box -name box');
  await first.shows(/unshare/);
  assert.deepEqual(await desk.ps(), []);
  const found: Record<string, string> = {
    // In a user namespace without maps everybody is nobody.
    unshare: `65534 ${hostname()} down`,
    'id-maps': `0 ${hostname()} down`,
    child: `0 ${hostname()} down`,
    hostname: '0 box down',
    loopback: '0 box up',
  };
  const seen: string[] = [];
  for (let number = 1; ; number += 1) {
    await first.shows(new RegExp(`(^|\\n) *${number}/\\d+ [^]*Enter: do it[^\\n]*$|📦 .*‣$`));
    const [listed] = await desk.ps();
    if (listed?.state === 'running') break;
    if (listed !== undefined && seen.at(-1) !== listed.step) {
      seen.push(listed.step);
      assert.equal(listed.state, 'set-up');
      assert.equal(listed.own.user, readlinkSync(`/proc/${listed.pid}/ns/user`));
      const { others } = JSON.parse((await desk.gontainer('ns', '--json', 'box')).stdout);
      const made = others[0].namespaces.pid;
      // The PID namespace comes into being with its first process.
      assert.equal(made !== undefined, listed.step !== 'unshare' && listed.step !== 'id-maps');
      if (found[listed.step] !== undefined) {
        await second.clear();
        second.type('gontainer ps');
        await second.shows(new RegExp(`^box +${listed.pid} .*being set up: ${listed.step} done`, 'm'));
        second.type('gontainer ns box');
        await second.shows(new RegExp(`uts .*${/\d+/.exec(String(listed.own.uts))}[^]*outside\\$$`, 'i'));
        second.type(`gontainer enter --quiet box -- sh -c '${look}'`);
        await second.shows(new RegExp(`^found ${found[listed.step]}$`, 'm'));
      }
    }
    first.press('Enter');
  }
  for (const step of [...Object.keys(found), 'command']) assert.ok(seen.includes(step), `${step}: ${seen}`);
  first.type('exit');
  await first.shows(/outside\$$/);
});

test('kill says when the command ignores the signal', async () => {
  const desk = new Desk(unprivileged);
  const words = [
    'run',
    '--quiet',
    '--name',
    'box',
    '--uid',
    '--',
    'sh',
    '-c',
    'trap "" TERM; echo ready; read line',
  ];
  const launcher = start(words, { user: desk.user, env: desk.env });
  await new Promise((ready) => launcher.stdout?.once('data', ready));
  while ((await desk.ps())[0]?.state !== 'running');
  const { status, stderr } = await desk.gontainer('kill', 'box');
  assert.equal(status, 125);
  assert.match(stderr, /^gontainer: the command of box ignores signal 15, .* gontainer kill box KILL\.?\n$/);
  const end = finished(launcher);
  assert.equal((await desk.gontainer('kill', 'box', 'KILL')).status, 0);
  assert.equal((await end).status, 137);
});
