/** The terminal behaves as in a local shell: tried in a real one. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, lacking, node, program, rootfs, unprivileged } from '../../gontainer.js';
import { firstLike, isPending, parentOf, processesLike } from '../../processes.js';
import { inForeground, TerminalSession } from '../../terminal-session.js';
import { until } from '../../until.js';

const skip = lacking('tmux', 'setpriv');
const prompt = /📦 \[root@box\] \S+ ‣$/;

/** Says that it runs, in a word that the typed line does not hold, and then waits for ever. */
const waiting = "sh -c 'echo be''gun; exec sleep 4700'";
const begun = /\bbegun$/m;

/** A terminal with a shell in all namespaces. */
async function inside(options = ''): Promise<TerminalSession> {
  const terminal = new TerminalSession();
  terminal.type(`gontainer -run --quiet --all -hostname box ${options}`);
  await terminal.shows(prompt);
  return terminal;
}

test('Gontainer’s prompt shows user, host name and folder', { skip }, async () => {
  const terminal = await inside();
  terminal.type('cd /usr/bin');
  await terminal.shows(/📦 \[root@box\] \/usr\/bin ‣$/);
  terminal.type('hostname renamed');
  await terminal.shows(/📦 \[root@renamed\]/);
});

for (const shell of ['dash', 'busybox ash', 'bash --norc']) {
  const lacks = skip || lacking(String(shell.split(' ')[0]));
  test(`the prompt of ${shell} writes ~ for the home folder and for nothing else`, {
    skip: lacks,
  }, async () => {
    const terminal = await inside();
    terminal.type(`HOME=/usr; export HOME; exec ${shell}`);
    for (const [directory, shown] of [
      ['/usr', '~'],
      ['/usr/bin', '~/bin'],
      ['/', '/'],
      ['/etc', '/etc'],
    ]) {
      terminal.type(`cd ${directory}`);
      await terminal.shows(new RegExp(`\\] ${shown} ‣$`));
    }
    terminal.type('unset HOME; cd /tmp');
    await terminal.shows(/\] \/tmp ‣$/);
  });
}

test('no prompt prints an error in a root without a passwd file', { skip }, async () => {
  const root = await rootfs(unprivileged);
  const terminal = await inside(`-mnt ${root}`);
  terminal.type('rm /etc/passwd; exec sh');
  assert.doesNotMatch(
    await terminal.shows(/exec sh[\s\S]*📦 \[root@box\] \/ ‣$/),
    /unknown uid|not found|No such/,
  );
});

test('Ctrl-C interrupts the command inside, and the shell and its launcher live on', { skip }, async () => {
  const terminal = await inside();
  terminal.type(`${waiting}; echo "and now $?"`);
  await terminal.shows(begun);
  terminal.press('C-c');
  await terminal.shows(/\^C[\s\S]*📦/);
  terminal.type('echo still here');
  await terminal.shows(/^still here$/m);
});

test('Ctrl-Z, jobs, bg and fg work inside', { skip }, async () => {
  const terminal = await inside();
  terminal.type(waiting);
  await terminal.shows(begun);
  terminal.press('C-z');
  await terminal.shows(/Stopped[\s\S]*‣$/);
  terminal.type('jobs');
  await terminal.shows(/jobs\n\[1\].*Stopped.*\n📦.*‣$/);
  terminal.type('fg');
  await inForeground('sleep 4700');
  terminal.press('C-c');
  await terminal.shows(/\^C[\s\S]*‣$/);
});

test('Ctrl-Z stops a command that is not a shell, and fg continues it', { skip }, async () => {
  const terminal = new TerminalSession();
  terminal.type(`gontainer run --quiet --uid --pid -- ${waiting}`);
  // The terminal belongs to the command from here on; before that, Ctrl-Z would stop the launcher, as it should.
  await terminal.shows(begun);
  terminal.press('C-z');
  await terminal.shows(/\[1\]\+\s+Stopped/);
  terminal.type('fg');
  await inForeground('sleep 4700');
  terminal.press('C-c');
  await terminal.shows(/\^C\s*outside\$$/);
  terminal.type('echo status $?');
  await terminal.shows(/^status 130$/m);
});

for (const way of ['run --quiet --uid --pid', 'enter --quiet jobs-box'])
  test(`a signal that the shell sends to its job reaches the command: ${way}`, { skip }, async () => {
    const terminal = new TerminalSession();
    terminal.type(`export XDG_RUNTIME_DIR=${folder(unprivileged)}`);
    terminal.type('gontainer run --quiet --detach --name jobs-box --uid -- sleep 1000; echo rea""dy');
    await terminal.shows(/ready$/m);
    terminal.type(`gontainer ${way} -- ${waiting}`);
    await terminal.shows(begun);
    terminal.press('C-z');
    await terminal.shows(/\[1\]\+\s+Stopped[\s\S]*outside\$$/);
    // kill signals the whole process group of the job, in which launcher and child are; the command has one of its own.
    terminal.type('bg; kill %1; wait %1; echo "status $?"');
    await terminal.shows(/status 143$/m);
    terminal.type('gontainer kill jobs-box KILL && gontainer wait jobs-box; echo "en""ded $?"');
    await terminal.shows(/ended 137$/m);
  });

test('a command in the background that wants the terminal gets it with fg', { skip }, async () => {
  const terminal = new TerminalSession();
  terminal.type("gontainer run --quiet --uid -- sh -c 'echo begun; read word; echo got $word' &");
  await terminal.shows(/^outside\$ begun$/m);
  terminal.type('fg');
  await terminal.shows(/fg\n/);
  terminal.type('this');
  await terminal.shows(/^got this$/m);
});

test('in a pipeline the command can still read the terminal', { skip }, async () => {
  const terminal = new TerminalSession();
  terminal.type(
    "echo piped | gontainer run --quiet --uid --pid -- sh -c 'cat; read word </dev/tty; echo got $word' | cat",
  );
  await terminal.shows(/^piped$/m);
  terminal.type('this');
  await terminal.shows(/^got this$/m);
});

test('the size of the window is that of the terminal, also when it changes', { skip }, async () => {
  const terminal = await inside();
  terminal.type('stty size');
  await terminal.shows(/^40 120$/m);
  terminal.resize(90, 25);
  terminal.type('until [ "$(stty size)" = "25 90" ]; do sleep 0.1; done; echo fol""lows');
  await terminal.shows(/^follows$/m);
});

test('a full-screen program draws, reads keys and leaves the terminal as it was', { skip }, async () => {
  const root = await rootfs(unprivileged);
  const terminal = await inside(`-mnt ${root}`);
  terminal.type('vi /tmp/text');
  await terminal.shows(/~\n~\n/);
  terminal.press('i');
  terminal.type('written in vi');
  await terminal.shows(/^written in vi\n[\s\S]*^I \/tmp\/text/m);
  terminal.press('Escape');
  // An escape with a key right behind it would be another key.
  await terminal.shows(/^- \/tmp\/text/m);
  terminal.type(':wq');
  await terminal.shows(/‣$/);
  terminal.type('cat /tmp/text');
  await terminal.shows(/‣ cat \/tmp\/text\nwritten in vi/);
});

test('exit gives the shell’s status to the caller, who has the terminal again', { skip }, async () => {
  const terminal = await inside();
  terminal.type('exit 7');
  await terminal.shows(/outside\$$/);
  terminal.type('echo "status $?"; sleep 4701');
  await terminal.shows(/^status 7$/m);
  await inForeground('sleep 4701');
  terminal.press('C-c');
  await terminal.shows(/\^C\s+outside\$$/);
});

test('the terminal comes back after the container was killed while it had changed it', { skip }, async () => {
  const terminal = new TerminalSession();
  // A script, as the shell that is typed to puts the terminal in order by itself.
  terminal.type(
    `export -f gontainer; bash -c "gontainer run --quiet --uid --pid -- sh -c 'stty raw -echo; kill -KILL \\$\\$'; echo status \\$?; stty -a"`,
  );
  await terminal.shows(/^status 137$/m);
  await terminal.shows(/ icanon [\s\S]* echo /);
});

test('the log is on the screen before the prompt, and nothing of it after', { skip }, async () => {
  const terminal = new TerminalSession(unprivileged, { columns: 140, rows: 100 });
  terminal.type('gontainer -run -uid -uts -hostname box -pid');
  const screen = await terminal.shows(prompt);
  assert.match(screen, /\[Gontainer config\]\n• mnt: ""\n• uid: enabled/);
  assert.match(screen, /leave four namespaces/);
  terminal.type('echo typed');
  await terminal.shows(/‣ echo typed\ntyped\n📦/);
});

test('with --log-file the terminal can stay silent', { skip }, async () => {
  const file = `${folder(unprivileged)}/log`;
  const terminal = new TerminalSession();
  await terminal.clear();
  terminal.type(`gontainer run --quiet --log-file ${file} --uid -- grep -c . ${file}; echo do""ne`);
  assert.match(await terminal.shows(/^done$/m), /^\d+\ndone$/m);
});

for (const options of ['', '--as-pid-1 '])
  test(`in a pipeline ${options}a key reaches the command once, and so does a signal sent to the launcher alone`, {
    skip,
  }, async () => {
    const terminal = new TerminalSession();
    const pid = join(folder(unprivileged), 'pid');
    const script = "n=0; trap 'n=$((n + 1)); echo got $n' INT; echo ready; while :; do sleep 0.1; done";
    // Standard input is no terminal, so the command stays in the launcher's process group.
    terminal.type(
      `sleep 1000 | gontainer run --quiet --uid --pid ${options}--pid-file ${pid} -- sh -c "${script.replaceAll('$', '\\$')}"`,
    );
    await terminal.shows(/^ready$/m);
    terminal.press('C-c');
    await terminal.shows(/got 1$/m);
    const launcher = parentOf(Number(readFileSync(pid, 'utf8')));
    await until('the key does not reach the launcher', () => !isPending(launcher));
    process.kill(launcher, 'SIGINT');
    await terminal.shows(/got 2$/m);
    terminal.press('C-c');
    assert.doesNotMatch(await terminal.shows(/got 3$/m), /got 4/);
    process.kill(launcher, 'SIGKILL');
  });

/** In a script the name is not known. */
const gontainer = `'${node}' '${program}'`;
/** A container whose process is written down, and whose command waits. */
const container = (pid: string, options = '') =>
  `${gontainer} run --quiet --uid --pid ${options} --pid-file ${pid} -- ${waiting}`;
const launcherOf = (pid: string): number => parentOf(Number(readFileSync(pid, 'utf8')));
const groupHasTerminal = '[ "$(ps -o tpgid= -p $$)" = "$(ps -o pgid= -p $$)" ]';

for (const options of ['', '--as-pid-1'])
  test(`a script ${options} whose launcher is killed by SIGKILL has its terminal again`, {
    skip,
  }, async () => {
    const terminal = new TerminalSession();
    const [pid, script] = [join(folder(unprivileged), 'pid'), join(folder(unprivileged), 'script')];
    const lines = [
      container(pid, options),
      `until ${groupHasTerminal}; do sleep 0.1; done`,
      'echo reads; read word; echo "got $word"',
    ];
    writeFileSync(script, lines.join('\n'));
    terminal.type(`bash ${script}`);
    await terminal.shows(begun);
    process.kill(launcherOf(pid), 'SIGKILL');
    await terminal.shows(/^reads$/m);
    terminal.type('this');
    await terminal.shows(/^got this$/m);
  });

test('a script whose launcher is killed while it enters a container has its terminal again', {
  skip,
}, async () => {
  const terminal = new TerminalSession();
  const script = join(folder(unprivileged), 'script');
  const lines = [
    `export XDG_RUNTIME_DIR='${folder(unprivileged)}'`,
    `${gontainer} run --quiet --uid --pid --name entered --detach -- sleep 4709`,
    `${gontainer} enter entered -- ${waiting}`,
    `until ${groupHasTerminal}; do sleep 0.1; done`,
    `echo reads; read word; echo "got $word"; ${gontainer} kill entered`,
  ];
  writeFileSync(script, lines.join('\n'));
  terminal.type(`bash ${script}`);
  await terminal.shows(begun);
  process.kill(firstLike(/main\.cjs enter entered -- sh -c /) as number, 'SIGKILL');
  await terminal.shows(/^reads$/m);
  terminal.type('this');
  await terminal.shows(/^got this\noutside\$$/m);
});

test('a shell keeps its terminal when a launcher that it has stopped is killed by SIGKILL', {
  skip,
}, async () => {
  const terminal = new TerminalSession();
  // This shell does not look how its jobs are until the next line.
  terminal.type("PS1='dash> ' exec dash");
  await terminal.shows(/^dash>$/m);
  const pid = join(folder(unprivileged), 'pid');
  terminal.type(container(pid));
  await terminal.shows(begun);
  terminal.press('C-z');
  await terminal.shows(/Stopped[\s\S]*dash>$/);
  const launcher = launcherOf(pid);
  const child = Number(readFileSync(pid, 'utf8'));
  process.kill(launcher, 'SIGKILL');
  await until('the container is left', () => !existsSync(`/proc/${child}`));
  const copies = () => processesLike(new RegExp(`main\\.cjs run .*${pid}`)).filter((one) => one !== launcher);
  await until('a copy of the launcher is left', () => copies().length === 0);
  terminal.type(`${groupHasTerminal} && echo it ha""s it`);
  await terminal.shows(/^it has it$/m);
});
