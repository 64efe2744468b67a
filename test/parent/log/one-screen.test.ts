/** What people look at: a launch fits into one screen, and no window breaks its lines. */
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { folder, lacking, root, rootfs, unprivileged } from '../../gontainer.js';
import { TerminalSession } from '../../terminal-session.js';

const skip = lacking('tmux', 'setpriv');

/** Where the names of a path are wide, go from right to left, and are put together from several characters. */
const place = join(dirname(await rootfs(unprivileged)), '根ファイル👩‍💻שלוםe\u0301');
if (!skip) renameSync(join(dirname(place), 'rootfs'), place);

/** What stands where a shell's prompt would, and then waits. */
const prompt = ` -- /bin/sh -c 'printf "%s> " prompt; exec sleep 1000'`;

/** Where the launch is written down: without a place for that there would be a warning. */
const state = folder(unprivileged);

/** Every kind of launch. */
const launches: readonly string[] = [
  '--uid',
  '--all',
  `--all --mnt ${place}`,
  `--uid --mnt ${place} --ephemeral --read-only --tmpfs /tmp --bind ${folder(unprivileged)}:/mnt:ro --workdir /tmp`,
  '--uid --time --monotonic 86400 --new-session',
  `--all --mnt ${place} --chroot --hostname bücher-北京`,
];

/** Types a line that is out of sight when it runs. */
async function launch(terminal: TerminalSession, line: string): Promise<void> {
  await terminal.clear();
  terminal.type(`go() { gontainer run ${line}; }; export XDG_RUNTIME_DIR=${state}; clear; go`);
  await terminal.shows(/(^|\n)prompt>$|(^|\n)gontainer: [\s\S]*\noutside\$$/);
}

for (const columns of [60, 80, 110, 200]) {
  test(`no line of a launch is longer than a window of ${columns} columns`, { skip }, async () => {
    const terminal = new TerminalSession(unprivileged, { columns, rows: 50 });
    for (const options of launches) {
      for (const level of ['info', 'debug', 'trace']) {
        const line = `--log-level ${level} ${options}${prompt}`;
        await launch(terminal, line);
        const broken = terminal.broken().filter((text) => !isTyped(text));
        assert.deepEqual(broken, [], line);
        terminal.press('C-c');
        await terminal.shows(/outside\$ *$/);
      }
    }
  });
}

/** The shell's prompt, and what is typed behind it. */
const isTyped = (text: string): boolean => text.includes('go() {') || text.startsWith('outside$');

/** Other ways to launch, to look at a launch, and to fail; their command ends by itself. */
const others: readonly string[] = [
  `run --all --mnt ${place} --dry-run -- true`,
  `run --all --mnt ${place} --as-pid-1 --log-level debug -- true`,
  `run --all --mnt ${place} --pty --user 0 --cap-drop ALL --log-level trace -- true`,
  `run --all --hostname שלום-עולם-👩‍💻 --log-level debug -- true`,
  `run --uid --mnt ${place} --bind ${place}:/mnt/${'深い'.repeat(20)} --overlay ${folder(unprivileged)} -- true`,
  'run --uid --time --monotonic -999999999 -- true',
  'run --uid --quiet --mnt /nowhere/根ファイル/שלום/👩‍💻/and/a/long/way/down/to/where/there/is/nothing -- true',
  `run --uid --mnt ${place} -- /no/such/根ファイル/שלום/command/at/the/end/of/a/long/path`,
  `run --all --mnt ${place} --detach --name 'box' -- sleep 1000`,
  'enter box --log-level trace -- true',
  'kill box KILL',
  `run --quiet --all --mnt ${place} --log-file ${state}/log -- true`,
];

for (const columns of [60, 80, 110, 200]) {
  test(`at ${columns} columns no line of other launches, or of what failed, is longer than the window`, {
    skip,
  }, async () => {
    const terminal = new TerminalSession(unprivileged, { columns, rows: 50 });
    terminal.type(`export XDG_RUNTIME_DIR=${state}`);
    for (const [index, line] of others.entries()) {
      terminal.clear();
      terminal.type(`go() { gontainer ${line}; echo; echo "over: $((${index} + 1))"; }; clear; go`);
      await terminal.shows(new RegExp(`^over: ${index + 1}$`, 'm'));
      const broken = terminal.broken().filter((text) => !isTyped(text));
      assert.deepEqual(broken, [], line);
    }
    // A window that gets narrower, and wider again, in the middle of a replay.
    terminal.clear();
    terminal.type(`go() { gontainer replay ${state}/log; }; clear; go`);
    for (const [index, width] of [columns, 60, 120, 70].entries()) {
      await terminal.shows(new RegExp(`^ *${index + 1}/18 [\\s\\S]*Enter: go on[^\\n]*$`, 'm'));
      terminal.resize(width, 50);
      terminal.press('Enter');
      const screen = await terminal.shows(
        new RegExp(`^ *${index + 2}/18 [\\s\\S]*Enter: go on[^\\n]*$`, 'm'),
      );
      const after = screen.slice(screen.lastIndexOf('✓'));
      const broken = terminal.broken().filter((text) => after.includes(text.slice(0, 40)));
      assert.deepEqual(broken, [], `resized to ${width}`);
    }
    terminal.press('q');
    await terminal.shows(/outside\$ *$/);
  });
}

for (const [columns, rows] of [
  [80, 24],
  [60, 30],
  [110, 30],
  [200, 50],
] as const) {
  test(`at ${columns}×${rows} the banner, every step and the prompt are in sight at once`, {
    skip,
  }, async () => {
    const terminal = new TerminalSession(unprivileged, { columns, rows });
    for (const options of launches) {
      await launch(terminal, `${options}${prompt}`);
      const screen = terminal.inSight();
      const numbers = [...screen.matchAll(/^[✓▸] +(\d+) /gm)].map(([, number]) => Number(number));
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index + 1),
        screen,
      );
      assert.ok(numbers.length >= 5 && /^▸ +\d+ {2}execute/m.test(screen), screen);
      assert.match(screen, /^\[Gontainer config\]/m);
      assert.match(screen, /uid.*: enabled/);
      assert.match(screen, /prompt>$/);
      terminal.press('C-c');
      await terminal.shows(/outside\$ *$/);
    }
  });
}

for (const [options, user] of [
  ['--all', unprivileged],
  ['--all --ephemeral --read-only --tmpfs /tmp --workdir /tmp --user 0', unprivileged],
  ['--all --hostname bücher-北京', root],
] as const) {
  for (const columns of [60, 80]) {
    test(`at ${columns}×24, after the greeting of BusyBox, all of run ${options} as ${user.name} is in sight`, {
      skip: skip || lacking('busybox'),
    }, async () => {
      const terminal = new TerminalSession(user, { columns, rows: 24 });
      const home = folder(user);
      terminal.type(
        `go() { gontainer run ${options} --mnt ${place}; }; export XDG_RUNTIME_DIR=${home}; clear; go`,
      );
      await terminal.shows(/‣$/);
      const screen = terminal.inSight();
      const numbers = [...screen.matchAll(/[✓▸] +(\d+) /g)].map(([, number]) => Number(number));
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index + 1),
        screen,
      );
      assert.ok(numbers.length >= 18, screen);
      assert.match(screen, /^\[Gontainer config\][\s\S]*^BusyBox [\s\S]*‣$/m);
      assert.deepEqual(
        terminal.broken().filter((text) => !/go\(\) \{|^BusyBox /.test(text)),
        [],
      );
    });
  }
}

test('the changes of a launch are one below the other', { skip }, async () => {
  const terminal = new TerminalSession(unprivileged, { columns: 80, rows: 30 });
  await launch(terminal, `--all --mnt ${place}${prompt}`);
  const lines = terminal.inSight().split('\n');
  const changes = lines.filter((line) => line.startsWith('✓'));
  assert.ok(changes.length > 15, changes.join('\n'));
  const columns = new Set(changes.map((line) => /^✓ +\d+ {2}\S.*? {2,}(?=\S)/.exec(line)?.[0].length));
  assert.deepEqual([...columns].length, 1, changes.join('\n'));
  assert.match(lines.join('\n'), /set the host name +\S+ → Gontainer \(the host is still \S+\)$/m);
});

test('a failed step stands out, with the call, what the kernel said, and what to do', { skip }, async () => {
  const terminal = new TerminalSession(unprivileged, { columns: 80, rows: 24 });
  await launch(terminal, '--uid --time --monotonic -999999999 -- true');
  const screen = terminal.inSight();
  assert.match(screen, /^✗ {2}3 {2}shift the clocks +write: ERANGE$/m);
  assert.match(screen, /^gontainer: step clock-offsets: [\s\S]*ERANGE[\s\S]*choose another\s+offset\.$/m);
  assert.deepEqual(
    terminal.broken().filter((text) => !text.includes('go() {')),
    [],
  );
});

test('--step shows title, why and change in a window of 80×24, whatever the step', { skip }, async () => {
  const terminal = new TerminalSession(unprivileged, { columns: 80, rows: 24 });
  terminal.type(
    `go() { gontainer run --all --mnt ${place} --step -- true; }; export XDG_RUNTIME_DIR=${state}; clear; go`,
  );
  const stop = (number: number) => new RegExp(`^ *${number}/\\d+ [\\s\\S]*Enter: do it[^\\n]*$`, 'm');
  const first = await terminal.shows(stop(1));
  const of = Number(/ 1\/(\d+) /.exec(first)?.[1]);
  for (let number = 1; number < of; number += 1) {
    terminal.press('Enter');
    await terminal.shows(stop(number + 1));
    const screen = terminal.inSight();
    // The change of the step that was done, and the next one with its title, why and command.
    assert.match(
      screen,
      new RegExp(`^✓ [\\s\\S]*^ *${number + 1}/${of} \\S[\\s\\S]*^ {6}\\$ \\S[\\s\\S]*Enter: do it`, 'm'),
    );
  }
  assert.deepEqual(
    terminal.broken().filter((text) => !text.includes('go() {')),
    [],
  );
  terminal.press('q');
  await terminal.shows(/given up before step/);
});

test('a window that gets narrower has the lines that follow in its new width', { skip }, async () => {
  const terminal = new TerminalSession(unprivileged, { columns: 110, rows: 30 });
  terminal.type(`go() { gontainer run --all --step -- true; }; export XDG_RUNTIME_DIR=${state}; clear; go`);
  await terminal.shows(/ 1\/9 [\s\S]*Enter: do it[^\n]*$/);
  terminal.resize(60, 30);
  terminal.press('Enter');
  const screen = await terminal.shows(/ 2\/9 [\s\S]*Enter: do it[^\n]*$/);
  const after = screen.slice(screen.indexOf('✓'));
  const broken = terminal.broken().filter((line) => after.includes(line.slice(0, 40)));
  assert.deepEqual(broken, [], screen);
  terminal.press('q');
  await terminal.shows(/given up before step/);
});
