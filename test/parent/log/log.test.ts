/** The records are as docs/log.schema.json and docs/log.md say, for every kind of launch; levels and destinations. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type CallName, parametersOf } from '../../../src/common/kernel/calls.js';
import {
  finished,
  folder,
  lacking,
  project,
  type RunOptions,
  records,
  rootfs,
  run,
  start,
  type User,
  unprivileged,
  users,
} from '../../gontainer.js';
import { TerminalSession } from '../../terminal-session.js';
import { until } from '../../until.js';

const schema = JSON.parse(readFileSync(join(project, 'docs/log.schema.json'), 'utf8'));
const valid = new Ajv2020({
  allErrors: true,
  strict: true,
  strictRequired: false,
  discriminator: false,
}).compile(schema);

type LogRecord = Record<string, unknown> & {
  readonly at: number;
  readonly time: number;
  readonly msg: string;
};

/** Checks every record, and what holds between them; returns them. */
function check(file: string): LogRecord[] {
  const all = records(file) as LogRecord[];
  for (const record of all) {
    assert.ok(valid(record), `${JSON.stringify(valid.errors?.slice(-3))} in ${JSON.stringify(record)}`);
    if (record.call !== undefined) {
      const parameters = parametersOf(record.call as CallName).map(([name]) => name);
      assert.deepEqual(Object.keys(record.args as object), parameters);
    }
    assert.equal(record.errno !== undefined, record.call !== undefined && record.ret === -1);
  }
  assert.deepEqual([all[0]?.format, typeof all[0]?.version], [1, 'string']);
  assert.ok(all.slice(1).every(({ format }) => format === undefined));
  inOrder(all);
  return all;
}

function inOrder(all: readonly LogRecord[]): void {
  const calls = all.filter(({ call }) => call !== undefined);
  for (const actor of new Set(calls.map((record) => record.actor))) {
    const own = calls.filter((record) => record.actor === actor);
    own.forEach((record, index) => {
      assert.ok(
        index === 0 || record.at >= (own[index - 1]?.at ?? 0),
        `${actor}: ${record.call} before its turn`,
      );
    });
    assert.equal(new Set(own.map(({ pid }) => pid)).size, 1, `${actor} has one process ID`);
  }
  const steps = all.filter(({ shell }) => shell !== undefined);
  assert.deepEqual(
    steps.map(({ number }) => number),
    steps.map((_, index) => index + 1),
  );
  // The clock of the day and the one of the launch tell the same.
  const [first] = all;
  for (const { time, at } of all)
    assert.ok(Math.abs(time - at / 1000 - ((first?.time ?? 0) - (first?.at ?? 0) / 1000)) < 0.01);
}

interface Logged {
  readonly status: number | null;
  readonly stderr: string;
  readonly log: LogRecord[];
}

async function logged(words: readonly string[], options: RunOptions = {}): Promise<Logged> {
  const file = join(folder(options.user), 'log');
  const { status, stderr } = await run(['run', '--quiet', '--log-file', file, ...words], options);
  return { status, stderr, log: check(file) };
}

const warningsOf = (log: readonly LogRecord[]): string =>
  log
    .filter(({ warning }) => warning)
    .map(({ step, msg }) => `${step}: ${msg}`)
    .join('\n');
const last = ({ log }: Logged): LogRecord => log.at(-1) as LogRecord;
const stepsOf = ({ log }: Logged): unknown[] =>
  log.filter(({ shell }) => shell !== undefined).map(({ step }) => step);

/** The evidence after a step. */
const after = ({ log }: Logged, id: string): Record<string, unknown> =>
  log.find(({ step, shell }) => step === id && shell !== undefined)?.after as Record<string, unknown>;

/** A program whose interpreter does not exist. */
function withoutInterpreter(user: User): string {
  const path = join(folder(user), 'program');
  writeFileSync(path, '#!/nowhere/at/all\n');
  chmodSync(path, 0o755);
  return path;
}

for (const user of users) {
  const only = { skip: user.skip };

  test(
    `${user.name}: the log of a command as PID 1 ends with the steps as-pid-1 and exec`,
    only,
    async () => {
      const launch = await logged(['--uid', '--pid', '--as-pid-1', '--', '/bin/sh', '-c', 'exit 3'], {
        user,
      });
      assert.equal(launch.status, 3);
      assert.deepEqual(stepsOf(launch).slice(-2), ['as-pid-1', 'exec']);
      assert.equal((after(launch, 'as-pid-1').process as { pid: number }).pid, 1);
      assert.match(String(after(launch, 'exec').program), /sh|busybox|ended/);
      assert.deepEqual(last(launch).ended, { status: 3 });
      const failed = await logged(['--uid', '--pid', '--as-pid-1', '--', withoutInterpreter(user)], { user });
      assert.equal(failed.status, 126);
      assert.equal(stepsOf(failed).at(-1), 'as-pid-1');
    },
  );

  test(`${user.name}: the log of --uid alone has five steps, and how the command ended`, only, async () => {
    const launch = await logged(['--uid', '--', '/bin/true'], { user });
    assert.equal(launch.status, 0);
    assert.deepEqual(stepsOf(launch), ['unshare', 'id-maps', 'child', 'command', 'exec']);
    assert.deepEqual(last(launch).ended, { status: 0 });
  });

  test(
    `${user.name}: the log of --pty and of --new-session shows the terminal and the sessions`,
    only,
    async () => {
      const launch = await logged(['--uid', '--pty', '--', '/bin/true'], { user });
      assert.equal(launch.status, 0);
      assert.deepEqual(stepsOf(launch).slice(3), ['propagation', 'devpts', 'pty', 'command', 'exec']);
      assert.deepEqual(after(launch, 'pty')['/dev/pts'], ['0', 'ptmx']);
      const session = await logged(['--uid', '--new-session', '--', '/bin/true'], { user });
      assert.equal(session.status, 0);
      const none = { leader: true, 'controlling terminal': 'none' };
      assert.deepEqual(after(session, 'command').sessions, { child: none, command: none });
    },
  );

  test(
    `${user.name}: every time in the log is the launcher’s, also when the clocks inside are shifted`,
    only,
    async () => {
      const clocks = ['--monotonic', '86400', '--boottime', '86400'];
      const words = ['--all', '--mnt', await rootfs(user), ...clocks, '--', '/bin/sh', '-c', 'exit 7'];
      const launch = await logged(words, { user });
      assert.equal(launch.status, 7);
      assert.deepEqual(last(launch).ended, { status: 7 });
      assert.equal(stepsOf(launch).length, 19);
      // Every record was made within this launch, whatever the clocks inside say.
      assert.ok(launch.log.every(({ at }) => at < 86_400_000_000 / 2));
    },
  );

  const cover = 'mount -t tmpfs none /sys/kernel && exec setpriv --reuid=$0 --regid=$0 --clear-groups "$@"';
  for (const [refused, title, skip, under] of [
    [
      'sysfs',
      'bind the host’s /sys',
      (process.getuid?.() !== 0 && 'needs root, to cover /sys/kernel') || lacking('unshare', 'setpriv'),
      ['unshare', '--mount', 'sh', '-c', cover, String(user.uid)],
    ],
    [
      'cgroup2',
      'mount a new /sys, no cgroups',
      lacking('strace'),
      ['strace', '-f', '-o', '/dev/null', '-P', '/sys/fs/cgroup', '-e', 'inject=mount:error=EPERM'],
    ],
  ] as const) {
    test(`${user.name}: where there is no new ${refused}, the step is called what it did, and a warning says why`, {
      skip: user.skip || skip,
    }, async () => {
      const [file, path] = [join(folder(user), 'log'), await rootfs(user)];
      const words = ['run', '--quiet', '--log-file', file, '--all', '--mnt', path, '--', '/bin/true'];
      const { status, stderr } = await run(words, refused === 'sysfs' ? { under } : { user, under });
      assert.equal(status, 0, stderr);
      const log = check(file);
      assert.equal(log.find(({ step, shell }) => step === 'sys' && shell !== undefined)?.msg, title);
      assert.match(
        warningsOf(log),
        new RegExp(`^sys: the kernel gives no new ${refused} .*\\(mount: EPERM\\)$`, 'm'),
      );
      // Without the refusal there is none of it.
      const free = await logged(['--all', '--mnt', path, '--', '/bin/true'], { user });
      assert.equal(free.log.find(({ step, shell }) => step === 'sys' && shell)?.msg, 'mount a new /sys');
      assert.doesNotMatch(warningsOf(free.log), /^sys:/m);
    });
  }

  test(`${user.name}: the keys that a command keeps, and a name that cannot be covered, are warned of`, {
    skip: user.skip || lacking('strace'),
  }, async () => {
    const [file, path] = [join(folder(user), 'log'), await rootfs(user)];
    rmSync(join(path, 'etc/hostname'));
    mkdirSync(join(path, 'etc/hostname'));
    const refusing = [
      'strace',
      '-f',
      '-o',
      '/dev/null',
      '-e',
      'trace=keyctl',
      '-e',
      'inject=keyctl:error=EDQUOT',
    ];
    const words = ['run', '--quiet', '--log-file', file, '--uid', '--uts', '--mnt', path, '--', '/bin/true'];
    const { status, stderr } = await run(words, { user, under: refusing });
    assert.equal(status, 0, stderr);
    const warnings = warningsOf(check(file));
    assert.match(warnings, /^command: the command keeps the keys .*\(keyctl: EDQUOT\)$/m);
    assert.match(
      warnings,
      /^names: in the new root \/etc\/hostname is not a file, so nothing is put over it$/m,
    );
  });

  test(
    `${user.name}: the log is as its schema says after chroot, and when nobody is root inside`,
    only,
    async () => {
      const words = ['--uid', '--uid-map', `1000:${user.uid}:1`, '--mnt', await rootfs(user), '--chroot'];
      assert.equal((await logged([...words, '--', '/bin/true'], { user })).status, 0);
    },
  );

  test(`${user.name}: what is watched is as the schema says`, only, async () => {
    const script = 'uname -n; ls /; echo x >/etc/passwd';
    const words = ['--uid', '--pid', '--net', '--mnt', await rootfs(user), '--read-only', '--watch'];
    const { log: all } = await logged([...words, '--', 'sh', '-c', script], { user });
    assert.ok(all.some(({ refusal }) => refusal !== undefined));
    assert.ok(all.some(({ watch }) => watch !== undefined));
  });

  test(`${user.name}: the log has every step of a furnished new root`, only, async () => {
    const [path, source, kept] = [await rootfs(user), folder(user), folder(user)];
    const file = join(source, 'file');
    writeFileSync(file, '');
    const mounts = ['--bind', `${source}:/mnt`, '--bind', `${file}:/srv/file:ro`, '--tmpfs', '/tmp:size=1m'];
    const map = ['--uid-map', `1000:${user.uid}:1`, '--gid-map', `1000:${user.gid}:1`];
    for (const [words, expected] of [
      [
        [...mounts, '--read-only', '--workdir', '/tmp'],
        ['read-only', 'requested-mounts', 'working-directory'],
      ],
      [
        [...mounts, '--chroot', '--ephemeral'],
        ['overlay', 'requested-mounts', 'working-directory'],
      ],
      [
        ['--overlay', kept, '--read-only'],
        ['overlay', 'read-only'],
      ],
      [[...map, '--user', '1000'], []],
      [user.uid === 0 ? ['--uid-map', '0:54321:1', '--gid-map', '0:54321:1', '--ephemeral'] : [], []],
    ]) {
      const all = ['--all', '--mnt', path, ...(words as string[]), '--', '/bin/sh', '-c', 'exit 7'];
      const launch = await logged(all, { user });
      assert.equal(launch.status, 7, launch.stderr);
      for (const step of [
        ...(expected as string[]),
        'chroot',
        'mount-points',
        'sys',
        'masks',
        'dev',
        'names',
      ])
        assert.ok(stepsOf(launch).includes(step), `${step} is missing in ${stepsOf(launch)}`);
    }
    // Of outside: the network with its resolver, and the processes.
    assert.equal((await logged(['--uid', '--mnt', path, '--', '/bin/true'], { user })).status, 0);
  });

  test(`${user.name}: the last record names the step of the call that failed`, only, async () => {
    const kept = folder(user);
    writeFileSync(join(kept, 'work'), '');
    const words = ['--uid', '--mnt', await rootfs(user), '--overlay', kept, '--', '/bin/true'];
    const launch = await logged(words, { user });
    assert.equal(launch.status, 125);
    assert.equal((last(launch).failure as { call: { step: string } }).call.step, 'overlay');
  });

  test(`${user.name}: standard error says of a failed launch what the last record says`, only, async () => {
    const launch = await logged(['--uid', '--time', '--monotonic', '-999999999', '--', '/bin/true'], {
      user,
    });
    assert.equal(launch.status, 125);
    const { failure, msg } = last(launch) as unknown as {
      failure: { call: object; next: string };
      msg: string;
    };
    assert.equal(launch.stderr, `gontainer: ${msg}. ${failure.next}\n`);
    assert.ok(launch.log.some(({ call, errno }) => call === 'write' && errno === 'ERANGE'));
  });

  test(
    `${user.name}: the last record says how the command ended, though mount points are removed after that`,
    only,
    async () => {
      const words = ['--uid', '--mnt', await rootfs(user), '--tmpfs', '/made/for/it', '--', '/bin/true'];
      const launch = await logged(words, { user });
      assert.ok(
        launch.log.some(({ call, args }) => call === 'flock' && JSON.stringify(args).includes('LOCK_EX')),
      );
      assert.deepEqual(last(launch).ended, { status: 0 });
    },
  );

  test(`${user.name}: the last record names the signal that killed the command`, only, async () => {
    const launch = await logged(['--uid', '--pid', '--', '/bin/sh', '-c', 'kill -9 $$'], { user });
    assert.equal(launch.status, 137);
    assert.deepEqual(last(launch).ended, { status: 137, signal: 'SIGKILL' });
  });

  test(`${user.name}: the log says that a command is not found, or has no interpreter`, only, async () => {
    const missing = await logged(['--uid', '--', 'no-such-command'], { user });
    assert.deepEqual([missing.status, missing.log.length], [127, 2]);
    assert.match(last(missing).msg, /no-such-command/);
    const broken = await logged(['--uid', '--', withoutInterpreter(user)], { user });
    assert.equal(broken.status, 126);
    assert.ok(broken.log.some(({ call, errno }) => call === 'execve' && errno === 'ENOENT'));
  });

  test(`${user.name}: the last record says that the child was killed`, only, async () => {
    const file = join(folder(user), 'log');
    const child = start(
      [
        'run',
        '--quiet',
        '--log-file',
        file,
        '--uid',
        '--pid',
        '--',
        '/bin/sh',
        '-c',
        'echo ready; exec sleep 1000',
      ],
      { user },
    );
    const end = finished(child);
    if (child.stdout === null) throw new Error('no standard output');
    await once(child.stdout, 'data');
    const second = (records(file) as LogRecord[]).find(({ actor }) => actor === 'G')?.pid as number;
    process.kill(second, 'SIGKILL');
    const { status } = await end;
    assert.equal(status, 137);
    assert.match(check(file).at(-1)?.msg ?? '', /child was killed/);
  });

  test(`${user.name}: no value of the environment is in any log`, only, async () => {
    const secret = 'hush-4f1c';
    const env = { SECRET: secret, PS1: secret };
    for (const words of [
      ['--uid', '--env', `OTHER=${secret}`, '--env', 'SECRET', '--', '/bin/true'],
      ['--uid', '--', withoutInterpreter(user)],
    ]) {
      const file = join(folder(user), 'log');
      const all = ['run', '--log-level', 'trace', '--log-file', file, ...words];
      const { stderr } = await run(all, { user, env });
      const pretty = await run([...all, '--log-format', 'pretty'], { user, env });
      const text = readFileSync(file, 'utf8');
      for (const written of [text, stderr, pretty.stderr]) assert.ok(!written.includes(secret), written);
      assert.ok(text.includes('"SECRET"'), 'the name is there');
    }
  });
}

/** The levels that standard error shows as NDJSON. */
const shownLevels = (stderr: string): number[] =>
  [
    ...new Set(stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line).level] : []))),
  ].sort();

for (const [level, shown] of [
  ['trace', [10, 20, 30]],
  ['debug', [20, 30]],
  ['info', [30]],
  ['warn', []],
  ['silent', []],
] as const) {
  test(`with --log-level ${level} standard error has that level and above, and the file everything`, async () => {
    const file = join(folder(users.find(({ skip }) => !skip)), 'log');
    const { stderr } = await run([
      'run',
      '--log-level',
      level,
      '--log-file',
      file,
      '--uid',
      '--',
      '/bin/true',
    ]);
    assert.deepEqual(shownLevels(stderr), shown);
    assert.deepEqual([...new Set(check(file).map((record) => record.level))].sort(), [10, 20, 30]);
  });
}

for (const words of [
  [],
  ['--log-format', 'json'],
  ['--log-format', 'pretty'],
  ['--log-level', 'error'],
  ['--log-level', 'trace'],
  ['--quiet'],
]) {
  test(`why a launch failed is on standard error once, as a sentence: ${['run', ...words].join(' ')}`, async () => {
    const file = join(folder(users.find(({ skip }) => !skip)), 'log');
    for (const [failing, next] of [
      [['--time', '--monotonic', '-999999999', '--', '/bin/true'], 'choose another offset'],
      [['--', '/no/such'], 'Check the spelling'],
    ] as const) {
      const { stderr } = await run(['run', '--uid', ...words, '--log-file', file, ...failing]);
      assert.equal(stderr.split(next).length, 2, stderr);
      assert.match(stderr, new RegExp(`^gontainer: .*${next}`, 'm'));
      assert.match(JSON.stringify(check(file).at(-1)?.failure), new RegExp(next));
    }
  });
}

test('standard error has JSON where it is no terminal, and readable lines when asked for', async () => {
  const json = await run(['run', '--uid', '--', '/bin/true']);
  assert.deepEqual(shownLevels(json.stderr), [30]);
  const pretty = await run(['run', '--log-format', 'pretty', '--uid', '--', '/bin/true']);
  assert.deepEqual(shownLevels(pretty.stderr), []);
  assert.match(pretty.stderr, /^✓ {2}1 {2}leave the user namespace +new: user$/m);
});

test('with --quiet standard error is empty, and the file has everything', async () => {
  const launch = await logged(['--uid', '--', '/bin/true']);
  assert.equal(launch.stderr, '');
  assert.ok(launch.log.length > 20);
});

test('a log that cannot be written is said before anything is started', async () => {
  const mark = join(folder(), 'mark');
  for (const [path, reason] of [
    ['/nowhere/log', 'ENOENT'],
    ['/', 'EISDIR'],
  ]) {
    const { status, stderr } = await run(['run', '--uid', `--log-file=${path}`, '--', 'touch', mark]);
    assert.equal(status, 2);
    assert.match(
      stderr,
      new RegExp(`^gontainer: --log-file=${path} cannot be written: [^\\n]*\\(${reason}\\)\\.\\n$`),
    );
  }
  assert.ok(!existsSync(mark));
});

test('a log that cannot be written any more ends the launch', async () => {
  const { status, stderr } = await run([
    'run',
    '--quiet',
    '--uid',
    '--log-file=/dev/full',
    '--',
    '/bin/true',
  ]);
  assert.equal(status, 125);
  assert.match(stderr, /^gontainer: the log file cannot be written: .*ENOSPC/);
});

test('a wrong command line leaves no log', async () => {
  const file = join(folder(), 'log');
  assert.equal((await run(['run', '--log-file', file, '--uts', '--hostname', 'x'.repeat(65)])).status, 2);
  assert.ok(!existsSync(file));
});

test('what a launch goes on without is a warning', async () => {
  const place = folder(unprivileged);
  const file = join(place, 'log');
  const state = join(place, 'gontainer');
  symlinkSync('/tmp', state);
  const words = ['run', '--uid', '--log-level=silent', '--log-file', file, '--', 'true'];
  await run(words, { user: unprivileged, env: { XDG_RUNTIME_DIR: place } });
  const [warning, ...others] = check(file).filter((record) => record.warning);
  assert.match(warning?.msg ?? '', /not in gontainer ps: .* is not a directory/);
  assert.deepEqual(others, []);
});

test('a walk logs where it stops', { skip: lacking('tmux', 'setpriv') }, async () => {
  const file = join(folder(unprivileged), 'log');
  const terminal = new TerminalSession();
  terminal.type(`gontainer -run -uid -uts --step --log-file ${file} -- true; echo ended $?`);
  await until(
    () => `the walk does not end:\n${terminal.screen()}`,
    () => {
      const screen = terminal.screen();
      if (/Enter: do it[^\n]*$/.test(screen)) terminal.press('Enter');
      return /^ended 0$/m.test(screen);
    },
  );
  const all = check(file);
  const stops = all
    .filter(({ stop }) => stop !== undefined)
    .map(({ stop }) => (stop as { step: string }).step);
  assert.deepEqual(
    stops,
    all.filter(({ shell }) => shell !== undefined).map(({ step }) => step),
  );
});
