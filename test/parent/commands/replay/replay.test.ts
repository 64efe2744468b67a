/** gontainer replay: a recorded launch is played step by step, without a launch. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { folder, lacking, records, run, unprivileged } from '../../../gontainer.js';
import { TerminalSession } from '../../../terminal-session.js';

const place = folder(unprivileged);
const log = join(place, 'log');
const words = ['run', '--quiet', '--uid', '--uts', '--hostname', 'box', '--log-file', log];

before(async () => {
  const { status, stderr } = await run([...words, '--', '/bin/sh', '-c', 'exit 7'], { user: unprivileged });
  assert.equal(status, 7, stderr);
});

test('a replay has every step with its title, command and change, and how the launch ended', async () => {
  const { status, stdout } = await run(['replay', log]);
  assert.equal(status, 0);
  const steps = records(log).filter(({ shell }) => shell !== undefined);
  assert.equal(steps.length, 6);
  for (const { number, of, msg, summary } of steps) {
    const title = `  ${number}/${of} ${msg}\n`;
    assert.ok(stdout.includes(title), title);
    assert.ok(stdout.includes(`✓     ${summary}`), String(summary));
  }
  assert.match(stdout, /\$ hostname box\n✓ {5}\S+ → box/);
  assert.match(stdout, /The command ended with status 7\.\n$/);
});

test('a launch that failed is played up to the step that did, and says why', async () => {
  const failed = join(place, 'failed');
  const time = ['run', '--quiet', '--uid', '--time', '--monotonic', '-999999999', '--log-file', failed];
  assert.equal((await run([...time, '--', 'true'], { user: unprivileged })).status, 125);
  const { stdout } = await run(['replay', failed]);
  assert.match(stdout, /3\/6 shift the clocks[\s\S]*✗ {5}step clock-offsets: [\s\S]*choose another\s+offset/);
  assert.match(stdout, /4\/6 start the child[\s\S]*✗ {5}This step was not reached\./);
});

test('at a terminal keys go on, back and into the calls', { skip: lacking('tmux', 'setpriv') }, async () => {
  const terminal = new TerminalSession(unprivileged, { columns: 80, rows: 60 });
  terminal.type(`gontainer replay ${log}; echo ended $?`);
  await terminal.shows(/ 1\/6 leave two namespaces[\s\S]*Enter: go on/);
  terminal.press('Enter');
  await terminal.shows(/✓ +new: user uts[\s\S]* 2\/6 map user and group IDs[\s\S]*Enter: go on/);
  terminal.press('m');
  await terminal.shows(/parent +write\(fd: \/proc\/\d+\/uid_map[\s\S]*Enter: go on/);
  terminal.press('b');
  await terminal.shows(/ 2\/6 [\s\S]* 1\/6 leave two namespaces[\s\S]*Enter: go on/);
  terminal.press('q');
  await terminal.shows(/^ended 0$/m);
});

test('what is in a log cannot move the cursor', async () => {
  const hostile = join(place, 'hostile');
  writeFileSync(hostile, readFileSync(log, 'utf8').replaceAll('box', '\\u001b[2Jbox'));
  const { status, stdout } = await run(['replay', hostile]);
  assert.equal(status, 0);
  assert.ok(!stdout.includes('\u001b'));
  assert.match(stdout, /\\x1b\[2Jbox/);
});

test('a log that begins with a warning is played too', async () => {
  const [launch, ...rest] = readFileSync(log, 'utf8').split('\n');
  const { format, version, ...first } = JSON.parse(String(launch));
  const { level, time, at, stage, pid } = first;
  const warning = { level, time, at, stage, pid, format, version, warning: true, msg: 'others can reach it' };
  const warned = join(place, 'warned');
  writeFileSync(warned, [JSON.stringify(warning), JSON.stringify(first), ...rest].join('\n'));
  const { status, stdout, stderr } = await run(['replay', warned]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^ {2}6\/6 execute \/bin\/sh$/m);
});

test('a file that is not a log is refused', async () => {
  for (const file of [join(place, 'nowhere'), '/etc/passwd']) {
    const { status, stderr } = await run(['replay', file]);
    assert.equal(status, 2);
    assert.match(stderr, /^gontainer: .*(cannot be read|is not a log)/);
  }
});
