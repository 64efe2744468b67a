/**
 * `gontainer enter` puts a process into a container whose root may be hostile. Until it executes the command it is a copy
 * of the launcher: root inside must neither read what it holds, nor write into its memory, nor choose what is killed.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  finished,
  folder,
  lacking,
  node,
  program,
  run,
  start,
  type User,
  unprivileged,
  users,
} from '../../../gontainer.js';
import { patience } from '../../../until.js';

/** How often it is entered while it is looked at; the more often, the surer. */
const times = Number(process.env.GONTAINER_ENTERS ?? 20);
const secret = 'only-the-callers';

/** What runs inside: looks at every process but itself and the init, as fast as it can, and says what it could do. */
const attacker = `
  const fs = require('node:fs');
  const found = { looks: 0, refused: 0, got: {} };
  const attempt = (what, work) => {
    try { if (work()) found.got[what] = (found.got[what] ?? 0) + 1; } catch (error) { if (error.code !== 'ENOENT' && error.code !== 'ESRCH') found.refused += 1; }
  };
  const own = String(process.pid);
  fs.writeSync(1, 'ready\\n');
  const [done, entering] = process.argv.slice(1);
  let round = 0;
  while (++round % 64 !== 0 || !fs.existsSync(done)) {
    for (const pid of fs.readdirSync('/proc')) {
      if (!/^\\d+$/.test(pid) || pid === own || pid === '1') continue;
      found.looks += 1;
      const line = (() => { try { return fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8'); } catch { return ''; } })();
      // The command itself is the container's own.
      if (line.startsWith('/bin/true')) continue;
      attempt('arguments', () => line.includes('main.cjs'));
      // What is read of the command itself, which has executed meanwhile, is the container's own.
      const early = () => fs.readlinkSync('/proc/' + pid + '/exe').includes(entering);
      attempt('environment', () => fs.readFileSync('/proc/' + pid + '/environ', 'utf8').includes('${secret}') && early());
      attempt('descriptor', () => fs.readdirSync('/proc/' + pid + '/fd').includes('9'));
      attempt('program', early);
      attempt('memory', () => { fs.closeSync(fs.openSync('/proc/' + pid + '/mem', 'r+')); return early(); });
    }
  }
  fs.writeSync(1, JSON.stringify(found) + '\\n');
`;

/** @param by what enters: this program, or nsenter(1), which hides nothing */
async function enteredOften(user: User, options: readonly string[], by: 'gontainer' | 'nsenter') {
  const desk = folder(user);
  const env = { XDG_RUNTIME_DIR: desk };
  const [done, file] = [join(desk, 'done'), join(desk, 'attacker.cjs')];
  writeFileSync(file, attacker);
  const launcher = start(
    [
      ...['run', '--quiet', '--name', 'box', '--pid-file', join(desk, 'pid'), ...options, '--'],
      ...[node, '-e', readFileSync(file, 'utf8'), done, by === 'gontainer' ? 'node' : 'nsenter'],
    ],
    { user, env },
  );
  const end = finished(launcher);
  await once(launcher.stdout as NodeJS.ReadableStream, 'data');
  for (let count = 0; count < times; count += 1) {
    // The caller has a folder of the host open, and a variable that is not the container's.
    const words =
      by === 'gontainer'
        ? `'${node}' '${program}' enter --quiet box --`
        : `nsenter --user --pid --uts --preserve-credentials --target ${readFileSync(join(desk, 'pid'), 'utf8').trim()}`;
    const script = `exec 9</; exec ${words} /bin/true`;
    const entering = spawn('bash', ['-c', script], {
      cwd: '/',
      env: { PATH: process.env.PATH, SECRET: secret, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
    });
    const { status, stderr } = await finished(entering);
    assert.equal(status, 0, stderr);
  }
  writeFileSync(done, '');
  const { stdout } = await end;
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

for (const user of users)
  test(`${user.name}: root in a container reads nothing of a process that enters it`, {
    skip: user.skip,
  }, async (context) => {
    const found = await enteredOften(user, ['--uid', '--pid', '--uts'], 'gontainer');
    context.diagnostic(JSON.stringify(found));
    assert.ok(found.refused > 0, 'it was seen, and looked at');
    assert.deepEqual(found.got, {});
  });

test('root in a container reads what nsenter(1) brings along', { skip: lacking('nsenter') }, async () => {
  for (let tries = 0; tries < 20; tries += 1) {
    const { got } = await enteredOften(unprivileged, ['--uid', '--pid', '--uts'], 'nsenter');
    if (got.environment > 0 && got.descriptor > 0) return;
  }
  assert.fail('nothing of it was seen');
});

test('a process that is stopped on its way in does not hold its caller up', {
  timeout: 5 * patience,
}, async () => {
  const user = unprivileged;
  const env = { XDG_RUNTIME_DIR: folder(user) };
  const stops =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    'echo ready; while :; do for p in /proc/[0-9]*; do case $p in /proc/1|/proc/$$) ;; *) kill -STOP ${p#/proc/} 2>/dev/null;; esac; done; done';
  const launcher = start(['run', '--quiet', '--name', 'box', '--uid', '--pid', '--', 'sh', '-c', stops], {
    user,
    env,
  });
  const end = finished(launcher);
  await once(launcher.stdout as NodeJS.ReadableStream, 'data');
  for (let count = 0; count < 3; count += 1) {
    const entering = start(['enter', '--quiet', 'box', '--', '/bin/true'], { user, env });
    const entered = finished(entering);
    const late = setTimeout(() => entering.kill('SIGKILL'), patience);
    const { status, signal, stderr } = await entered;
    clearTimeout(late);
    assert.ok(status !== null, `ended by itself, and not by ${signal}`);
    // From outside it cannot be told whether it was stopped or gets no processor.
    if (stderr !== '') assert.match(stderr, /in box did not go on for 10 s\. Nothing was started/);
  }
  await run(['kill', 'box', 'KILL'], { user, env });
  await end;
});
