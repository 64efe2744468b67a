/**
 * What launches nothing works on every system: no native code is loaded, and nothing is asked of Linux. The tests cannot run
 * elsewhere, so the program is told that it does, and what is not there is taken away.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { folder, lacking, node, program, run, unprivileged } from '../gontainer.js';
import { TerminalSession } from '../terminal-session.js';
import { patience } from '../until.js';

const place = folder(unprivileged);
const log = join(place, 'run.ndjson');
const report = join(place, 'run.html');

/** Says that this is another system, without ffi-rs and without the files of Linux. */
const pretence = (platform: string) => `
Object.defineProperty(process, 'platform', { value: '${platform}' });
const Module = require('node:module');
const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  if (/ffi-rs/.test(request)) throw Object.assign(new Error('there is no ' + request), { code: 'MODULE_NOT_FOUND' });
  return resolve.call(this, request, ...rest);
};
process.dlopen = (_, file) => { throw new Error(file + ' is native code'); };
const fs = require('node:fs');
for (const name of ['openSync', 'readFileSync', 'statSync', 'lstatSync', 'existsSync', 'readlinkSync', 'readdirSync', 'realpathSync']) {
  const real = fs[name];
  fs[name] = Object.assign((path, ...rest) => {
    if (/^[/](proc|sys|run)\\b/.test(String(path))) {
      require('node:child_process').spawnSync('tee', ['-a', '${join(place, 'asked')}'], { input: name + ' ' + path + '\\n' });
      throw Object.assign(new Error('ENOENT: no such file or directory, ' + path), { code: 'ENOENT', errno: -2, syscall: name, path });
    }
    return real(path, ...rest);
  }, real);
}
`;

const systems = ['darwin', 'win32', 'freebsd'];
const preload = (platform: string): string => join(place, `${platform}.cjs`);

before(async () => {
  for (const platform of systems) writeFileSync(preload(platform), pretence(platform));
  writeFileSync(join(place, 'asked'), '', { mode: 0o666 });
  const words = ['run', '--quiet', '--uid', '--uts', '--hostname', 'box', '--log-file', log, '--', 'true'];
  const { status, stderr } = await run(words, { user: unprivileged });
  assert.equal(status, 0, stderr);
});

const elsewhere = (platform: string, ...words: readonly string[]) =>
  spawnSync(node, ['--require', preload(platform), program, ...words], { encoding: 'utf8', input: '' });

const works: readonly (readonly [line: readonly string[], shows: RegExp])[] = [
  [['replay', log], /4\/6 set the host name[\s\S]*\$ hostname box\n✓ {5}\S+ → box/],
  [['report', log, '--output', report], /^$/],
  [['lesson'], /uts +UTS: a host name of one’s own/],
  [['lesson', 'uts'], /^Lesson 3 · UTS[\s\S]*\$ uname -n\n[\s\S]*9\/9/],
  [['lesson', 'uts', '--read'], /^Lesson 3 · UTS[\s\S]*9\/9/],
  [['completion', 'bash'], /gontainer/],
  [['--help'], /gontainer replay/],
  [['run', '--help'], /--hostname/],
  [['--version'], /^gontainer \d/],
];

const refused: readonly (readonly string[])[] = [
  [],
  ['run', '--uid'],
  ['run', '--uid', '--dry-run'],
  ['ps'],
  ['enter', 'box'],
  ['doctor'],
  ['present'],
  ['rootfs', 'create', join(place, 'rootfs')],
  ['lesson', 'uts', '--auto'],
];

for (const platform of systems) {
  test(`on ${platform} a log is replayed and drawn, and lessons are read, without ffi-rs`, () => {
    for (const [words, shows] of works) {
      const { status, stdout, stderr } = elsewhere(platform, ...words);
      assert.equal(status, 0, `${words.join(' ')}: ${stderr}`);
      assert.match(stdout, shows, words.join(' '));
    }
    assert.match(readFileSync(report, 'utf8'), /^<!doctype html>[\s\S]*set the host name/i);
    assert.equal(readFileSync(join(place, 'asked'), 'utf8'), '');
  });

  test(`on ${platform} what needs the kernel is refused in a sentence that says what works`, () => {
    for (const words of refused) {
      const { status, stdout, stderr } = elsewhere(platform, ...words);
      assert.match(
        stderr,
        new RegExp(
          `^gontainer: namespaces are a part of Linux, and this is ${platform}[^\n]*replay LOG[^\n]*\n$`,
        ),
        words.join(' '),
      );
      assert.equal(stdout, '');
      assert.equal(status, 125);
    }
  });

  for (const words of [
    ['replay', log, '--present'],
    ['present', log],
  ]) {
    test(`on ${platform} ${words[0]} shows a log in the browser`, { timeout: patience }, async () => {
      const server = spawn(node, ['--require', preload(platform), program, ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      after(() => server.kill());
      const address = await new Promise<string>((done) =>
        server.stdout.once('data', (text) => done(String(text).trim())),
      );
      assert.match(await (await fetch(address)).text(), /<title>Gontainer, recorded<\/title>/);
      for (const [step, shows] of [
        ['', /before step 1 of 6/],
        ['?step=4', /before step 4 of 6[\s\S]*set the host name/],
        ['?step=999', /ended with status 0/],
        ['?step=x', /before step 1 of 6/],
      ] as const) {
        const events = await fetch(`${address}events${step}`);
        assert.match(await firstEvent(events), shows);
      }
      const ended = new Promise((done) => server.once('exit', done));
      server.kill('SIGTERM');
      assert.equal(await ended, 0);
      assert.equal(readFileSync(join(place, 'asked'), 'utf8'), '');
    });
  }

  test(`on ${platform} keys go through a replay at a terminal`, {
    skip: lacking('tmux', 'setpriv'),
  }, async () => {
    const terminal = new TerminalSession(unprivileged, { columns: 80, rows: 24 });
    terminal.type(`'${node}' --require '${preload(platform)}' '${program}' replay '${log}'; echo ended $?`);
    await terminal.shows(/ 1\/6 leave two namespaces[\s\S]*Enter: go on/);
    terminal.press('Enter');
    await terminal.shows(/✓ +new: user uts[\s\S]* 2\/6 [\s\S]*Enter: go on/);
    terminal.resize(60, 24);
    terminal.press('b');
    await terminal.shows(/ 2\/6 [\s\S]* 1\/6 leave two namespaces[\s\S]*Enter: go on/);
    terminal.press('C-c');
    await terminal.shows(/^ended 130$/m);
  });
}

/** What a stream of events sends at once. */
async function firstEvent(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  let text = '';
  while (!/^data: .*\n/m.test(text)) {
    const piece = await reader?.read();
    if (piece?.done !== false) break;
    text += Buffer.from(piece.value).toString();
  }
  await reader?.cancel();
  return text;
}
