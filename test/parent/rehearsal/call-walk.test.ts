/** --watch --step in a real terminal: it stops at the command's calls, and the terminal is left as it was, however it ends. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, lacking, records, unprivileged, users } from '../../gontainer.js';
import { TerminalSession } from '../../terminal-session.js';
import { until } from '../../until.js';

const skip = { skip: lacking('tmux', 'setpriv') };
/** uname(1) makes no other call of this kind; a shell makes some when it starts. */
const watch = 'run --uid --quiet --watch=identity --step';

/** Starts a launch; when it has ended, `ended N` appears. At its first step all steps are done. */
async function open(line: string, user = unprivileged): Promise<TerminalSession> {
  const terminal = new TerminalSession(user, { columns: 130, rows: 60 });
  terminal.type(`gontainer ${line}; echo ended $?`);
  await terminal.shows(/Enter: do it[^\n]*\n*$/);
  terminal.press('c');
  return terminal;
}

/** Waits until it stops at a call. */
const stopsAt = (terminal: TerminalSession, call = '\\w+'): Promise<string> =>
  terminal.shows(new RegExp(`▸ +\\S+ \\d+: ${call}\\([^▸]*Enter: let it go on[^\\n]*\\n*$`));

async function isRestored(terminal: TerminalSession): Promise<void> {
  terminal.type('echo modes: $(stty -a | tr " " "\\n" | grep -xE -- "-?(icanon|echo|isig)")');
  assert.match(await terminal.shows(/^modes: .*icanon.*$/m), /^modes: isig icanon echo$/m);
}

/** The processes whose command line has this word: their numbers on the host. */
const processesWith = (word: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words[0]?.endsWith('node') === true && words.includes(word);
      } catch {
        return false; // It has ended.
      }
    });

for (const user of users)
  for (const [key, output, status, decided] of [
    ['Enter', /^box$/m, 0, { by: 'terminal' }],
    [
      'r',
      /it fails with EPERM\n(.*\n)*uname: .*Operation not permitted/,
      1,
      { by: 'terminal', errno: 'EPERM' },
    ],
  ] as const)
    test(`${user.name}: ${key} at a call ends with status ${status}, and the log says who decided`, {
      skip: user.skip || skip.skip,
    }, async () => {
      const log = join(folder(user), 'log');
      const terminal = await open(`${watch} --uts --hostname box --log-file ${log} -- uname -n`, user);
      assert.match(await stopsAt(terminal, 'uname'), /the UTS namespace: box, the host says /);
      terminal.press(key);
      assert.match(await terminal.shows(new RegExp(`^ended ${status}$`, 'm')), output);
      await isRestored(terminal);
      assert.deepEqual(
        records(log).flatMap(({ watched, decided }) => (watched === 'uname' ? [decided] : [])),
        [decided],
      );
    });

test('m, i, e and ? show more of a call and stay at it', skip, async () => {
  const terminal = await open(`${watch} --pid -- uname`);
  await stopsAt(terminal, 'uname');
  for (const [key, shown] of [
    [
      'm',
      /uname is process \d+ inside, and \d+ on the host\n +answered by the namespace .*uts: the host’s\n/,
    ],
    ['i', /it runs uname\n/],
    ['e', /In a second terminal, as the same user:\n +\$ nsenter /],
    ['?', /Enter {2}lets the call that is shown go on/],
    ['x', /Enter {2}lets the call that is shown go on(.|\n)*Enter {2}lets the call/],
  ] as const) {
    terminal.press(key);
    await terminal.shows(new RegExp(`${shown.source}(.|\\n)*Enter: let it go on[^\\n]*\\n*$`));
  }
  terminal.press('Enter');
  await terminal.shows(/^Linux$\n(.*\n)*ended 0$/m);
});

test('c lets all go on, and what is typed then is for the command', skip, async () => {
  const script = `"uname; read word; uname; echo got \\$word"`;
  const terminal = await open(`${watch} -- sh -c ${script}`);
  await stopsAt(terminal);
  terminal.press('c');
  await terminal.shows(/^Linux$/m);
  terminal.type('a-word');
  const shown = await terminal.shows(/^ended 0$/m);
  assert.match(shown, /^a-word\nLinux\ngot a-word\nended 0$/m);
  await isRestored(terminal);
});

for (const key of ['q', 'C-c'])
  test(`${key} at a call kills the command, whatever it handles, and leaves nothing`, skip, async () => {
    const word = `given-up-${process.pid}-${key}`;
    const terminal = await open(`${watch} -- sh -c "trap : INT TERM; uname; sleep 1000" ${word}`);
    await stopsAt(terminal);
    terminal.press(key);
    await terminal.shows(
      /^gontainer: given up at \w+\(2\) of \S+ \d+, and nothing is left of it\.\nended 130$/m,
    );
    await isRestored(terminal);
    assert.deepEqual(processesWith(word), []);
  });

test(
  'a signal that the command does not handle, and the end of its time, end it at a call',
  skip,
  async () => {
    const word = `signalled-${process.pid}`;
    const terminal = await open(`${watch} --name ${word} -- uname`);
    await stopsAt(terminal);
    for (const pid of processesWith(word).slice(0, 1)) process.kill(pid, 'SIGTERM');
    await terminal.shows(/^ended 143$/m);
    await isRestored(terminal);
    await terminal.clear();
    terminal.type(`gontainer ${watch} --timeout 3 -- uname; echo ended $?`);
    await terminal.shows(/Enter: do it[^\n]*\n*$/);
    terminal.press('c');
    await terminal.shows(/^ended 143$/m);
    await isRestored(terminal);
  },
);

test('when the window is closed nothing is left, even of a command that ignores it', skip, async () => {
  const word = `hung-up-${process.pid}`;
  const terminal = await open(`${watch} --pid -- sh -c "trap '' HUP; uname; sleep 1000" ${word}`);
  await stopsAt(terminal);
  assert.ok(processesWith(word).length > 0);
  await terminal.close();
  await until('the launcher lives on', () => processesWith(word).length === 0);
});

test('a file is the command’s alone, and keys come from the terminal', skip, async () => {
  const file = join(folder(unprivileged), 'file');
  writeFileSync(file, 'four');
  const terminal = await open(`${watch} -- sh -c "uname; wc -c" < ${file}`);
  await stopsAt(terminal);
  terminal.press('c');
  await terminal.shows(/^Linux\n4\nended 0$/m);
});

test('what cannot have a terminal of its own is refused', skip, async () => {
  const terminal = new TerminalSession(unprivileged, { columns: 200, rows: 40 });
  for (const [words, sentence] of [
    [
      '--new-session',
      /--watch --step gives the command a terminal of its own, and --new-session gives it none/,
    ],
    ['--uid-map 1:54321:1', /--watch --step needs user 0 and group 0 in the container/],
  ] as const) {
    terminal.type(`gontainer ${watch} ${words} -- uname; echo ended $?`);
    assert.match(await terminal.shows(/^ended 2$/m), sentence);
    await terminal.clear();
  }
});
