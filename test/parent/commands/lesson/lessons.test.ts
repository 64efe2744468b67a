/** The lessons are true on this machine, say so when they are not, and can be walked through by a person. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { matchOutput } from '../../../../src/parent/commands/lesson/expectation.js';
import { folder, lacking, node, program, root, run, unprivileged, users } from '../../../gontainer.js';
import { filteredBy } from '../../../seccomp-filter.js';
import { inForeground, TerminalSession } from '../../../terminal-session.js';
import { until } from '../../../until.js';
import { home, leftIn } from './learner.js';

const lessonFolder = join(dirname(program), '../docs/lessons');
const names = readdirSync(lessonFolder)
  .filter((name) => /^\d/.test(name))
  .map((name) => name.replace(/^\d+-|\.md$/g, ''));

/** Every user at once, as each waits for the kernel most of the time. */
test('every lesson is true', { concurrency: users.length }, async (all) => {
  await Promise.all(
    users.map((user) =>
      all.test(user.name, { skip: user.skip }, async (context) => {
        const env = home(user);
        const { status, stdout, stderr } = await run(['lesson', '--all', '--auto'], { user, env });
        assert.equal(status, 0, stdout + stderr);
        for (const name of names) {
          const line =
            stdout.split('\n').find((text) => new RegExp(`^\\w+ +\\d+ ${name}: `).test(text)) ?? '';
          const skipped = line.startsWith('skipped') && line.slice(line.indexOf(': ') + 2);
          await context.test(name, { skip: skipped }, () => assert.match(line, /^true /, stdout));
        }
        assert.match(stdout, /^\d+ lessons are true here, 0 untrue, \d+ skipped$/m);
        assert.deepEqual(leftIn(env), [], 'nothing is left behind');
      }),
    ),
  );
});

test('a lesson sees nothing of the same one that the same user has open elsewhere', async () => {
  const twice = [0, 1].map(() =>
    run(['lesson', 'pid', '--auto'], { user: unprivileged, env: home(unprivileged) }),
  );
  for (const { status, stdout } of await Promise.all(twice)) assert.equal(status, 0, stdout);
});

/** The program with a lesson changed. */
function withChanged(file: string, change: (text: string) => string): string {
  const copy = folder();
  const installed = join(dirname(program), '..');
  cpSync(join(installed, 'dist'), join(copy, 'dist'), { recursive: true });
  cpSync(join(installed, 'docs/lessons'), join(copy, 'docs/lessons'), { recursive: true });
  symlinkSync(join(installed, 'node_modules'), join(copy, 'node_modules'));
  symlinkSync(join(installed, 'package.json'), join(copy, 'package.json'));
  const path = join(copy, 'docs/lessons', file);
  const [before, after] = [readFileSync(path, 'utf8'), change(readFileSync(path, 'utf8'))];
  assert.notEqual(after, before);
  writeFileSync(path, after);
  return join(copy, 'dist/main.cjs');
}

const runChanged = (script: string, ...words: string[]) =>
  spawnSync(node, [script, 'lesson', ...words], { encoding: 'utf8', input: '' });

test('a lesson that is no longer true fails, and says what it shows and what is so', () => {
  const script = withChanged('01-processes.md', (text) => text.replace('\nbash\n', '\nfish\n'));
  const { status, stdout } = runChanged(script, 'processes', '--auto');
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^untrue +1 processes: \S+01-processes\.md:\d+: \$ cat \/proc\/\$\$\/comm\n +expected:\n +fish\n +got:\n +bash\n/,
  );
  assert.match(stdout, /0 lessons are true here, 1 untrue, 0 skipped/);
});

test('a name that stands for one text does not fit another', () => {
  const script = withChanged('01-processes.md', (text) => text.replace('PPid: ‹number›', 'PPid: ‹shell›'));
  const { status, stdout } = runChanged(script, 'processes', '--auto');
  assert.equal(status, 1);
  assert.match(stdout, /PPid: \d+/);
});

test('a name that has to differ from another does not fit the same text', () => {
  const script = withChanged('03-uts.md', (text) =>
    text.replace('-uid -uts -- readlink', '-uid -- readlink'),
  );
  const { status, stdout } = runChanged(script, 'uts', '--auto');
  assert.equal(status, 1, stdout);
  assert.match(stdout, /\$ gontainer -run -quiet -uid -- readlink[\s\S]*‹inside ≠ outside›/);
});

for (const [expected, output, matches] of [
  ['a\n…\nz', 'a\nz', true],
  ['a\n…\nz', 'a\nb\nz\nz', true],
  ['a\n…\nz', 'a\nz\nb', false],
  ['…', '', true],
  ['', 'a', false],
  ['a …', 'a b c', true],
  ['a (b) *', 'a (b) *', true],
  ['a.c', 'abc', false],
  ['  a   b', 'a b  ', true],
  ['‹number›', '-12.5', true],
  ['‹number›', 'twelve', false],
  ['‹x› ‹x›', '1 1', true],
  ['‹x› ‹x›', '1 2', false],
  ['‹x›\n‹y ≠ x›', '1\n1', false],
  ['‹x›\n…\n‹x›', '1\n2\n1', true],
] as const) {
  test(`the output ${JSON.stringify(output)} ${matches ? 'fits' : 'does not fit'} ${JSON.stringify(expected)}`, () => {
    const lines = (text: string) => (text === '' ? [] : text.split('\n'));
    assert.equal(matchOutput(lines(expected), lines(output), new Map()) !== undefined, matches);
  });
}

test('an exercise whose check passes before it is done fails, and so does one that its solution does not pass', () => {
  const passing = withChanged('01-processes.md', (text) => text.replace('```sh\n', '```sh\nexit 0\n'));
  assert.match(
    runChanged(passing, 'processes', '--auto').stdout,
    /a check that fails before the exercise is done/,
  );
  const failing = withChanged('01-processes.md', (text) => text.replace('```sh\n', '```sh\nexit 3\n'));
  assert.match(
    runChanged(failing, 'processes', '--auto').stdout,
    /status 0 after the solution\n +got:\n +status 3/,
  );
});

for (const [what, change, said] of [
  ['no front matter', (text: string) => text.replace(/^---/, ''), /line 1, needs front matter/],
  [
    'a prediction without an answer',
    (text: string) => text.replace('**2.**', '2.'),
    /line \d+, has <details> that is no Hint, Solution or Check, nor a prediction/,
  ],
  [
    'output without a command',
    (text: string) => text.replace('```console\n$ ', '```console\n'),
    /does not begin with/,
  ],
  ['an exercise without a check', (text: string) => text.replace('>Check<', '>Solution<'), /without a Check/],
] as const) {
  test(`a lesson with ${what} is refused with its line`, () => {
    const { status, stderr } = runChanged(withChanged('01-processes.md', change), 'processes', '--auto');
    assert.equal(status, 125);
    assert.match(stderr, said);
    assert.match(stderr, /01-processes\.md/);
  });
}

for (const [words, said] of [
  [['lesson', 'utz', '--auto'], /there is no lesson “utz”\. Did you mean: gontainer lesson uts/],
  [['lesson', '99', '--auto'], /there is no lesson “99”\. See them all: gontainer lesson/],
  [['lesson', 'uts', '--all', '--auto'], /--all means every lesson/],
  [['lesson', '--auto'], /--auto needs the name of a lesson, or --all/],
  [['lesson', '--reset', 'uts'], /--reset forgets your progress in every lesson/],
  [['lesson', 'uts'], /needs a terminal\. Run it without one: gontainer lesson uts --auto/],
] as const) {
  test(`gontainer ${words.join(' ')} is refused`, async () => {
    const { status, stderr, stdout } = await run(words);
    assert.equal(status, 2);
    assert.match(stderr, said);
    assert.equal(stdout, '');
  });
}

test('a lesson that needs a program says which one is missing, and is skipped', async () => {
  const path = folder();
  symlinkSync(realpathSync('/bin/bash'), join(path, 'bash'));
  const { status, stdout } = await run(['lesson', 'uts', '--auto'], { env: { PATH: path } });
  assert.equal(status, 0);
  assert.match(stdout, /^skipped +3 uts: it needs the program hostname, which is not installed\.$/m);
  assert.match(stdout, /^0 lessons are true here, 0 untrue, 1 skipped$/m);
});

test('where the kernel refuses namespaces, a lesson says what it said and what to do', async () => {
  const script = `echo 0 > /proc/sys/user/max_user_namespaces; exec '${node}' '${program}' lesson uts --auto`;
  const { status, stdout, stderr } = await run(['run', '--quiet', '--uid', '--', 'sh', '-c', script], {
    user: unprivileged,
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^skipped +3 uts: .*unshare.*ENOSPC.*gontainer doctor$/m);
});

test('where limits cannot be set, the lesson on them says why and what to do, and is skipped', {
  skip: root.uid === process.getuid?.() ? lacking('unshare') : 'needs root',
}, async () => {
  const under = ['unshare', '--mount', 'sh', '-c', 'umount -R -l /sys/fs/cgroup && exec "$@"', 'sh'];
  const { status, stdout, stderr } = await run(['lesson', 'limits', '--auto'], { under });
  assert.equal(status, 0, stdout + stderr);
  assert.match(
    stdout,
    /^skipped +15 limits: these limits cannot be set: no control groups are mounted here.*gontainer doctor$/m,
  );
});

test('where the launcher may not watch, the lesson on that says why, and is skipped', {
  skip: lacking('bwrap'),
}, async () => {
  const under = filteredBy(folder(unprivileged), { call: 'pidfd_getfd' });
  const { status, stdout, stderr } = await run(['lesson', 'watch', '--auto'], { user: unprivileged, under });
  assert.equal(status, 0, stdout + stderr);
  assert.match(
    stdout,
    /^skipped +14 watch: .*pidfd_getfd.* failed with EPERM.* leave out --watch.*gontainer doctor$/m,
  );
});

const skip = lacking('tmux', 'setpriv');

/** A terminal of a learner, with a folder for what is left. */
function learner(): { terminal: TerminalSession; env: Record<string, string> } {
  const env = home(unprivileged);
  const terminal = new TerminalSession(unprivileged, { columns: 100, rows: 50 });
  terminal.type(`export TMPDIR=${env.TMPDIR} XDG_STATE_HOME=${env.XDG_STATE_HOME}; clear`);
  return { terminal, env };
}

/** Presses Enter, and waits for the next question. */
async function enter(terminal: TerminalSession): Promise<string> {
  const questions = (screen: string): number => screen.split('‣').length + screen.split('your turn $').length;
  const before = questions(terminal.screen());
  terminal.press('Enter');
  return until(
    () => `nothing new is asked; the screen shows:\n${terminal.screen()}`,
    () => {
      const screen = terminal.screen();
      return /(‣|your turn \$)$/.test(screen) && questions(screen) > before && screen;
    },
  );
}

/** How often what depends on the moment is tried; the more often, the surer. */
const rounds = Number(process.env.GONTAINER_LESSON_ROUNDS ?? 5);

/** Waits until a process with exactly these words was started at this terminal. */
async function running(words: string, { session }: TerminalSession): Promise<void> {
  const pgrep = ['-s', String(session), '-x', '-f', words];
  await until(`${words} does not run`, () => spawnSync('pgrep', pgrep).status === 0);
}

test('a learner can run, type, predict, err, ask and solve, and nothing is left behind', {
  skip,
}, async () => {
  const { terminal, env } = learner();
  terminal.type('gontainer lesson uts');
  await terminal.shows(/\$ uname -n\n +Enter runs it ‣$/);
  terminal.press('Enter');
  await terminal.shows(/│ \S+\n\n +\$ readlink \/proc\/self\/ns\/uts\n +Enter runs it ‣$/);
  // Typed out instead, with one blank too many: it is the lesson's command all the same.
  terminal.type('readlink  /proc/self/ns/uts');
  await terminal.shows(/│ uts:\[\d+\][\s\S]*Enter: next section ‣$/);
  // A command of one's own, in the same shell.
  terminal.type('mine=$((6 * 7)); nosuchcommand');
  await terminal.shows(
    /^ *nosuchcommand: command not found\n +\(exit status 127\)\n +Enter: next section ‣$/m,
  );
  terminal.type('echo it is $mine');
  await terminal.shows(/^it is 42$/m);
  terminal.type('help');
  await terminal.shows(/variables and\s+folders stay[\s\S]*Enter: next section ‣$/);
  terminal.press('Enter');
  await terminal.shows(/-hostname kitchen -- uname -n\n +Enter runs it ‣$/);
  terminal.press('Enter');
  await terminal.shows(/│ kitchen\n/);
  terminal.type('skip');
  await terminal.shows(/What do you think: 1, 2, 3\?.*‣$/);
  terminal.type('kitchen');
  await terminal.shows(/Type 1, 2 or 3/);
  terminal.type('1');
  await terminal.shows(/\$ uname -n\n +Enter runs it ‣$/);
  terminal.press('Enter');
  await terminal.shows(/You said 1; it is 2\.\n +1\? That was the name [\s\S]*\n +2\. sethostname/);
  while (!/your turn \$$/.test(await enter(terminal)));
  terminal.press('Enter');
  await terminal.shows(/There is no process “sleep 9004” \(yet\)\.\n +Not yet\..*\n +your turn \$$/);
  terminal.type('hint');
  await terminal.shows(/An & at the end of the line[\s\S]*your turn \$$/);
  terminal.type('gontainer -run -quiet -uid -uts -hostname pantry -- sleep 9004 & pid=$!');
  await terminal.shows(/pid=\$!\n +your turn \$$/);
  await running('sleep 9004', terminal);
  terminal.press('Enter');
  await terminal.shows(/Its host name is( pantry)+, not larder\.\n +Not yet\..*\n +your turn \$$/);
  terminal.type('kill $pid; wait $pid; gontainer -run -quiet -uid -uts -hostname larder -- sleep 9004 &');
  await terminal.shows(/larder -- sleep 9004 &\n[\s\S]*your turn \$$/);
  await running('sleep 9004', terminal);
  terminal.press('Enter');
  await terminal.shows(/✓ That is it\.[\s\S]*✓ Lesson 3 is done\. You predicted \d of \d\.[\s\S]*outside\$$/);
  assert.deepEqual(leftIn(env), [], 'nothing is left behind');
  await terminal.clear();
  terminal.type('gontainer lesson');
  await terminal.shows(/^✓ +3 +uts /m);
  terminal.type('gontainer lesson --reset; clear; gontainer lesson');
  await terminal.shows(/^ +3 +uts [\s\S]*outside\$$/m);
});

test('Ctrl-C interrupts a command and the lesson goes on; at a prompt it leaves and keeps the progress', {
  skip,
}, async () => {
  const { terminal, env } = learner();
  terminal.type('gontainer lesson processes; echo "status $?"');
  await terminal.shows(/Enter runs it ‣$/);
  terminal.type('sleep 19301');
  await terminal.shows(/sleep 19301$/);
  await running('sleep 19301', terminal);
  terminal.press('C-c');
  await terminal.shows(/\(exit status 130\)\n +Enter runs it ‣$/);
  terminal.type('sh');
  await terminal.shows(/‣ sh\n[$#]$/);
  terminal.type('tty; exit 5');
  await terminal.shows(/\/dev\/pts\/\d+\n[\s\S]*\(exit status 5\)\n +Enter runs it ‣$/);
  terminal.type('gontainer -run -quiet -uid -- sleep 19302 & disown');
  await terminal.shows(/disown\n +Enter runs it ‣$/);
  while (!/^2\/\d+ +What it sees/m.test(await enter(terminal)));
  terminal.press('C-c');
  await terminal.shows(
    /Section 2 of \d+ is next\. Go on there with: gontainer lesson processes\nstatus 0\noutside\$$/,
  );
  assert.deepEqual(leftIn(env), [], 'nothing is left behind');
  const sleeping = spawnSync('pgrep', ['-s', String(terminal.session), '-f', 'sleep 19302'], {
    encoding: 'utf8',
  });
  assert.equal(sleeping.stdout, '', 'not even what was put in the background');
  await terminal.clear();
  terminal.type('gontainer lesson');
  await terminal.shows(/^◐ +1 +processes /m);
  await terminal.clear();
  terminal.type('gontainer lesson 1');
  await terminal.shows(/You were at section 2 of \d+, “What it sees”.*\n.*‣$/);
  terminal.press('Enter');
  await terminal.shows(/^2\/\d+ [\s\S]*Enter runs it ‣$/m);
  terminal.type('exit');
  await terminal.shows(/outside\$$/);
  assert.deepEqual(leftIn(env), []);
});

test('a lesson that is ended by a signal leaves nothing behind', { skip }, async () => {
  const { terminal, env } = learner();
  terminal.type('gontainer lesson processes; echo "status $?"');
  await terminal.shows(/Enter runs it ‣$/);
  terminal.type('sleep 19303');
  await running('sleep 19303', terminal);
  spawnSync('pkill', [
    '-TERM',
    '-u',
    String(unprivileged.uid),
    '-x',
    '-f',
    `${node} ${program} lesson processes`,
  ]);
  await terminal.shows(/status 143\noutside\$$/);
  assert.deepEqual(leftIn(env), []);
});

for (const [key, status] of [
  ['C-c', 130],
  ['C-\\', 131],
] as const)
  test(`${key} ends the check of a lesson, and nothing is left behind`, { skip }, async () => {
    const script = withChanged('01-processes.md', (text) =>
      text.replace('$ echo $$\n‹shell›\n', '$ touch "$TMPDIR/begun"; until false; do sleep 0.4; done\n'),
    );
    const { terminal, env } = learner();
    terminal.type(`'${node}' '${script}' lesson processes --auto; echo "status $?"`);
    // The shell of such a check has a session of its own, so it is not found by that of the terminal.
    await until('the command does not begin', () => existsSync(join(env.TMPDIR as string, 'begun')));
    terminal.press(key);
    await terminal.shows(new RegExp(`status ${status}\\noutside\\$$`));
    assert.deepEqual(leftIn(env), []);
  });

/** A learner at a lesson whose first command is another one. */
async function atCommand(command: string): Promise<ReturnType<typeof learner>> {
  const script = withChanged('01-processes.md', (text) =>
    text.replace('$ echo $$\n‹shell›\n', `$ ${command}\n`),
  );
  const started = learner();
  started.terminal.type(`'${node}' '${script}' lesson processes; echo "status $?"`);
  await started.terminal.shows(/Enter runs it ‣$/);
  return started;
}

test('Ctrl-C ends a loop of the shell, the lesson’s and the learner’s own', { skip }, async () => {
  const { terminal, env } = await atCommand(
    'until [ -e never ]; do sleep 0.1; done   # until somebody makes it',
  );
  terminal.press('Enter');
  // After five seconds it says what it waits for.
  await terminal.shows(/\(Still waiting until somebody makes it\. Ctrl-C stops it\.\)/);
  terminal.press('C-c');
  await terminal.shows(/\(Interrupted\.[\s\S]*Enter runs it ‣$/);
  terminal.type('until false; do sleep 0.2; done; echo never');
  await terminal.shows(/echo never$/);
  await running('sleep 0.2', terminal);
  terminal.press('C-c');
  await terminal.shows(/\(exit status 130\)\n +Enter runs it ‣$/);
  // As a whole, whichever function it is in.
  terminal.type('f() { until false; do sleep 0.3; done; }; while :; do f; done; echo never');
  await terminal.shows(/echo never$/);
  await running('sleep 0.3', terminal);
  terminal.press('C-c');
  await terminal.shows(/(\(exit status 130\)\n +Enter runs it ‣[\s\S]*){2}$/);
  terminal.type('kept=1; echo kept $kept');
  await terminal.shows(/^kept 1\n +Enter runs it ‣$/m);
  terminal.press('C-c');
  await terminal.shows(/status 0\noutside\$$/);
  assert.deepEqual(leftIn(env), []);
});

test('no Ctrl-C is lost: it is for the command, or it leaves the lesson', { skip }, async () => {
  for (let round = 0; round < rounds; round += 1) {
    const { terminal, env } = learner();
    terminal.type('gontainer lesson processes; echo "status $?"');
    await terminal.shows(/Enter runs it ‣$/);
    // Nobody knows whether it comes before the command, while it runs, after it, or after the next question.
    terminal.type(': $((6 * 7))');
    terminal.press('C-c');
    const screen = await terminal.shows(/\(exit status 130\)\n +Enter runs it ‣$|status 0\noutside\$$/);
    if (screen.endsWith('‣')) terminal.press('C-c');
    await terminal.shows(/Until later: gontainer lesson processes\nstatus 0\noutside\$$/);
    assert.deepEqual(leftIn(env), []);
    await terminal.close();
  }
});

test('Ctrl-Z stops the lesson, at a prompt and in a command, and fg goes on with it', { skip }, async () => {
  const { terminal, env } = learner();
  terminal.type('gontainer lesson processes; echo "status $?"');
  await terminal.shows(/Enter runs it ‣$/);
  terminal.press('C-z');
  await terminal.shows(/Stopped[\s\S]*outside\$$/);
  terminal.type('fg');
  await terminal.shows(/fg\n[\s\S]*Enter runs it ‣$/);
  terminal.type('echo still $((6 * 7)); sleep 19305; echo slept');
  await terminal.shows(/^still 42$/m);
  await inForeground('sleep 19305');
  terminal.press('C-z');
  await terminal.shows(/still 42[\s\S]*Stopped[\s\S]*outside\$$/);
  terminal.type('fg');
  await inForeground('sleep 19305');
  terminal.press('C-c');
  await terminal.shows(/\(exit status 130\)\n +Enter runs it ‣$/);
  terminal.press('C-d');
  await terminal.shows(/Until later: gontainer lesson processes\n[\s\S]*outside\$$/);
  assert.deepEqual(leftIn(env), []);
});

test('a Ctrl-C that comes between two commands leaves the lesson', { skip }, async () => {
  const { terminal, env } = learner();
  terminal.type('gontainer lesson processes; echo "status $?"');
  await terminal.shows(/Enter runs it ‣$/);
  // The shell is given it when it runs nothing, as by a key in the moment before the question.
  terminal.type(`(until [ -e '${env.TMPDIR}/go' ]; do sleep 0.1; done; kill -INT $$) &`);
  await terminal.shows(/kill -INT \$\$\) &\n +Enter runs it ‣$/);
  writeFileSync(join(env.TMPDIR as string, 'go'), '');
  await terminal.shows(/Until later: gontainer lesson processes\nstatus 0\noutside\$$/);
  assert.deepEqual(leftIn(env), []);
});

test('what a lesson does at its end is not interrupted', { skip }, async () => {
  const script = withChanged('01-processes.md', (text) =>
    text.replace(/^title: /m, 'cleanup: kill -INT 0; kill -INT $$; touch "$TMPDIR/cleaned"\ntitle: '),
  );
  const { terminal, env } = learner();
  terminal.type(`'${node}' '${script}' lesson processes; echo "status $?"`);
  await terminal.shows(/Enter runs it ‣$/);
  terminal.press('C-c');
  await terminal.shows(/status 0\noutside\$$/);
  assert.ok(existsSync(join(env.TMPDIR as string, 'cleaned')));
});

test('Ctrl-\\ ends the lesson and leaves nothing, in a command, in a loop and at a prompt', {
  skip,
}, async () => {
  for (const command of ['sleep 19304', 'until false; do sleep 0.2; done', undefined]) {
    const { terminal, env } = learner();
    terminal.type('gontainer lesson processes; echo "status $?"');
    await terminal.shows(/Enter runs it ‣$/);
    if (command !== undefined) {
      terminal.type(command);
      await running(/sleep [\d.]+/.exec(command)?.[0] as string, terminal);
    }
    terminal.press('C-\\');
    await terminal.shows(command === undefined ? /status 0\noutside\$$/ : /status 131\noutside\$$/);
    assert.deepEqual(leftIn(env), [], String(command));
    await terminal.close();
  }
});

test('what waits for a skipped command is skipped too', { skip }, async () => {
  const { terminal } = learner();
  terminal.type('gontainer lesson uts');
  await terminal.shows(/Enter runs it ‣$/);
  let screen = '';
  while (!/exec\s+sleep 9060' &\n +Enter runs it ‣$/.test(screen)) {
    assert.doesNotMatch(screen, /your turn/);
    screen = await enter(terminal);
  }
  terminal.type('skip');
  await terminal.shows(/only waits for what you skipped[\s\S]*nsenter[\s\S]*Enter runs it ‣$/);
  await enter(terminal);
  await terminal.shows(/may be because of what was skipped/);
});

test('a learner can go back, start a section again and list the sections', { skip }, async () => {
  const { terminal, env } = learner();
  terminal.type('gontainer lesson processes');
  await terminal.shows(/Enter runs it ‣$/);
  while (!/^2\/\d+ +What it sees[\s\S]*Enter runs it ‣$/m.test(await enter(terminal)));
  terminal.type('touch made-here; list');
  await terminal.shows(/list: command not found[\s\S]*‣$/);
  terminal.type('list');
  await terminal.shows(/^ +1 +Everything is a process\n +▸ 2 +What it sees\n +3 +Children inherit/m);
  await terminal.clear();
  terminal.type('again');
  await terminal.shows(/Doing again[\s\S]*^2\/\d+ +What it sees[\s\S]*Enter runs it ‣$/m);
  terminal.type('ls; echo "in $(basename $PWD)"');
  await terminal.shows(/\nin work\n/);
  assert.doesNotMatch(terminal.screen(), /made-here/, 'the folder is a fresh one');
  await terminal.clear();
  terminal.type('back');
  await terminal.shows(/^1\/\d+ +Everything is a process[\s\S]*Enter runs it ‣$/m);
  terminal.press('C-c');
  await terminal.shows(/Until later: gontainer lesson processes\noutside\$$/);
  assert.deepEqual(leftIn(env), []);
});

test('a wrong answer is told why that one is wrong, and no other', { skip }, async () => {
  const { terminal } = learner();
  terminal.type('gontainer lesson processes');
  await terminal.shows(/Enter runs it ‣$/);
  for (let screen = ''; !/just show me\) ‣$/.test(screen); ) screen = await enter(terminal);
  terminal.type('3');
  await enter(terminal);
  await terminal.shows(/You said 3; it is 2\.\n +3\? There is no process without a network namespace/);
  assert.doesNotMatch(terminal.screen(), /1\? A process gets/);
});

test('a prediction that does not say why each wrong choice is wrong is refused', () => {
  const script = withChanged('01-processes.md', (text) => text.replace('- **3?** ', '- '));
  const { status, stderr } = runChanged(script, 'processes', '--auto');
  assert.equal(status, 125);
  assert.match(stderr, /01-processes\.md, line \d+, has a prediction that does not say why \d is wrong/);
});

test('the output of a command is escaped, and what follows a resized window fits it', { skip }, async () => {
  const { terminal } = await atCommand("printf '\\033[2Jtaken\\033]0;title\\007\\n'");
  terminal.press('Enter');
  await terminal.shows(/│ \\x1b\[2Jtaken\\x1b\]0;title\\x07[\s\S]*comm\n +Enter runs it ‣$/);
  terminal.resize(44, 50);
  await terminal.clear();
  await terminal.shows(/^( *Enter runs it ‣\n?)+$/);
  terminal.type('help');
  const screen = await terminal.shows(/variables\s+and\s+folders\s+stay[\s\S]*Enter runs it ‣$/);
  assert.deepEqual(terminal.broken(), [], screen);
});

test('a progress file in another form counts as no progress', async () => {
  const env = home(unprivileged);
  mkdirSync(join(env.XDG_STATE_HOME as string, 'gontainer'));
  writeFileSync(join(env.XDG_STATE_HOME as string, 'gontainer/lessons.json'), '{"uts": 7, "pid": [');
  const { status, stdout } = await run(['lesson'], { user: unprivileged, env });
  assert.equal(status, 0);
  assert.doesNotMatch(stdout, /^[✓◐] +\d/m);
});
