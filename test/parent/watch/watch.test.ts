/** What --watch says of a call, and that whatever happens the command is answered and nothing is left. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { numberOf } from '../../call-numbers.js';
import {
  finished,
  folder,
  lacking,
  node,
  program,
  records,
  root,
  rootfs,
  run,
  start,
  type User,
  unprivileged,
  users,
} from '../../gontainer.js';
import { TerminalSession } from '../../terminal-session.js';

interface Watched {
  readonly watched: string;
  readonly args: readonly string[];
  readonly paths?: readonly string[];
  readonly pid: number;
  readonly process: { readonly inside: number; readonly name: string };
  readonly answer: { readonly namespace: string; readonly whose: string; readonly means: string };
  readonly known: string;
  readonly refusal?: { readonly errno: string; readonly because: string; readonly option?: string };
}

/** The watched calls of a launch, and how it ended. */
async function watched(words: readonly string[], user: User, status = 0) {
  const log = join(folder(user), 'log');
  const ended = await run(['run', '--quiet', '--watch', '--log-file', log, ...words], { user });
  assert.equal(ended.status, status, ended.stderr);
  const all = records(log);
  const calls = all.filter((record) => record.watched !== undefined) as unknown as Watched[];
  const [summary] = all.flatMap(({ watch }) =>
    watch === undefined ? [] : [watch as Record<string, number>],
  );
  return { ...ended, all, calls, summary };
}

for (const user of users) {
  const only = { skip: user.skip };

  test(
    `${user.name}: uname is answered by the UTS namespace, and without one by the host's`,
    only,
    async () => {
      for (const [words, whose, means] of [
        [['--uts', '--hostname', 'box'], 'container', /^the UTS namespace: box, the host says /],
        [[], 'host', /^the host’s UTS namespace: /],
      ] as const) {
        const { calls } = await watched(['--uid', ...words, '--', 'uname', '-n'], user);
        const call = calls.find(({ watched }) => watched === 'uname');
        assert.equal(call?.answer.namespace, 'uts');
        assert.equal(call.answer.whose, whose);
        assert.match(call.answer.means, means);
      }
    },
  );

  test(`${user.name}: a process is told by its number inside and by the host's`, only, async () => {
    const { calls } = await watched(['--uid', '--pid', '--', 'sh', '-c', 'echo $PPID'], user);
    const call = calls.find(({ watched, process }) => watched === 'getppid' && process.name === 'sh');
    assert.match(
      call?.answer.means ?? '',
      new RegExp(`process ${call?.process.inside} is ${call?.pid} on the host$`),
    );
    assert.notEqual(call?.process.inside, call?.pid);
  });

  test(`${user.name}: a read-only mount is foreseen, with the option that would help`, only, async () => {
    const words = ['--uid', '--mnt', await rootfs(user), '--read-only', '--tmpfs', '/tmp', '--'];
    const { calls, stderr } = await watched(
      [...words, 'sh', '-c', 'echo x >/tmp/y; echo x >/new; true'],
      user,
    );
    assert.match(stderr, /\/new: Read-only file system/);
    const [refused, ...more] = calls.filter(({ refusal }) => refusal !== undefined);
    assert.deepEqual(more, []);
    assert.equal(refused?.known, 'foreseen');
    assert.deepEqual(refused.paths, ['/new']);
    assert.equal(refused.refusal?.errno, 'EROFS');
    assert.match(refused.refusal.option ?? '', /--tmpfs or --bind/);
  });

  test(`${user.name}: where there is no route, that is foreseen`, {
    skip: user.skip || lacking('perl'),
  }, async () => {
    const script =
      'use Socket; socket(S, AF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(80, inet_aton("192.0.2.1"))) or print "$!"';
    const { calls, stdout } = await watched(['--uid', '--net', '--', 'perl', '-e', script], user);
    assert.equal(stdout, 'Network is unreachable');
    const call = calls.find(({ watched }) => watched === 'connect');
    assert.match(call?.args[1] ?? '', /sin_port=htons\(80\), sin_addr=inet_addr\("192.0.2.1"\)/);
    assert.equal(call?.answer.means, 'the network namespace: only lo is there, no route');
    assert.equal(call.refusal?.errno, 'ENETUNREACH');
    assert.match(call.refusal.option ?? '', /--net/);
  });

  test(`${user.name}: a message is seen where it has an address of its own`, {
    skip: user.skip || lacking('perl'),
  }, async () => {
    const script =
      'use Socket; socket(S, AF_INET, SOCK_DGRAM, 0); my $lo = sockaddr_in(9, inet_aton("127.0.0.1"));' +
      'send(S, "one", 0, $lo); send(S, "two", 0, my $far = sockaddr_in(9, inet_aton("192.0.2.1"))) or print "$!";' +
      `syscall(${numberOf('sendmsg')}, fileno(S), pack("PLx4x40", $far, length $far), 0);` +
      'connect(S, $lo); send(S, "three", 0);';
    const { calls, stdout } = await watched(['--uid', '--net', '--', 'perl', '-e', script], user);
    assert.equal(stdout, 'Network is unreachable');
    const sent = calls.filter(({ watched }) => watched === 'sendto');
    assert.deepEqual(
      sent.map(({ args, refusal }) => [
        args[2],
        /inet_addr\("(.*)"\)/.exec(args[4] ?? '')?.[1],
        refusal?.errno,
      ]),
      [
        ['3', '127.0.0.1', undefined],
        ['3', '192.0.2.1', 'ENETUNREACH'],
      ],
    );
    const [message] = calls.filter(({ watched }) => watched === 'sendmsg');
    assert.equal(message?.refusal?.errno, 'ENETUNREACH');
  });

  test(`${user.name}: messages that lead nowhere are shown as far as they go`, {
    skip: user.skip || lacking('perl'),
  }, async () => {
    const script =
      'use Socket; socket(S, AF_INET, SOCK_DGRAM, 0); my $lo = sockaddr_in(9, INADDR_LOOPBACK); my $rest = pack("QQQQLx4", 0, 0, 0, 0, 0);' +
      'my $nowhere = pack("QLx4", 8, 16) . $rest; my $long = pack("PLx4", $lo, -1) . $rest; my $none = pack("QLx4", 0, 0) . $rest;' +
      'my $many = ($none . pack("x8")) x 40;' +
      `syscall(${numberOf('sendmsg')}, fileno(S), $_, 0) for 8, $nowhere, $long, $none;` +
      `syscall(${numberOf('sendmmsg')}, fileno(S), $_->[0], $_->[1], 0) for [8, 2], [$many, 40], [$many, 3];`;
    const { calls } = await watched(['--uid', '--net', '--', 'perl', '-e', script], user);
    const messages = calls.filter(({ watched }) => /^sendm?msg$/.test(watched)).map(({ args }) => args[1]);
    const none = '{msg_hdr={msg_name=NULL, msg_namelen=0}}, ';
    assert.deepEqual(messages, [
      '?',
      '{msg_name=?, msg_namelen=16}',
      '{msg_name={sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.0.0.1")}, msg_namelen=4294967295}',
      '?',
      `[${none.repeat(32)}...]`,
    ]);
  });

  test(`${user.name}: the host's name is not the container's to set`, {
    skip: user.skip || lacking('hostname'),
  }, async () => {
    const { calls } = await watched(['--uid', '--', 'hostname', 'other'], user, 1);
    const call = calls.find(({ watched }) => watched === 'sethostname');
    assert.deepEqual(call?.args, ['"other"', '5']);
    assert.equal(call.refusal?.errno, 'EPERM');
    assert.match(call.refusal.option ?? '', /^--uts/);
  });

  test(`${user.name}: hostile arguments are escaped, cut, or a question mark`, {
    skip: user.skip || lacking('perl'),
  }, async () => {
    const script =
      `syscall(${numberOf('openat')}, -100, 12345, 0); mkdir("a" x 5000); mkdir("b" x 4000);` +
      'mkdir("none/\\e[31m\\n\\xff1\\"");';
    const { calls, summary } = await watched(['--uid', '--', 'perl', '-e', script], user);
    const of = (name: string) => calls.filter(({ watched }) => watched === name);
    assert.ok(of('openat').some(({ args }) => args[1] === '?'));
    const made = [...of('mkdir'), ...of('mkdirat')].map(({ args }) => args.at(-2));
    assert.equal(made[0], `"${'a'.repeat(4096)}"...`);
    assert.equal(made[1], `"${'b'.repeat(4000)}"`);
    assert.equal(made[2], String.raw`"none/\33[31m\n\3771\""`);
    assert.equal(summary?.unread, 0);
  });

  test(`${user.name}: as PID 1 the command is watched too`, only, async () => {
    const { calls } = await watched(['--uid', '--pid', '--as-pid-1', '--', 'sh', '-c', 'true'], user);
    assert.equal(calls[0]?.watched, 'execve');
    assert.ok(calls.every(({ process }) => process.inside === 1));
  });

  test(`${user.name}: a command that cannot be executed ends as without a watch`, only, async () => {
    for (const more of [[], ['--as-pid-1']]) {
      const words = ['--uid', '--pid', ...more, '--', '/etc/passwd'];
      await watched(words, user, 126);
    }
  });

  test(
    `${user.name}: of what is watched only the kinds that were asked for are in the log`,
    only,
    async () => {
      const log = join(folder(user), 'log');
      const words = [
        'run',
        '--quiet',
        '--uid',
        '--watch=identity,network',
        '--log-file',
        log,
        '--',
        'id',
        '-u',
      ];
      assert.equal((await run(words, { user })).status, 0);
      const kinds = records(log).flatMap(({ kind }) => (kind === undefined ? [] : [kind]));
      assert.ok(kinds.includes('identity'));
      assert.deepEqual(
        kinds.filter((kind) => kind !== 'identity'),
        [],
      );
    },
  );

  test(`${user.name}: no filter is installed without --watch, and one with it`, only, async () => {
    const filters = async (words: readonly string[]) => {
      const { stdout } = await run(['run', '--quiet', '--uid', ...words, '--', 'cat', '/proc/self/status'], {
        user,
      });
      return Number(/^Seccomp_filters:\s*(\d+)$/m.exec(stdout)?.[1]);
    };
    const without = await filters([]);
    const own = Number(/^Seccomp_filters:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    assert.equal(without, own);
    assert.equal(await filters(['--watch']), own + 1);
  });

  test(`${user.name}: a watch inside a watch is refused in a sentence, and both end`, only, async () => {
    const inner = [node, program, 'run', '--quiet', '--uid', '--watch', '--', 'true'];
    const ended = await run(['run', '--quiet', '--uid', '--watch', '--', ...inner], { user });
    assert.equal(ended.status, 125);
    assert.match(ended.stderr, /EBUSY.*Somebody watches this launcher already/);
  });
}

test('a ring of io_uring is refused, and the record says so', { skip: lacking('perl') }, async () => {
  const script = 'printf "%d %d", syscall(425, 8, 0), $!';
  const { calls, stdout } = await watched(['--uid', '--', 'perl', '-e', script], root);
  assert.equal(stdout, '-1 38');
  assert.ok(calls.some(({ watched }) => watched === 'io_uring_setup'));
});

test('which user a process has become is known whatever is watched', {
  skip: lacking('perl') || (process.getuid?.() !== 0 && 'needs root'),
}, async () => {
  const place = folder();
  const file = join(place, 'secret');
  writeFileSync(file, '', { mode: 0o600 });
  const script = '$< = $> = 1; open(F, "<", shift) or print "$!"';
  for (const kinds of ['files', 'files,identity']) {
    const log = join(folder(), 'log');
    const words = [
      '--uid',
      '--uid-map=0:0:2',
      '--gid-map=0:0:2',
      `--watch=${kinds}`,
      '--log-file',
      log,
      '--',
    ];
    const ended = await run(['run', '--quiet', ...words, 'perl', '-e', script, file], { user: root });
    assert.equal(ended.stdout, 'Permission denied', ended.stderr);
    const calls = records(log) as unknown as Watched[];
    const [call] = calls.filter(({ watched, paths }) => watched === 'openat' && paths?.[0] === file);
    assert.equal(call?.refusal?.errno, 'EACCES', kinds);
  }
});

test('a mount is known whatever is watched', { skip: lacking('perl') }, async () => {
  const place = folder();
  const log = join(folder(), 'log');
  const [mount, unshare] = [numberOf('mount'), numberOf('unshare')];
  const socket = join(place, 'socket');
  const script = `use Socket; my ($type, $data, $where) = ('tmpfs', 'size=1m', shift); sub try { socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un("$where/socket")) }
    syscall(${unshare}, 0x20000) == 0 or die $!; try; syscall(${mount}, $type, $where, $type, 0, $data) == 0 or die "mount: $!"; try`;
  const words = ['--uid', '--watch=network', '--log-file', log, '--', 'perl', '-e', script, place];
  const ended = await run(['run', '--quiet', ...words], { user: root });
  assert.equal(ended.status, 0, ended.stderr);
  const answers = (records(log) as unknown as Watched[])
    .filter(({ watched, paths }) => watched === 'connect' && paths?.[0] === socket)
    .map(({ answer }) => answer.means);
  assert.equal(answers.length, 2);
  assert.match(answers[1] ?? '', new RegExp(`is on the tmpfs at ${place}$`));
});

test('calls with long records are counted before they fill a disk', { skip: lacking('perl') }, async () => {
  const place = folder();
  const cwd = join(place, ...Array<string>(18).fill('d'.repeat(200)));
  mkdirSync(cwd, { recursive: true });
  const log = join(place, 'log');
  const words = ['--uid', '--watch', '--log-file', log, '--', 'perl', '-e', '-e "x" for 1 .. 5000'];
  const ended = await run(['run', '--quiet', ...words], { user: root, cwd });
  assert.equal(ended.status, 0, ended.stderr);
  const { size } = statSync(log);
  assert.ok(size < 20 * 1024 * 1024, `${size} bytes`);
  const [summary] = records(log).flatMap(({ watch }) => (watch === undefined ? [] : [watch]));
  assert.ok((summary as { notKept: number }).notKept > 0);
});

test('a working directory that is not UTF-8 is told byte by byte', { skip: lacking('perl') }, async () => {
  const place = folder();
  const script = 'mkdir "\\xff"; chdir "\\xff"; -e "x"';
  const { calls } = await watched(['--uid', '--workdir', place, '--', 'perl', '-e', script], root);
  const [path] = calls.flatMap(({ paths = [] }) => paths.filter((one) => /\/x$/.test(one)));
  assert.equal(path, `${place}/\udcff/x`);
});

test('of two mounts on the way the one that covers the other is told', {
  skip: lacking('perl'),
}, async () => {
  const place = folder();
  mkdirSync(join(place, 'folder'));
  const script = `my ($type, $data, $where) = ('tmpfs', 'size=1m', shift); my $below = "$where/folder";
    syscall(${numberOf('unshare')}, 0x20000) == 0 or die $!;
    for my $place ($below, $where) { syscall(${numberOf('mount')}, $type, $place, $type, 0, $data) == 0 or die $! }
    mkdir $below; -e "$below/x"`;
  const { calls } = await watched(['--uid', '--', 'perl', '-e', script, place], root);
  const call = calls.find(({ paths }) => paths?.[0] === join(place, 'folder/x'));
  assert.match(call?.answer.means ?? '', new RegExp(`is on the tmpfs at ${place}$`));
});

test('of setfsuid, which returns no error, no refusal is foreseen', { skip: lacking('perl') }, async () => {
  const script = `syscall(${numberOf('setfsuid')}, 12345); syscall(${numberOf('setfsgid')}, 12345)`;
  const { calls } = await watched(['--uid', '--', 'perl', '-e', script], root);
  const set = calls.filter(({ watched }) => watched.startsWith('setfs'));
  assert.deepEqual(
    set.map(({ watched, refusal }) => [watched, refusal]),
    [
      ['setfsuid', undefined],
      ['setfsgid', undefined],
    ],
  );
});

test('which ports are free is asked of the container’s own network', {
  skip: (process.getuid?.() !== 0 && 'needs root') || lacking('perl', 'unshare'),
}, async () => {
  const others = 'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start && exec "$@"';
  const script =
    'use Socket; socket(S, AF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(80, INADDR_ANY)) or print "$!"';
  const log = join(folder(), 'log');
  const words = [
    '--uid',
    '--net',
    '--cap-drop',
    'all',
    '--watch',
    '--log-file',
    log,
    '--',
    'perl',
    '-e',
    script,
  ];
  const under = ['unshare', '--net', 'sh', '-c', others, 'sh'];
  const ended = await run(['run', '--quiet', ...words], { user: root, under });
  assert.equal(ended.stdout, 'Permission denied', ended.stderr);
  const call = (records(log) as unknown as Watched[]).find(({ watched }) => watched === 'bind');
  assert.equal(call?.refusal?.errno, 'EACCES');
});

/** The system call behind poll(3). */
const polls = process.arch === 'x64' ? 'poll' : 'ppoll';

for (const call of ['ioctl', polls])
  for (const turn of ['even', 'odd'])
    test(`where a signal comes before each ${call} of ${turn} number, nothing is kept waiting`, {
      skip: lacking('strace'),
    }, async () => {
      const trace = join(folder(), 'trace');
      const fault = `inject=${call}:error=EINTR:when=${turn === 'even' ? 2 : 3}+2`;
      const under = ['strace', '-o', trace, '-e', `trace=${call}`, '-e', fault];
      // With a terminal of the command's own the launcher has something else to do than to answer.
      const more = call === polls ? ['--pty'] : [];
      const words = ['--uid', ...more, '--watch', '--', 'sh', '-c', 'echo up; read word; echo "read $word"'];
      const child = start(['run', '--quiet', ...words], { user: root, under });
      const ended = finished(child);
      child.stdout?.once('data', () => child.stdin?.end('word\n'));
      const { status, stdout, stderr } = await ended;
      assert.match(stdout, /^read word\r?$/m, stderr);
      assert.equal(status, 0);
      assert.match(readFileSync(trace, 'utf8'), /EINTR .*INJECTED/);
    });

test('calls beyond the bound are counted, and go on', { skip: lacking('perl') }, async () => {
  const script = '-e "/nowhere" for 1 .. 20_100; print "done"';
  const { calls, summary, stdout } = await watched(['--uid', '--', 'perl', '-e', script], root);
  assert.equal(stdout, 'done');
  assert.equal(calls.length, 20_000);
  assert.equal(summary?.notKept, (summary?.calls ?? 0) - 20_000);
});

test('a command line that asks for what there is not is refused', async () => {
  for (const [words, expected] of [
    [
      ['--watch=memory'],
      /--watch knows no “memory”\. Name some of files, network, processes, identity, ipc, or all/,
    ],
    [['--watch', '--allow-new-privs'], /--watch needs that no program gets privileges/],
  ] as const) {
    const ended = await run(['run', '--uid', ...words, '--', 'true'], { user: unprivileged });
    assert.equal(ended.status, 2);
    assert.match(ended.stderr, expected);
  }
});

test('at a terminal the command has the screen to itself, and one summary follows', {
  skip: lacking('tmux'),
}, async () => {
  const terminal = new TerminalSession();
  terminal.type(
    'gontainer run --quiet --log-level info --uid --uts --hostname box --watch=identity -- uname -n; echo end',
  );
  const screen = await terminal.shows(/^end$/m);
  assert.match(screen, /^box$/m);
  assert.doesNotMatch(screen, /uname\(/);
  assert.match(screen, /\d+ × the UTS namespace: box, the host says /);
});
