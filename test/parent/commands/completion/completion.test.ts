/** Completion in the shells themselves: bash and zsh at a terminal with the Tab key, fish by its own `complete -C`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands } from '../../../../src/parent/commands/index.js';
import {
  finished,
  folder,
  lacking,
  node,
  program,
  run,
  start,
  unprivileged,
  users,
} from '../../../gontainer.js';
import { TerminalSession } from '../../../terminal-session.js';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** A folder with `gontainer` as a program in it, and its completion. */
async function prepared(shell: Shell): Promise<{ path: string; script: string }> {
  const path = folder(unprivileged);
  writeFileSync(join(path, 'gontainer'), `#!/bin/sh\nexec '${node}' '${program}' "$@"\n`);
  chmodSync(join(path, 'gontainer'), 0o755);
  const { status, stdout } = await run(['completion', shell]);
  assert.equal(status, 0);
  const script = join(path, 'completion');
  writeFileSync(script, stdout);
  return { path, script };
}

/** A line up to the cursor, and what it becomes when Tab is pressed. */
const completed: readonly (readonly [line: string, after: string])[] = [
  ['gontainer ru', 'gontainer run '],
  ['gontainer rootfs im', 'gontainer rootfs import '],
  ['gontainer -run -hostn', 'gontainer -run -hostname'],
  ['gontainer -uid -run --hostn', 'gontainer -uid -run --hostname'],
  ['gontainer run --uid -read', 'gontainer run --uid -read-only '],
  ['gontainer -run -mnt=/usr/sha', 'gontainer -run -mnt=/usr/share/'],
  ['gontainer run --mnt=/usr/sha', 'gontainer run --mnt=/usr/share/'],
  ['gontainer run -mnt /usr/sha', 'gontainer run -mnt /usr/share/'],
  ['gontainer run --log-level=tr', 'gontainer run --log-level=trace '],
  ['gontainer run -log-format pre', 'gontainer run -log-format pretty '],
  ['gontainer rootfs create --from=bu', 'gontainer rootfs create --from=busybox '],
  ['gontainer lesson moun', 'gontainer lesson mount '],
  ['gontainer kill box USR1', 'gontainer kill box USR1 '],
  ['gontainer run --hostname box --read', 'gontainer run --hostname box --read-only '],
  ['gontainer run --uid -- readlin', 'gontainer run --uid -- readlink '],
  ['gontainer run --uid readlin', 'gontainer run --uid readlink '],
  ['gontainer -run -uid -- cat /etc/hostn', 'gontainer -run -uid -- cat /etc/hostname '],
  ['gontainer completion zs', 'gontainer completion zsh '],
];

for (const shell of ['bash', 'zsh'] as const) {
  test(`${shell} completes at a terminal`, { skip: lacking('tmux', shell) }, async () => {
    const { path, script } = await prepared(shell);
    const terminal = new TerminalSession(unprivileged);
    const begin = {
      bash: `PATH=${path}:$PATH PS1='> ' bash --norc --noprofile`,
      zsh: `PATH=${path}:$PATH zsh -f`,
    }[shell];
    terminal.type('clear');
    terminal.type(begin);
    if (shell === 'zsh')
      terminal.type(`PS1='> '; autoload -Uz compinit; compinit -u -D; setopt no_list_beep`);
    terminal.type(`. ${script}; unset -f gontainer 2>/dev/null; echo rea''dy`);
    await terminal.shows(/^ready$/m);
    for (const [line, after] of completed) {
      await terminal.clear();
      // What is typed before the prompt is there would be echoed twice.
      await terminal.shows(/^\s*>\s*$/);
      terminal.write(line);
      await terminal.shows(new RegExp(`> ${escaped(line)}$`, 'm'));
      terminal.press('Tab');
      // What is typed after it shows whether a blank was added.
      terminal.write('¶');
      const screen = await terminal.shows(/¶/);
      const shown = screen.split('\n').findLast((text) => text.includes('¶')) ?? '';
      assert.match(shown, new RegExp(`^> ${escaped(after)}=?¶`));
      terminal.press('C-u');
    }
  });
}

test('fish completes what it is asked to', { skip: lacking('fish') }, async () => {
  const { script, path } = await prepared('fish');
  for (const [line, after] of completed) {
    const words = await candidates(line, script, path);
    assert.ok(words.includes(lastWord(after)), `${line}: ${words.join(', ')}`);
  }
  assert.deepEqual(await candidates('gontainer run --uid -- nosuchcommand', script, path), []);
});

async function candidates(
  line: string,
  script: string,
  path: string,
  user = unprivileged,
): Promise<string[]> {
  const { stdout, stderr } = spawnSync(
    'fish',
    ['--no-config', '-c', `source ${script}; complete -C '${line}'`],
    {
      encoding: 'utf8',
      // TMPDIR too is that of start(): there the running containers are written down.
      env: { PATH: `${path}:${process.env.PATH}`, HOME: path, XDG_CONFIG_HOME: path },
      ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
    },
  );
  assert.equal(stderr, '');
  return stdout
    .trim()
    .split('\n')
    .map((text) => text.split('\t')[0] as string)
    .filter(Boolean);
}

const lastWord = (line: string): string => line.trimEnd().split(' ').at(-1) as string;
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

for (const user of users) {
  test(`${user.name}: names of running containers are completed`, {
    skip: user.skip || lacking('fish', 'bash'),
  }, async () => {
    const [fish, bash] = [await prepared('fish'), await prepared('bash')];
    const name = `completed-${process.pid}-${user.uid}`;
    const container = start(['run', '--uid', '--quiet', '--name', name, '--', 'sh', '-c', 'echo; read _'], {
      user,
    });
    const end = finished(container);
    await new Promise((ready) => container.stdout?.once('data', ready));
    try {
      const words = await candidates(`gontainer enter comp`, fish.script, fish.path, user);
      assert.ok(words.includes(name), words.join(', '));
      const line = `COMP_WORDS=(${bash.path}/gontainer wait comp); COMP_CWORD=2; . ${bash.script}; _gontainer; echo "\${COMPREPLY[@]}"`;
      const { stdout } = spawnSync('bash', ['--norc', '-c', line], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH },
        ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
      });
      assert.ok(stdout.split(/\s/).includes(name), stdout);
    } finally {
      container.stdin?.end('\n');
      await end;
    }
  });
}

test('every option of every command is in every script', async () => {
  for (const shell of shells) {
    const { stdout } = await run(['completion', shell]);
    for (const { name, options } of commands) {
      assert.ok(stdout.includes(name.split(' ').at(-1) as string), `${shell}: ${name}`);
      for (const option of options)
        assert.match(stdout, new RegExp(`[ '-]${option.name}[ ='[]`), `${shell}: ${name}`);
    }
  }
});

test('a shell without a completion script is refused, with those that have one', async () => {
  const { status, stderr } = await run(['completion', 'tcsh']);
  assert.equal(status, 2);
  assert.match(stderr, /there is no completion script for “tcsh”\. Choose one of bash, zsh, fish\./);
});
