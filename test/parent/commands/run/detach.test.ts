/** --detach: the command goes on without its caller, and nothing of the caller's is held. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import {
  type Finished,
  finished,
  folder,
  lacking,
  node,
  program,
  records,
  run,
  start,
  type User,
  users,
} from '../../../gontainer.js';
import { isAlive } from '../../../remains.js';
import { TerminalSession } from '../../../terminal-session.js';
import { until } from '../../../until.js';

interface Listed {
  readonly name: string;
  readonly pid: number;
  readonly launcher: number;
  readonly output: string;
}

/** A user with a runtime folder of its own, so that other tests' containers are not seen. */
class Desk {
  readonly place: string;
  readonly env: Record<string, string>;
  readonly base: readonly string[] = ['run', '--quiet', '--detach', '--uid', '--pid'];

  constructor(readonly user: User) {
    this.place = folder(user);
    this.env = { XDG_RUNTIME_DIR: this.place };
  }

  gontainer(...words: string[]): Promise<Finished> {
    return run(words, { user: this.user, env: this.env });
  }

  async ps(): Promise<Listed[]> {
    return JSON.parse((await this.gontainer('ps', '--json')).stdout);
  }

  /** `gontainer wait`, from when on it waits for the launcher: through a pidfd. */
  async waiting(name: string): Promise<() => Promise<Finished>> {
    const child = start(['wait', name], { user: this.user, env: this.env });
    const end = finished(child);
    const folder = `/proc/${child.pid}/fd`;
    const open = (): string[] => readdirSync(folder).map((fd) => linkOf(join(folder, fd)));
    await until(`wait ${name} has no pidfd`, () => open().some((link) => link.includes('pidfd')));
    return () => end;
  }

  /** What is left in the state folder, but for what is kept of containers that have ended. */
  get left(): string[] {
    const state = join(this.place, 'gontainer');
    return existsSync(state) ? readdirSync(state).filter((name) => !name.endsWith('.ended')) : [];
  }

  /** Until a container and its launcher are gone. */
  async over(): Promise<void> {
    await until(
      () => `not over: ${this.left}`,
      () => !this.left.some((name) => name.endsWith('.ndjson')),
    );
  }
}

const linkOf = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // Closed meanwhile.
  }
};

/** The programs that run with this word on their command line. */
const alive = (mark: string): string[] =>
  readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  });

const nothingAlive = (mark: string): Promise<true> =>
  until(
    () => `still alive: ${alive(mark)}`,
    () => alive(mark).length === 0,
  );

for (const user of users) {
  const { skip } = user;

  test(`${user.name}: the caller gets the name once the command runs`, { skip }, async () => {
    const desk = new Desk(user);
    const { status, stdout, stderr } = await desk.gontainer(
      ...desk.base,
      '--name',
      'box',
      '--',
      'sleep',
      '1000',
    );
    assert.deepEqual([status, stdout, stderr], [0, 'box\n', '']);
    const [listed] = (await desk.ps()) as [Listed];
    assert.equal(listed.name, 'box');
    const entered = await desk.gontainer('enter', '--quiet', 'box', '--', 'hostname');
    assert.equal(entered.status, 0, entered.stderr);
    assert.match((await desk.gontainer('ns', 'box')).stdout, /box/);
    const waiting = await desk.waiting('box');
    assert.equal((await desk.gontainer('kill', 'box')).status, 0);
    const waited = await waiting();
    assert.deepEqual([waited.status, waited.stdout], [143, '143\n']);
    await desk.over();
    assert.deepEqual(desk.left, []);
  });

  test(`${user.name}: a script that reads its output does not wait for the end`, { skip }, async () => {
    const desk = new Desk(user);
    const words = [...desk.base, '--', 'sleep', '1000'].map((word) => `'${word}'`).join(' ');
    // Descriptor 63 is a pipe too, as bash makes them for <( ).
    const script = `exec 63>&1; name=$('${node}' '${program}' ${words} 2>&1) && echo "name $name"`;
    const finished = await run([], { user, env: desk.env, under: ['bash', '-c', script] });
    const name = /^name (sleep-[0-9a-f]{4})\n$/.exec(finished.stdout)?.[1] as string;
    assert.ok(name, finished.stdout + finished.stderr);
    const [{ launcher, pid }] = (await desk.ps()) as [Listed];
    for (const process of [launcher, pid]) {
      const open = [0, 1, 2].map((fd) => readlinkSync(`/proc/${process}/fd/${fd}`));
      const output = join(desk.place, 'gontainer', `${name}.output`);
      assert.deepEqual(open, ['/dev/null', output, output]);
    }
    const stat = readFileSync(`/proc/${launcher}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const [session, tty] = stat.slice(3, 5).map(Number);
    assert.deepEqual([session, tty], [launcher, 0]);
    await desk.gontainer('kill', name);
    await desk.over();
  });

  test(`${user.name}: what the command writes is kept`, { skip }, async () => {
    const desk = new Desk(user);
    const { stdout } = await desk.gontainer(...desk.base, '--', 'sh', '-c', 'echo out; echo err >&2; exit 3');
    await desk.over();
    const name = stdout.trim();
    assert.deepEqual(desk.left, [`${name}.output`]);
    const shown = await desk.gontainer('logs', '--output', name);
    assert.deepEqual([shown.status, shown.stdout], [0, 'out\nerr\n']);
    const unknown = await desk.gontainer('logs', '--output', '../gontainer/x');
    assert.equal(unknown.status, 2);
  });

  test(`${user.name}: --output chooses the file that keeps what the command writes`, { skip }, async () => {
    const desk = new Desk(user);
    const file = join(desk.place, 'output');
    writeFileSync(file, 'of before');
    if (process.getuid?.() === 0) spawnSync('chown', [`${user.uid}`, file]);
    const words = ['--name', 'box', '--output', file, '--', 'sh', '-c', 'echo out; sleep 1000'];
    await desk.gontainer(...desk.base, ...words);
    await until('nothing is written', () => readFileSync(file, 'utf8') === 'out\n');
    assert.equal((await desk.gontainer('logs', '--output', 'box')).stdout, 'out\n');
    await desk.gontainer('kill', 'box', 'KILL');
    await desk.over();
    assert.equal(readFileSync(file, 'utf8'), 'out\n');
    const { status, stderr } = await desk.gontainer(
      ...desk.base,
      '--output',
      '/nowhere/at/all',
      '--',
      'true',
    );
    assert.equal(status, 2);
    assert.match(stderr, /-output=\/nowhere\/at\/all cannot be written/);
    assert.deepEqual(desk.left, []);
  });

  test(`${user.name}: a launch that fails is the caller's failure`, { skip }, async () => {
    const desk = new Desk(user);
    const bad = join(desk.place, 'bad');
    writeFileSync(bad, '#!/nowhere/at/all\n', { mode: 0o755 });
    for (const [words, expected, sentence] of [
      [['--', 'no-such-command'], 127, /^gontainer: no-such-command: there is no such command/],
      [['--', bad], 126, /^gontainer: step exec: execve\(/],
      [['--as-pid-1', '--', bad], 126, /^gontainer: step exec: execve\(/],
      [
        ['--pid-file', '/nowhere/at/all', '--', 'true'],
        125,
        /-pid-file=\/nowhere\/at\/all cannot be written/,
      ],
      [['--hostname', 'x', '--', 'true'], 2, /--hostname needs --uts/],
      [['--step', '--', 'true'], 2, /--step goes through a launch with somebody .* Choose one\./],
    ] as const) {
      const { status, stdout, stderr } = await desk.gontainer(...desk.base, ...words);
      assert.deepEqual([status, stdout], [expected, ''], stderr);
      assert.match(stderr, sentence);
      assert.equal(stderr.split('\n').length, 2, stderr);
    }
    assert.deepEqual(desk.left, []);
    await desk.gontainer(...desk.base, '--name', 'box', '--', 'sleep', '1000');
    const { status, stderr } = await desk.gontainer(...desk.base, '--name', 'box', '--', 'true');
    assert.equal(status, 2);
    assert.match(stderr, /the name box is taken/);
    await desk.gontainer('kill', 'box');
    await desk.over();
  });

  test(`${user.name}: --pid-file, --timeout, --log-file and --status-fd work with --detach`, {
    skip,
  }, async () => {
    const desk = new Desk(user);
    const [pidFile, log, state, seen] = ['pid', 'log', 'state', 'seen'].map((name) =>
      join(desk.place, name),
    ) as [string, string, string, string];
    const words = ['--status-fd', '3', '--pid-file', pidFile, '--log-file', log, '--timeout', '3'];
    const command = ['sh', '-c', 'cat "$0" >"$1"; exec sleep 1000', pidFile, seen];
    const line = [...desk.base, ...words, '--name', 'box', '--', ...command]
      .map((word) => `'${word}'`)
      .join(' ');
    const script = `'${node}' '${program}' ${line} 3>'${state}'`;
    await run([], { user, env: desk.env, under: ['sh', '-c', script] });
    await desk.over();
    const states = readFileSync(state, 'utf8')
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    assert.equal(readFileSync(seen, 'utf8'), `${states[0].pid}\n`);
    assert.equal(existsSync(pidFile), false);
    assert.deepEqual(states.slice(1), [{ state: 'exited', status: 143, reason: 'timeout' }]);
    assert.deepEqual(records(log).at(-1)?.ended, { status: 143, signal: 'SIGTERM' });
  });

  test(`${user.name}: its log is shown until the command runs, and then only written`, { skip }, async () => {
    const desk = new Desk(user);
    const log = join(desk.place, 'log');
    const options = desk.base.filter((word) => word !== '--quiet');
    const words = ['--log-level', 'debug', '--log-file', log, '--', 'sh', '-c', 'exit 3'];
    const { stderr } = await desk.gontainer(...options, ...words);
    const shown = stderr
      .split('\n')
      .filter((text) => text.startsWith('{'))
      .map((text) => JSON.parse(text));
    assert.equal(shown.at(-1).step, 'exec');
    await desk.over();
    assert.deepEqual(records(log).at(-1)?.ended, { status: 3 });
    assert.deepEqual(desk.left, [], 'nothing of the log is in the output');
  });

  test(`${user.name}: an interrupted start leaves nothing, at any moment`, { skip }, async () => {
    const desk = new Desk(user);
    const mark = `88${process.pid}${user.uid}`;
    const began = Date.now();
    await desk.gontainer(...desk.base, '--name', 'first', '--', 'true');
    const whole = Date.now() - began;
    await desk.over();
    for (let part = 0; part < 12; part += 1) {
      const caller = start([...desk.base, '--name', 'box', '--', 'sleep', mark], { user, env: desk.env });
      const end = finished(caller);
      await later((whole * part) / 12);
      caller.kill('SIGINT');
      const { status, signal, stdout } = await end;
      if (status === 0) {
        assert.equal(stdout, 'box\n', 'it ran before the signal came');
        await desk.gontainer('kill', 'box');
      } else assert.ok(status === 130 || signal === 'SIGINT', `${status} ${signal}`);
      await desk.ps();
      await desk.over();
      await nothingAlive(mark);
      assert.deepEqual(desk.left, []);
    }
  });

  test(`${user.name}: a caller that is killed takes the start with it`, { skip }, async () => {
    const desk = new Desk(user);
    const mark = `99${process.pid}${user.uid}`;
    const fifo = join(desk.place, 'fifo');
    spawnSync('mkfifo', ['-m', '666', fifo]);
    // The launcher opens its log before the first step, and waits there for somebody who reads.
    const caller = start([...desk.base, '--log-file', fifo, '--', 'sleep', mark], { user, env: desk.env });
    const end = finished(caller);
    await until('there is no launcher', () => alive(mark).length >= 2);
    caller.kill('SIGKILL');
    const reader = openSync(fifo, 'r+');
    await end;
    closeSync(reader);
    await nothingAlive(mark);
    assert.deepEqual(desk.left, []);
  });

  test(`${user.name}: --as-pid-1 works with --detach`, { skip }, async () => {
    const desk = new Desk(user);
    const script = 'trap "echo bye; exit 6" TERM; echo ready; while :; do sleep 0.1; done';
    await desk.gontainer(...desk.base, '--as-pid-1', '--name', 'box', '--', 'sh', '-c', script);
    const output = async (): Promise<string> => (await desk.gontainer('logs', '--output', 'box')).stdout;
    await until('it is not ready', async () => (await output()) === 'ready\n');
    const waiting = await desk.waiting('box');
    assert.equal((await desk.gontainer('kill', 'box')).status, 0);
    assert.equal((await waiting()).status, 6);
    assert.equal(await output(), 'ready\nbye\n');
  });

  test(`${user.name}: a detached container goes on when the terminal is closed`, {
    skip: skip || lacking('tmux'),
  }, async () => {
    const desk = new Desk(user);
    const terminal = new TerminalSession(user);
    terminal.type(`export XDG_RUNTIME_DIR=${desk.place}; clear; echo shell $$`);
    const [, shell] = /^shell (\d+)$/m.exec(await terminal.shows(/^shell \d+$/m)) ?? [];
    terminal.type(`gontainer ${desk.base.join(' ')} --name box -- sleep 1000`);
    await terminal.shows(/^box$/m);
    await terminal.close();
    await until('the shell is there', () => !isAlive(Number(shell)));
    assert.deepEqual(
      (await desk.ps()).map(({ name }) => name),
      ['box'],
    );
    await desk.gontainer('kill', 'box');
    await desk.over();
  });
}
