/** Root inside takes the child's end of the channel and writes what a child might say. None of it is believed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { finished, folder, records, start, untilRuns, unprivileged as user } from '../../gontainer.js';
import { isAlive } from '../../remains.js';
import { patience, until } from '../../until.js';
import { newRoot, withChannel } from '../../whole/isolation/attempts.js';

const limits = { timeout: 5 * patience };

/** Runs a command that waits until the launch is told, and then forges; what it prints shows that it got so far. */
async function forged(script: string, options: readonly string[] = []) {
  const place = folder(user);
  const status = join(place, 'pid');
  const words = ['run', '--quiet', '--name', 'box', '--uid', '--pid', '--pid-file', status, ...options, '--'];
  const command = withChannel(options, `read -r _; echo open; ${script}`);
  const launcher = start([...words, ...command], { user, env: { XDG_RUNTIME_DIR: place } });
  const end = finished(launcher);
  await untilRuns(place, 'box');
  // The file is removed when the container ends, which the first forged word may bring about.
  const child = await until(
    'there is no file with the process ID',
    () => (existsSync(status) && Number(readFileSync(status, 'utf8'))) || undefined,
  );
  launcher.stdin?.end('\n');
  await once(launcher.stdout as NodeJS.ReadableStream, 'data');
  return { child, ...(await end) };
}

/** A shell word that writes these messages. */
const write = (...messages: readonly unknown[]): string =>
  `printf '%s\\n' ${messages.map((message) => `'${JSON.stringify(message)}'`).join(' ')} >&9`;

const call = (step: string, name: string, args: object, more: object = {}) => ({
  type: 'call',
  record: { actor: 'child', pid: 1, step, call: name, args, ret: 0, at: 1, us: 1, ...more },
});

const refusal =
  /^gontainer: what came from the container is not what its child sends, so the launcher ended it\. [^\n]*\n$/;

for (const [what, script] of Object.entries({
  'a line that is not JSON': 'echo junk >&9; exec sleep 1000',
  'JSON that is no message': 'echo 17 >&9; exec sleep 1000',
  'a message of an unknown kind': `${write({ type: 'trust-me' })}; exec sleep 1000`,
  'a message whose turn is over': `${write({ type: 'ready' })}; exec sleep 1000`,
  'a mount point where none is made': `${write(call('mount-points', 'mkdir', { pathname: '/empty', mode: '0755' }))}; exec sleep 1000`,
  'a time that cannot be': `${write(call('exec', 'read', {}, { at: 1e300 }))}; exec sleep 1000`,
  'a call with more than a call has': `${write(call('exec', 'read', {}, { level: 60 }))}; exec sleep 1000`,
  'a status that no process has': `${write({ type: 'ended', status: 4711 })}; exec sleep 1000`,
  'a failure with a status of its own': `${write({ type: 'failure', failure: { message: 'x', status: 0 } })}; exec sleep 1000`,
  'a line without an end':
    'while :; do echo -n xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done | tr -d "\\n" >&9',
}))
  test(`${what} ends the container with one sentence`, limits, async () => {
    const { status, stdout, stderr } = await forged(script);
    assert.equal(stdout, 'open\n');
    assert.equal(status, 125, stderr);
    assert.match(stderr, refusal);
  });

test('a forged mount point removes nothing of a read-only root', limits, async () => {
  const options = newRoot(user);
  const empty = join(options[1] as string, 'empty');
  mkdirSync(empty);
  const script = write(call('mount-points', 'mkdir', { pathname: '/empty', mode: '0755' }));
  const { stdout } = await forged(script, [...options, '--read-only']);
  assert.equal(stdout, 'open\n');
  assert.ok(existsSync(empty));
});

test('a forged failure reaches the terminal without its escape sequences', limits, async () => {
  const message = 'cleared \\u001b[2J by the container';
  const script = `${write({ type: 'failure', failure: { message: 'MESSAGE', status: 126 } }).replace('MESSAGE', message)}; exec sleep 1000`;
  const { stderr } = await forged(script);
  assert.ok(!stderr.includes('\u001b'), stderr);
});

test('a flood of records does not fill the log', limits, async () => {
  const log = join(folder(user), 'log');
  const line = JSON.stringify(call('exec', 'read', { fd: 4 }));
  await forged(`yes '${line}' >&9`, ['--log-file', log]);
  assert.ok(statSync(log).size < 200_000, `${statSync(log).size} bytes`);
  assert.ok(records(log).length > 10);
});

test('a forged end is the end', limits, async () => {
  const { child, status } = await forged(`${write({ type: 'ended', status: 0 })}; exec sleep 1000`);
  assert.equal(status, 0);
  assert.ok(!isAlive(child), 'the child and all inside with it');
});

test('a forged stop does not stop the launcher', limits, async () => {
  const { status } = await forged(`${write({ type: 'stopped', signal: 'SIGTSTP' })}; sleep 1; exit 7`);
  assert.equal(status, 7);
});
