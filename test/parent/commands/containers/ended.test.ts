/** Containers that have ended are known for a while: by ps --ended, wait, and those who look for one that runs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Finished,
  finished,
  folder,
  run,
  start,
  type User,
  unprivileged,
  users,
} from '../../../gontainer.js';
import { TerminalSession } from '../../../terminal-session.js';
import { until } from '../../../until.js';

interface Ended {
  readonly name: string;
  readonly command: readonly string[];
  readonly started: string;
  readonly ended: string;
  readonly status: number | null;
}

/** A user with a state folder of its own. */
class Desk {
  readonly runtime: string;
  readonly state: string;

  constructor(readonly user: User) {
    this.runtime = folder(user);
    this.state = join(this.runtime, 'gontainer');
  }

  get env(): Record<string, string> {
    return { XDG_RUNTIME_DIR: this.runtime };
  }

  gontainer(...words: string[]): Promise<Finished> {
    return run(words, { user: this.user, env: this.env });
  }

  run(name: string, ...command: string[]): Promise<Finished> {
    return this.gontainer('run', '--quiet', '--uid', '--name', name, '--', ...command);
  }

  async ended(): Promise<Ended[]> {
    return JSON.parse((await this.gontainer('ps', '--ended', '--json')).stdout);
  }

  /** Puts a record there as the launcher would. */
  write(file: string, text: string): string {
    mkdirSync(this.state, { recursive: true, mode: 0o700 });
    chownSync(this.state, this.user.uid, this.user.gid);
    const path = join(this.state, file);
    writeFileSync(path, text, { mode: 0o600 });
    chownSync(path, this.user.uid, this.user.gid);
    return path;
  }
}

const record = (name: string, more: object = {}): string =>
  JSON.stringify({ name, command: ['true'], started: 1, ended: Date.now(), status: 3, ...more });

for (const user of users) {
  const { skip } = user;

  test(`${user.name}: wait knows the status of a container that has ended, and ps --ended lists it`, {
    skip,
  }, async () => {
    const desk = new Desk(user);
    assert.equal((await desk.gontainer('ps')).stdout, 'No containers are running.\n');
    assert.equal(
      (await desk.gontainer('ps', '--ended')).stdout,
      'No containers have ended in the last 24 hours.\n',
    );
    const before = Date.now();
    await desk.run('box', 'sh', '-c', 'exit 7');
    assert.deepEqual(readdirSync(desk.state), ['box.ended']);
    assert.equal(lstatSync(join(desk.state, 'box.ended')).mode & 0o777, 0o600);
    const waited = await desk.gontainer('wait', 'bo');
    assert.deepEqual([waited.status, waited.stdout, waited.stderr], [7, '7\n', '']);
    const [ended, ...others] = await desk.ended();
    assert.deepEqual(others, []);
    assert.deepEqual(ended?.command, ['sh', '-c', 'exit 7']);
    assert.equal(ended?.status, 7);
    const times = [before, Date.parse(ended.started), Date.parse(ended.ended), Date.now()];
    assert.deepEqual(times, [...times].sort());
    const { stdout } = await desk.gontainer('ps', '--ended');
    assert.match(
      stdout,
      /^NAME +STATUS +STARTED +ENDED +COMMAND\nbox +7 +\S+ \S+ +\S+ \S+ +sh -c 'exit 7'\n$/,
    );
    assert.equal((await desk.gontainer('ps')).stdout, 'No containers are running.\n');
    for (const words of [
      ['kill', 'box'],
      ['enter', 'box', '--', 'true'],
      ['ns', 'box'],
      ['logs', 'box'],
    ]) {
      const { status, stderr } = await desk.gontainer(...words);
      assert.equal(status, 125, words.join(' '));
      assert.match(stderr, /^gontainer: box has ended, with status 7\b/, words.join(' '));
    }
  });
}

test('a new container of the same name takes the place of the one that has ended', async () => {
  const desk = new Desk(unprivileged);
  await desk.run('box', 'sh', '-c', 'exit 7');
  const launcher = start(
    ['run', '--quiet', '--uid', '--name', 'box', '--', 'sh', '-c', 'echo up; read line; exit 8'],
    { user: desk.user, env: desk.env },
  );
  const end = finished(launcher);
  await once(launcher.stdout as NodeJS.ReadableStream, 'data');
  assert.deepEqual(await desk.ended(), []);
  const waiting = desk.gontainer('wait', 'box');
  launcher.stdin?.end('\n');
  assert.equal((await end).status, 8);
  assert.equal((await waiting).status, 8);
  assert.deepEqual(
    (await desk.ended()).map(({ name, status }) => [name, status]),
    [['box', 8]],
  );
});

test('of a container whose launcher was killed the status is not known', async () => {
  const desk = new Desk(unprivileged);
  const launcher = start(
    ['run', '--quiet', '--uid', '--pid', '--name', 'box', '--', 'sh', '-c', 'echo up; read line'],
    { user: desk.user, env: desk.env },
  );
  const end = finished(launcher);
  await once(launcher.stdout as NodeJS.ReadableStream, 'data');
  launcher.kill('SIGKILL');
  await end;
  // Its processes end with it, in their own time.
  await until('it does not end', async () => (await desk.ended()).length > 0);
  assert.deepEqual(
    (await desk.ended()).map(({ name, status }) => [name, status]),
    [['box', null]],
  );
  assert.match((await desk.gontainer('ps', '--ended')).stdout, /^box +not known /m);
  const { status, stderr } = await desk.gontainer('wait', 'box');
  assert.equal(status, 125);
  assert.match(stderr, /^gontainer: box ended without an exit status/);
  assert.match(
    (await desk.gontainer('kill', 'box')).stderr,
    /^gontainer: box has ended; its exit status is not known/,
  );
});

test('a launch that fails is no container that has ended', async () => {
  const desk = new Desk(unprivileged);
  assert.equal((await desk.run('box', '/no/such/program')).status, 127);
  assert.deepEqual(await desk.ended(), []);
  assert.equal((await desk.gontainer('wait', 'box')).status, 2);
});

test('the last 50 are kept, and none for more than 24 hours', async () => {
  const desk = new Desk(unprivileged);
  const hour = 3600;
  const now = Date.now() / 1000;
  for (let number = 0; number < 60; number += 1) {
    const path = desk.write(`n-${number}.ended`, record(`n-${number}`));
    utimesSync(path, now - number, now - number);
  }
  const old = desk.write('old.ended', record('old'));
  utimesSync(old, now - 25 * hour, now - 25 * hour);
  await desk.run('box', 'true');
  const left = readdirSync(desk.state);
  assert.equal(left.length, 50);
  for (const name of ['box', 'n-0', 'n-48']) assert.ok(left.includes(`${name}.ended`), name);
  const aged = join(desk.state, 'n-3.ended');
  utimesSync(aged, now - 25 * hour, now - 25 * hour);
  assert.equal(
    (await desk.ended()).some(({ name }) => name === 'n-3'),
    false,
  );
  assert.equal(existsSync(aged), false);
});

test('what is no record is not shown, and what is shown is escaped', async () => {
  const desk = new Desk(unprivileged);
  desk.write('hostile.ended', record('hostile', { command: ['\u001b]0;owned\u0007'] }));
  desk.write('another.ended', record('box'));
  desk.write('status.ended', record('status', { status: 1e9 }));
  desk.write('moment.ended', record('moment', { ended: 1e300 }));
  desk.write('words.ended', record('words', { command: [{}] }));
  desk.write('null.ended', 'null');
  desk.write('half.ended', '{"name":"ha');
  desk.write('large.ended', record('large', { command: ['x'.repeat(20_000)] }));
  symlinkSync(desk.write('aside', record('link')), join(desk.state, 'link.ended'));
  assert.deepEqual(
    (await desk.ended()).map(({ name }) => name),
    ['hostile'],
  );
  const { stdout, stderr } = await desk.gontainer('ps', '--ended');
  assert.equal(stderr, '');
  assert.ok(!stdout.includes('\u001b') && stdout.includes('\\x1b'), stdout);
});

test('a long command line is kept as far as there is room', async () => {
  const desk = new Desk(unprivileged);
  for (const words of [['€'.repeat(40_000)], Array.from({ length: 20_000 }, () => '\u0001')]) {
    await desk.run('box', 'true', ...words);
    assert.ok(readFileSync(join(desk.state, 'box.ended')).length <= 16 * 1024);
    const [ended] = await desk.ended();
    assert.equal(ended?.command[0], 'true');
    assert.match(ended.command.at(-1) as string, /…$/);
  }
});

test('no line of ps is broken in a window of 80 columns', async () => {
  const desk = new Desk(unprivileged);
  const words = 'a long command whose words do not fit into the window'.split(' ');
  const launcher = start(
    ['run', '--quiet', '--all', '--name', 'box', '--', 'sh', '-c', 'echo up; read line', ...words],
    { user: desk.user, env: desk.env },
  );
  const end = finished(launcher);
  await once(launcher.stdout as NodeJS.ReadableStream, 'data');
  const terminal = new TerminalSession(unprivileged, { columns: 80, rows: 24 });
  terminal.type(`export XDG_RUNTIME_DIR=${desk.runtime}; clear; gontainer ps; echo is''over`);
  await terminal.shows(/^NAME .* COMMAND\nbox .*…\nisover$/m);
  launcher.stdin?.end('\n');
  await end;
  terminal.type(`clear; gontainer ps --ended; echo is''over`);
  await terminal.shows(/^NAME .* COMMAND\nbox .*…\nisover$/m);
});
