/**
 * Makes the pictures of terminals in docs/ anew, from the built program: `npm run pictures`, or `npm run pictures -- NAME`.
 * Needs tmux, Chromium and a font with emoji (Debian: fonts-noto-color-emoji); as root it runs the program as an ordinary user.
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
  /** What is typed before, and not shown. */
  readonly before?: string;
  /** Instead of an ordinary user: control groups of version 1 are for root alone. */
  readonly asRoot?: true;
  /** What is typed; also the caption. */
  readonly line: string;
  readonly size: { readonly columns: number; readonly rows: number };
  /** Waits until the terminal shows the text, then presses the key, tmux's name for it. */
  readonly presses: readonly { readonly shows: RegExp; readonly key: string }[];
  /** What the terminal shows when the picture is taken. */
  readonly until: RegExp;
  /** The first line of the picture; the top of the terminal when it is left out. */
  readonly from?: RegExp;
  /** The first line that is not in the picture any more. */
  readonly to?: RegExp;
}

const pictures: readonly Picture[] = [
  {
    name: 'walk',
    line: 'gontainer run --uid --uts --hostname box --step',
    size: { columns: 80, rows: 24 },
    presses: [{ shows: /^ +1\/6 [\s\S]*Enter: do it/m, key: 'Enter' }],
    until: /^ +2\/6 [\s\S]*Enter: do it/m,
    from: /^✓/,
  },
  {
    name: 'first-launch',
    line: 'gontainer -run -uid',
    size: { columns: 80, rows: 24 },
    presses: [],
    until: /‣ *$/,
  },
  {
    name: 'log-info',
    before: 'gontainer rootfs create rootfs',
    line: "gontainer run --all --mnt rootfs --hostname box -- sh -c 'hostname; echo $$'",
    size: { columns: 80, rows: 24 },
    presses: [],
    until: /execute sh\s+box\s+\d+/,
  },
  {
    name: 'first-launch-all',
    before: 'gontainer rootfs create rootfs',
    line: 'gontainer -run --all -mnt=rootfs',
    size: { columns: 80, rows: 24 },
    presses: [],
    until: /‣ *$/,
  },
  {
    name: 'replay',
    before: 'gontainer run --quiet --uid --uts --hostname box --log-file run.ndjson -- true',
    line: 'gontainer replay run.ndjson',
    size: { columns: 80, rows: 24 },
    presses: [
      { shows: /^ +1\/6 [\s\S]*Enter: go on/m, key: 'Enter' },
      { shows: /^ +2\/6 [\s\S]*Enter: go on/m, key: 'Enter' },
      { shows: /^ +3\/6 [\s\S]*Enter: go on/m, key: 'Enter' },
    ],
    until: /^ +4\/6 [\s\S]*Enter: go on/m,
    from: /^✓/,
  },
  {
    name: 'log-debug',
    line: 'gontainer run --uid --uts --hostname box --log-level debug -- true',
    size: { columns: 80, rows: 60 },
    presses: [],
    until: /ended with status 0/,
    from: /^✓ +3 /,
    to: /^✓ +5 /,
  },
  {
    name: 'log-trace',
    line: 'gontainer run --uid --uts --hostname box --log-level trace -- true',
    size: { columns: 80, rows: 150 },
    presses: [],
    until: /ended with status 0/,
    from: /^✓ +4 /,
    to: /^✓ +5 /,
  },
  {
    name: 'log-failed',
    line: 'gontainer run --uid --time --monotonic -999999999 -- true',
    size: { columns: 80, rows: 24 },
    presses: [],
    until: /choose another\s+offset/,
  },
  {
    name: 'stats',
    // The weight: on a busy machine, too, it gets its half of a processor.
    before:
      'gontainer run --detach --quiet --all --name box --memory 64m --pids-limit 20 --cpus 0.5 --cpu-weight 10000 --timeout 60 -- ' +
      "sh -c '(b() { sleep 50 & b; }; b) 2>/dev/null; sleep 50 & while :; do :; done'",
    asRoot: true,
    line: 'gontainer stats',
    size: { columns: 112, rows: 10 },
    presses: [],
    until: /^box .* [45]\d%/m,
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
      ...[/-c %u\s+made-inside'\n +Enter runs it ‣$/, /stat -c %u made-inside\n +Enter runs it ‣$/].map(
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
const patience = 120_000;

async function take({ name, before, asRoot, line, size, presses, until, from, to }: Picture): Promise<void> {
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
  const user = process.getuid?.() === 0 && !asRoot ? 'setpriv --reuid=1000 --regid=1000 --clear-groups' : '';
  const shell = `exec ${user} env 'PS1=$ ' HISTFILE= HOME=${home} XDG_RUNTIME_DIR=${home} TERM=xterm-256color bash --norc --noprofile`;
  tmux('new-session', '-d', '-x', String(size.columns), '-y', String(size.rows), '-c', '/', shell);
  try {
    const first = before === undefined ? '' : `${before}; `;
    tmux(
      'send-keys',
      '-l',
      `cd; gontainer() { '${process.execPath}' '${program}' "$@"; }; ${first}clear; go() { ${line}; }; clear; go`,
    );
    tmux('send-keys', 'Enter');
    for (const { shows, key } of presses) {
      await screen(shows);
      tmux('send-keys', key);
    }
    const lines = (await screen(until)).split('\n');
    const find = (expected: RegExp) =>
      lines.findIndex((text) => expected.test(stripVTControlCharacters(text)));
    const [begin, end] = [from === undefined ? 0 : find(from), to === undefined ? lines.length : find(to)];
    const output = join(root, 'docs', `${name}.png`);
    await drawTerminal(lines.slice(begin, end).join('\n').trimEnd(), output, line);
    console.error(`drew ${output}`);
  } finally {
    tmux('kill-server');
    // What the terminal's end ended may still be writing its last lines there.
    rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 });
  }
}

const named = process.argv.slice(2);
for (const picture of pictures) if (named.length === 0 || named.includes(picture.name)) await take(picture);
