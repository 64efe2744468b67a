/**
 * --pty and --new-session: what a terminal of its own is good for, tried in a real one, and what it protects from. Each
 * attack is also made on a shared terminal, where it succeeds.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isStopped, processStatOrNone } from '../../../src/common/process-files.js';
import { folder, lacking, node, program, rootfs, run, start, unprivileged, users } from '../../gontainer.js';
import { firstLike, parentOf, processesLike } from '../../processes.js';
import { inForeground, TerminalSession } from '../../terminal-session.js';
import { until } from '../../until.js';

const skip = lacking('tmux', 'setpriv');
const prompt = /📦 \[root@box\] \S+ ‣$/;
const waiting = "sh -c 'echo be''gun; exec sleep 4710'";
const begun = /\bbegun\s*$/m;

/** A terminal with a shell in all namespaces, and in a terminal of its own. */
async function inside(options = ''): Promise<TerminalSession> {
  const terminal = new TerminalSession();
  terminal.type(`gontainer -run --quiet --all --pty -hostname box ${options}`);
  await terminal.shows(prompt);
  return terminal;
}

/** The terminal's modes are those of a shell's: lines are edited, shown, and Ctrl-C is a signal. */
async function isInOrder(terminal: TerminalSession): Promise<void> {
  terminal.type('stty -a; echo sho""wn');
  const screen = await terminal.shows(/^shown$/m);
  for (const mode of ['icanon', 'echo', 'isig', 'icrnl', 'opost', 'ixon'])
    assert.match(screen, new RegExp(`[ \\n]${mode}[ ;\\n]`), mode);
}

test('inside there is a terminal of its own, and a shell has job control', { skip }, async () => {
  const terminal = await inside();
  terminal.type('tty; ls /dev/pts');
  await terminal.shows(/^\/dev\/pts\/0\n0 +ptmx$/m);
  assert.doesNotMatch(terminal.screen(), /can't access tty|no job control/);
  terminal.type(waiting);
  await terminal.shows(begun);
  terminal.press('C-z');
  await terminal.shows(/Stopped[\s\S]*‣$/);
  terminal.type('fg');
  await inForeground('sleep 4710');
  terminal.press('C-c');
  await terminal.shows(/\^C[\s\S]*‣$/);
  terminal.type('exit 7');
  await terminal.shows(/outside\$$/);
  terminal.type('echo "status $?"');
  await terminal.shows(/^status 7$/m);
  await isInOrder(terminal);
});

test('the window has the size of the caller’s, and follows it', { skip }, async () => {
  const terminal = await inside();
  terminal.type('stty size');
  await terminal.shows(/^40 120\n.*‣$/m);
  // It says so when the signal comes, which is some time after the window has changed.
  terminal.type(
    `(trap 'echo resized to $(stty size); exit' WINCH; echo "is" set; while :; do sleep 0.1; done)`,
  );
  await terminal.shows(/is set$/m);
  terminal.resize(90, 25);
  await terminal.shows(/^resized to 25 90$/m);
});

test('full-screen programs draw, read keys and leave the terminal as it was', { skip }, async () => {
  const terminal = await inside(`-mnt ${await rootfs(unprivileged)}`);
  terminal.type('tty');
  await terminal.shows(/^\/dev\/pts\/0$/m);
  terminal.type('vi /tmp/text');
  await terminal.shows(/~\n~\n/);
  terminal.press('i');
  terminal.type('written in vi');
  await terminal.shows(/^written in vi\n[\s\S]*^I \/tmp\/text/m);
  terminal.press('Escape');
  await terminal.shows(/^- \/tmp\/text/m);
  terminal.type(':wq');
  await terminal.shows(/‣$/);
  terminal.type('seq 1 200 >/tmp/lines; less /tmp/lines');
  await terminal.shows(/^38\n39/m);
  terminal.press('G');
  await terminal.shows(/^199\n200/m);
  terminal.press('q');
  await terminal.shows(/‣$/);
  terminal.type('cat /tmp/text');
  await terminal.shows(/‣ cat \/tmp\/text\nwritten in vi/);
});

test('Ctrl-C and Ctrl-Z are keys of the terminal inside', { skip }, async () => {
  const terminal = new TerminalSession();
  terminal.type(`gontainer run --quiet --uid --pid --pty -- ${waiting}`);
  await terminal.shows(begun);
  // Nobody inside could continue it, so it is not stopped: credentials(7), an orphaned process group.
  terminal.press('C-z');
  await terminal.shows(/\^Z$/);
  terminal.press('C-c');
  await terminal.shows(/\^C\s*outside\$$/);
  terminal.type('echo status $?');
  await terminal.shows(/^status 130$/m);
});

for (const who of ['command', 'child'] as const) {
  test(`the caller’s terminal is in order after SIGKILL of the ${who}`, { skip }, async () => {
    const terminal = new TerminalSession();
    terminal.type(
      `gontainer run --quiet --uid --pid --pty -- sh -c 'stty raw -echo; echo be""gun; exec sleep 4711'; echo "status $?"`,
    );
    await terminal.shows(begun);
    await inForeground('sleep 4711');
    const command = processesLike(/^sleep 4711 $/)[0] as number;
    process.kill(who === 'command' ? command : parentOf(command), 'SIGKILL');
    await terminal.shows(/^ *status 137$/m);
    await isInOrder(terminal);
  });
}

test('the caller’s terminal is in order after SIGKILL of the parent', {
  skip: skip || lacking('dash'),
}, async () => {
  const terminal = new TerminalSession();
  // This shell puts nothing in order by itself.
  terminal.type("PS1='dash> ' exec dash");
  await terminal.shows(/^dash>$/m);
  terminal.type(
    `'${node}' '${program}' run --quiet --uid --pid --pty -- sh -c 'echo be""gun; exec sleep 4712'; echo "status $?"`,
  );
  await terminal.shows(begun);
  await inForeground('sleep 4712');
  const command = processesLike(/^sleep 4712 $/)[0] as number;
  const child = parentOf(command);
  process.kill(parentOf(child), 'SIGKILL');
  await terminal.shows(/^ *status 137$/m);
  // One process was left to do it, and ends too.
  const copies = (): number[] => processesLike(/main\.cjs run .* exec sleep 4712/);
  await until('a copy of the launcher is left', () => copies().length === 0);
  await isInOrder(terminal);
  for (const pid of [command, child]) await until(`${pid} is left`, () => !existsSync(`/proc/${pid}`));
});

test('a launcher that is stopped and continued goes on with the terminal', { skip }, async () => {
  const terminal = await inside();
  // The keeper is a copy of it, and its child.
  const launcher = firstLike(/main\.cjs -run --quiet --all --pty -hostname box $/) as number;
  process.kill(launcher, 'SIGTSTP');
  await terminal.shows(/Stopped/);
  await isInOrder(terminal);
  terminal.resize(100, 30);
  terminal.type('fg');
  await terminal.shows(/fg\n/);
  terminal.type('until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; tty');
  await terminal.shows(/^\/dev\/pts\/0\n.*‣$/m);
  terminal.press('C-c');
  // A shell that is interrupted forgets what it has read already.
  await terminal.shows(/\^C\n.*‣$/);
  terminal.type('exit');
  await terminal.shows(/outside\$$/);
});

test('a launch in the background waits for the foreground', { skip }, async () => {
  const terminal = new TerminalSession();
  terminal.type(`gontainer run --quiet --uid --pid --pty -- sh -c 'read word; echo got $word' &`);
  await terminal.shows(/^\[1\] \d+/m);
  const launcher = () => processesLike(/main\.cjs run --quiet --uid --pid --pty -- sh -c read word/);
  const stopped = (pid: number) => {
    const stat = processStatOrNone(pid);
    return stat !== undefined && isStopped(stat);
  };
  await until('the launcher is not stopped', () => launcher().some(stopped));
  terminal.type('fg');
  await terminal.shows(/fg\ngontainer run/);
  terminal.type('this');
  await terminal.shows(/^got this\noutside\$$/m);
  await isInOrder(terminal);
});

/**
 * Types a line for whoever reads the terminal next (ioctl_tty(2), TIOCSTI), on every terminal that can be opened, and
 * says which those are.
 */
const attack = `
  my $line = 'echo in""jected' . "\\n";
  for my $place ("&0", glob("/proc/[0-9]*/fd/*"), "/dev/tty", glob("/dev/pts/[0-9]*")) {
    next if readlink($place) =~ /^(pipe|anon_inode):/;
    my $terminal;
    ($place eq "&0" ? open($terminal, "+<&0") : open($terminal, "+<", $place)) or next;
    -t $terminal or next;
    my ($system, $inode, $device) = (stat $terminal)[0, 1, 6];
    my $seen = sprintf("%x:%x %d %d", $device >> 8, $device & 255, $inode, $system);
    $reached{$seen} = 1 unless $place eq "/dev/tty";
    ioctl($terminal, 0x5412, $_) for split //, $line;
  }
  print "attack on $_\\n" for sort keys %reached;
  print "attack over\\n";
`;

const injectable = existsSync('/proc/sys/dev/tty/legacy_tiocsti')
  ? readFileSync('/proc/sys/dev/tty/legacy_tiocsti', 'utf8').trim() === '1'
  : true;

interface Attacked {
  /** Whether the caller's shell was given a line. */
  readonly injected: boolean;
  /** Whether the caller's terminal could be opened inside; a terminal is told by device, inode and file system. */
  readonly reached: boolean;
  /** How many terminals could be opened. */
  readonly count: number;
}

/** Attacks from inside, ends the container, and looks what came of it. */
async function attacked(options: string): Promise<Attacked> {
  const file = join(folder(unprivileged), 'attack');
  writeFileSync(file, attack);
  const terminal = new TerminalSession();
  terminal.type(`gontainer run --quiet --all ${options} -- perl ${file}; echo af""terwards`);
  await terminal.shows(/^afterwards$/m);
  terminal.type('stat -c "own %t:%T %i %d" $(tty); echo last""line');
  const screen = await terminal.shows(/^lastline$/m);
  assert.match(screen, /^attack over/m, 'the attack was not tried');
  const [, own] = /^own (.*)$/m.exec(screen) ?? [];
  const reached = [...screen.matchAll(/^attack on (.*)$/gm)].map(([, terminal]) => terminal?.trim());
  return {
    injected: /^injected$/m.test(screen),
    reached: reached.includes(own),
    count: reached.length,
  };
}

const perl = skip || lacking('perl');

test('with --pty nobody inside reaches the caller’s terminal', { skip: perl }, async () => {
  // The one that it reaches is its own.
  assert.deepEqual(await attacked('--pty'), { injected: false, reached: false, count: 1 });
});

test('with --new-session nobody inside can type into the caller’s terminal', { skip: perl }, async () => {
  const { injected, reached } = await attacked('--new-session');
  assert.deepEqual({ injected, reached }, { injected: false, reached: true });
});

test('without --pty somebody inside reaches the caller’s terminal', { skip: perl }, async () => {
  assert.equal((await attacked('')).reached, true);
});

test('without either somebody inside can type into the caller’s terminal', {
  skip: perl || (!injectable && 'the sysctl dev.tty.legacy_tiocsti is 0 here'),
}, async () => {
  assert.equal((await attacked('')).injected, true);
});

for (const user of users) {
  test(`${user.name}: --pty works without a terminal of the caller, as script(1) does`, {
    skip: user.skip,
  }, async () => {
    const words = ['run', '--quiet', '--uid', '--pid', '--pty', '--'];
    const shown = await run([...words, 'sh', '-c', 'tty; echo to standard error >&2; exit 3'], { user });
    assert.deepEqual(shown, {
      status: 3,
      signal: null,
      stderr: '',
      stdout: '/dev/pts/0\r\nto standard error\r\n',
    });
    // The end of the input is passed on, whether its last line is complete or not, and is not shown.
    for (const input of ['', 'one\ntwo\n', 'one\ntwo']) {
      const read = await run([...words, 'cat'], { user, input });
      assert.equal(read.stdout, input.replaceAll('\n', '\r\n'));
      assert.equal(read.status, 0);
    }
  });

  test(`${user.name}: everything that was written arrives`, { skip: user.skip }, async () => {
    for (const namespaces of [['--uid', '--pid'], ['--uid']]) {
      const words = ['run', '--quiet', ...namespaces, '--pty', '--', 'seq', '1', '200000'];
      const { stdout, status } = await run(words, { user });
      assert.equal(status, 0);
      assert.equal(
        stdout.length,
        Array.from({ length: 200_000 }, (_, index) => `${index + 1}\r\n`).join('').length,
      );
      assert.ok(stdout.endsWith('\r\n200000\r\n'));
    }
  });

  test(`${user.name}: much input arrives although nobody reads the output for long`, {
    skip: user.skip,
  }, async () => {
    const input = Array.from({ length: 50_000 }, (_, index) => `line ${index}\n`).join('');
    const words = ['run', '--quiet', '--uid', '--pid', '--pty', '--', 'sh', '-c', 'sleep 0.3; exec cat'];
    const { stdout, status } = await run(words, { user, input });
    assert.equal(status, 0);
    assert.equal(stdout, input.replaceAll('\n', '\r\n'));
  });

  test(`${user.name}: a reader that goes away hangs the terminal up`, { skip: user.skip }, async () => {
    const launcher = start(['run', '--quiet', '--uid', '--pid', '--pty', '--', 'yes'], { user });
    launcher.stdout?.once('data', () => launcher.stdout?.destroy());
    const status = await new Promise((done) => launcher.on('exit', done));
    assert.equal(status, 129);
  });

  test(`${user.name}: signals sent to the launcher reach the command`, { skip: user.skip }, async () => {
    for (const [signal, status] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
      ['SIGHUP', 129],
    ] as const) {
      for (const option of ['--pty', '--new-session']) {
        const words = [
          'run',
          '--quiet',
          '--uid',
          '--pid',
          option,
          '--',
          'sh',
          '-c',
          'echo begun; exec sleep 1000',
        ];
        const launcher = start(words, { user });
        await new Promise((done) => launcher.stdout?.once('data', done));
        launcher.kill(signal);
        assert.equal(await new Promise((done) => launcher.on('exit', done)), status, `${option} ${signal}`);
      }
    }
  });

  test(`${user.name}: as PID 1 the command has a terminal of its own too`, { skip: user.skip }, async () => {
    const script = 'tty; cut -d " " -f 1,6,7 /proc/$$/stat; ls /proc/1/fd; read word; echo $word; exit 3';
    const words = ['run', '--quiet', '--all', '--as-pid-1', '--pty', '--', 'sh', '-c', script];
    const { status, stdout } = await run(words, { user, input: 'this\n' });
    assert.equal(stdout, '/dev/pts/0\r\n1 1 34816\r\n0  1  2\r\nthis\r\n');
    assert.equal(status, 3);
  });

  test(`${user.name}: --user has the terminal under its own name`, {
    skip: user.skip || (user.uid !== 0 && 'needs more than one user ID'),
  }, async () => {
    const root = await rootfs(user);
    const words = ['run', '--quiet', '--pid', '--mnt', root, '--user', '1000:1000', '--pty', '--'];
    const { stdout, stderr } = await run(
      [...words, 'sh', '-c', 'id -u; tty; ls -ln /dev/pts/0; echo opened >/dev/pts/0; echo too >/dev/tty'],
      { user },
    );
    assert.equal(stderr, '');
    assert.match(stdout, /^1000\r\n\/dev\/pts\/0\r\ncrw--w---- +1 1000 .*\r\nopened\r\ntoo\r\n$/);
  });

  test(`${user.name}: --new-session has no controlling terminal and another session`, {
    skip: user.skip,
  }, async () => {
    const own = (
      await run(['run', '--quiet', '--uid', '--', 'cut', '-d ', '-f6', '/proc/self/stat'], { user })
    ).stdout;
    const script = '(: </dev/tty) 2>/dev/null || echo none; cut -d " " -f 1,5,6,7 /proc/$$/stat; exit 5';
    const words = ['run', '--quiet', '--uid', '--new-session', '--', 'sh', '-c', script];
    const { status, stdout } = await run(words, { user });
    const [tty, numbers = ''] = stdout.split('\n');
    const [pid, group, session, terminal] = numbers.split(' ');
    assert.equal(status, 5);
    assert.equal(tty, 'none');
    assert.deepEqual([group, session, terminal], [pid, pid, '0']);
    assert.notEqual(session, own.trim());
  });
}

test('in a new session Ctrl-C at the caller’s terminal still ends the command', { skip }, async () => {
  const terminal = new TerminalSession();
  terminal.type(
    `gontainer run --quiet --uid --pid --new-session -- sh -c '(: </dev/tty); echo be""gun; exec sleep 1000'`,
  );
  await terminal.shows(begun);
  assert.match(terminal.screen(), /cannot open \/dev\/tty: No such device or address/);
  terminal.press('C-c');
  await terminal.shows(/\^C\s*outside\$$/);
  terminal.type('echo status $?');
  await terminal.shows(/^status 130$/m);
  await isInOrder(terminal);
});

test('step by step, the terminal is the command’s only after the last step', { skip }, async () => {
  const terminal = new TerminalSession(unprivileged, { columns: 120, rows: 60 });
  terminal.type('gontainer run --quiet --uid --pid --pty --step -- sh');
  await terminal.shows(/1\/\d+ +leave[\s\S]*help *$/);
  for (const title of [
    'map user',
    'start the child',
    'make every',
    'mount a new \\/proc',
    'mount a new \\/dev\\/pts',
    'open a terminal',
    'make the',
    'execute sh',
  ]) {
    terminal.press('Enter');
    await terminal.shows(new RegExp(`\\d/\\d+ +${title}[\\s\\S]*help *$`));
  }
  terminal.press('Enter');
  await terminal.shows(/‣$/);
  terminal.type('tty; stty size');
  await terminal.shows(/^\/dev\/pts\/0\n60 120$/m);
  terminal.type('exit');
  await terminal.shows(/outside\$$/);
  await isInOrder(terminal);
});

test('--pty is refused with --new-session, and where user 0 and group 0 are not mapped', async () => {
  const cases: [string[], RegExp][] = [
    [
      ['--pty', '--new-session'],
      /^gontainer: --pty gives the command a terminal of its own, and --new-session gives it none\. Choose one\.$/m,
    ],
    [
      ['--pty', '--uid-map', '5:0:1', '--gid-map', '5:0:1'],
      /^gontainer: --pty needs user 0 and group 0 in the container/,
    ],
  ];
  for (const [options, sentence] of cases) {
    const { status, stdout, stderr } = await run(['run', '--uid', ...options]);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, sentence);
  }
});

test('no process is left, which alone could hold a terminal open', async () => {
  const mark = `GONTAINER_TEST_MARK=${randomUUID()}`;
  const marked = (): string[] =>
    readdirSync('/proc').filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'utf8').includes(mark);
      } catch {
        return false; // It is no process, has ended, or is another user's.
      }
    });
  const launcher = spawn(
    node,
    [program, 'run', '--quiet', '--uid', '--pty', '--', 'sh', '-c', 'readlink /proc/self/fd/0; cat'],
    {
      cwd: '/',
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, GONTAINER_TEST_MARK: mark.split('=')[1] },
    },
  );
  const closed = once(launcher, 'close');
  const [text] = await once(launcher.stdout, 'data');
  assert.equal(String(text), '/dev/pts/0\r\n');
  assert.notEqual(marked().length, 0, 'what is looked for would be found');
  launcher.stdin.end();
  await closed;
  assert.deepEqual(marked(), []);
});
