/**
 * Makes the pictures of terminals in docs/ anew, from the built program: `npm run pictures`, or `npm run pictures -- NAME`.
 * Needs tmux and Chromium; as root it runs the program as an ordinary user.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { drawTerminal } from './picture.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const program = join(root, 'dist/main.cjs');

interface Picture {
  /** The file in docs/, without .png. */
  readonly name: string;
  /** What is typed; also the caption. */
  readonly line: string;
  readonly size: { readonly columns: number; readonly rows: number };
  /** Waits until the terminal shows the text, then presses the key, tmux's name for it. */
  readonly presses: readonly { readonly shows: RegExp; readonly key: string }[];
  /** What the terminal shows when the picture is taken. */
  readonly until: RegExp;
  /** The first line of the picture; the top of the terminal when it is left out. */
  readonly from?: RegExp;
}

const pictures: readonly Picture[] = [
  {
    name: 'walk',
    line: 'gontainer run --uid --uts --hostname box --step',
    size: { columns: 130, rows: 70 },
    presses: [
      { shows: /^ +1\/6 [\s\S]*Enter: do it/m, key: 'Enter' },
      { shows: /^ +2\/6 [\s\S]*Enter: do it/m, key: 'i' },
    ],
    until: /uid_map empty[\s\S]*Enter: do it/,
    from: /✓ done/,
  },
  {
    name: 'lesson',
    line: 'gontainer lesson user',
    size: { columns: 92, rows: 60 },
    presses: [
      ...[
        /\$ id -u\n +Enter runs it ‣$/,
        /-- id -u\n +Enter runs it ‣$/,
        /next section ‣$/,
        /uid_map\n +Enter runs it ‣$/,
      ].map((shows) => ({
        shows,
        key: 'Enter',
      })),
      { shows: /What do you think.*‣$/, key: '1' },
      { shows: /‣ 1$/, key: 'Enter' },
      ...[/-c %u made-inside'\n +Enter runs it ‣$/, /stat -c %u made-inside\n +Enter runs it ‣$/].map(
        (shows) => ({
          shows,
          key: 'Enter',
        }),
      ),
    ],
    until: /so it is|it is 2\.[\s\S]*next section ‣$/,
    from: /^2\/\d/,
  },
];

/** As long as the program may take to show something, milliseconds. */
const patience = 30_000;

async function take({ name, line, size, presses, until, from }: Picture): Promise<void> {
  const socket = `gontainer-picture-${randomUUID()}`;
  const tmux = (...words: string[]): string =>
    execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...words], {
      encoding: 'utf8',
      env: { ...process.env, LANG: 'C.UTF-8', TERM: 'xterm-256color' },
    });
  const screen = async (expected: RegExp): Promise<string> => {
    for (const end = Date.now() + patience; ; await pause(50)) {
      const colours = tmux('capture-pane', '-p', '-e');
      if (expected.test(stripVTControlCharacters(colours).trimEnd())) return colours;
      if (Date.now() > end) throw new Error(`${name}: ${expected} does not appear in\n${colours}`);
    }
  };
  const home = mkdtempSync(join(tmpdir(), 'gontainer-picture-'));
  chmodSync(home, 0o777);
  const user = process.getuid?.() === 0 ? 'setpriv --reuid=1000 --regid=1000 --clear-groups' : '';
  const shell = `exec ${user} env 'PS1=$ ' HOME=${home} TERM=xterm-256color bash --norc --noprofile`;
  tmux('new-session', '-d', '-x', String(size.columns), '-y', String(size.rows), '-c', '/', shell);
  try {
    tmux('send-keys', '-l', `gontainer() { '${process.execPath}' '${program}' "$@"; }; clear; ${line}`);
    tmux('send-keys', 'Enter');
    for (const { shows, key } of presses) {
      await screen(shows);
      tmux('send-keys', key);
    }
    const lines = (await screen(until)).split('\n');
    const first =
      from === undefined ? 0 : lines.findIndex((text) => from.test(stripVTControlCharacters(text)));
    const output = join(root, 'docs', `${name}.png`);
    await drawTerminal(lines.slice(first).join('\n'), output, line);
    console.error(`drew ${output}`);
  } finally {
    tmux('kill-server');
    // What the terminal's end ended may still be writing its last lines there.
    rmSync(home, { recursive: true, force: true, maxRetries: 10 });
  }
}

const named = process.argv.slice(2);
for (const picture of pictures) if (named.length === 0 || named.includes(picture.name)) await take(picture);
