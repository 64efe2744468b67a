/** What is not ours never reaches a terminal as a control sequence: each way out shows it, escaped. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { shownLines, shownText, shownValue } from '../../src/common/shown-text.js';
import { finished, folder, run, start, unprivileged } from '../gontainer.js';
import { buildImage, layoutEntries, writeLayout } from '../parent/images/image-builder.js';

/** Clears the screen, names the window, begins a sequence in one byte (CSI), turns the line round. */
const attack = '\u001b[2J\u001b]0;taken\u0007\u009b31m\u202etxt.exe';
/** A control character that a terminal may obey, or a change of direction; our own colours are not asked for here. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const raw = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const user = unprivileged;

const assertHarmless = (text: string, mentions = 'taken'): void => {
  assert.doesNotMatch(text, raw, JSON.stringify(text));
  assert.ok(text.includes(mentions), text);
};

test('a text is shown with its control characters written out, and otherwise as it is', () => {
  assert.equal(shownText(attack), '\\x1b[2J\\x1b]0;taken\\x07\\x9b31m\\u202etxt.exe');
  assert.equal(shownText('a\tb\nc\r\ud800'), 'a\\tb\\nc\\r\\ud800');
  for (const kept of ['é 漢字 👩‍💻 🏳️‍🌈', 'שלום', 'a\\b', '']) assert.equal(shownText(kept), kept);
  assert.equal(shownLines('a\tb\n\u001bc\n'), 'a\tb\n\\x1bc\n');
  assert.deepEqual(shownValue({ 'a\u001b': ['\u0007', 1, null, { b: true }] }), {
    'a\\x1b': ['\\x07', 1, null, { b: true }],
  });
});

for (const [way, words] of [
  ['the name of a program that is not found', ['run', '--uid', '--quiet', '--', attack]],
  ['a container that is not known', ['enter', attack]],
  ['a lesson that does not exist', ['lesson', attack]],
  ['an option that does not exist', ['ps', `--${attack}`]],
  ['a subcommand that does not exist', [attack]],
  ['a shell without completion', ['completion', attack]],
  ['a log that cannot be read', ['report', attack]],
  ['an archive that cannot be read', ['rootfs', 'import', attack, '/nonexistent/taken']],
  [
    'the log at level trace',
    ['run', '--uid', '--log-level', 'trace', '--log-format', 'pretty', '--', 'true', attack],
  ],
  ['the log as JSON', ['run', '--uid', '--log-level', 'trace', '--log-format', 'json', '--', 'true', attack]],
  ['a dry run', ['run', '--uid', '--dry-run', '--', 'true', attack]],
  ['a folder that cannot be the new root', ['run', '--uid', '--mnt', `/nonexistent/${attack}`]],
] as const) {
  test(`${way} is escaped`, async () => {
    const { stdout, stderr } = await run(words, { user });
    assertHarmless(stdout + stderr);
  });
}

test('the trace of a failure is escaped', async () => {
  const { stderr } = await run(['run', '--uid', '--quiet', '--log-level', 'trace', '--', attack], { user });
  assertHarmless(stderr);
});

test('the words of a running command are escaped in the list of containers', async () => {
  const env = { XDG_RUNTIME_DIR: folder(user) };
  const script = 'echo ready; read end';
  const container = start(['run', '--uid', '--quiet', '--', 'sh', '-c', script, attack], { user, env });
  await new Promise((ready) => container.stdout?.once('data', ready));
  assertHarmless((await run(['ps'], { user, env })).stdout);
  container.stdin?.end('\n');
  assert.equal((await finished(container)).status, 0);
});

test('what a log holds is escaped on the page of a report', async () => {
  const log = join(folder(user), 'run.ndjson');
  const page = `${log}.html`;
  await run(['run', '--uid', '--quiet', '--log-file', log, '--', 'true', attack], { user });
  assert.equal((await run(['report', log, '--output', page], { user })).status, 0);
  assertHarmless(readFileSync(page, 'utf8'));
});

test('the words of an image are escaped in the error that refuses it', async () => {
  const place = folder(user);
  const image = buildImage([[]], { architecture: attack, os: 'linux' });
  const layout = join(place, 'layout');
  writeLayout(layout, layoutEntries([image]));
  const { status, stderr } = await run(['rootfs', 'import', layout, join(place, 'root')], { user });
  assert.equal(status, 125);
  assertHarmless(stderr);
});

test('the reason that a registry gives is escaped', async (context) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(`HTTP/1.1 418 ${attack}\r\nContent-Length: 0\r\n\r\n`, 'latin1'));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  context.after(() => server.close());
  const { port } = server.address() as { port: number };
  const root = join(folder(user), 'root');
  const { stderr } = await run(['rootfs', 'pull', '--insecure', `127.0.0.1:${port}/some/image`, root], {
    user,
  });
  assertHarmless(stderr, '418');
});

test('a complaint about the state folder is escaped', async () => {
  const runtime = folder(user);
  const env = { XDG_RUNTIME_DIR: runtime };
  await run(['run', '--uid', '--quiet', '--name', 'box', '--', 'true'], { user, env });
  writeFileSync(join(runtime, `gontainer/taken${attack}.ndjson`), 'no record\n', { mode: 0o600 });
  const { stdout, stderr } = await run(['ps'], { user, env });
  assertHarmless(stdout + stderr, '');
});
