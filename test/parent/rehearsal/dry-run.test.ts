/** --dry-run: what it lists is what a launch does, and it does nothing of it. Its script does. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defined } from '../../../src/common/defined.js';
import { namespaces } from '../../../src/common/namespaces.js';
import {
  finished,
  folder,
  lacking,
  node,
  program,
  records,
  rootfs,
  run,
  start,
  type User,
  unprivileged,
  users,
} from '../../gontainer.js';

interface Rehearsed {
  readonly number: number;
  readonly of: number;
  readonly step: string;
  readonly stage: string;
  readonly title: string;
  readonly why: string;
  readonly man: string;
  readonly shell: string;
  readonly refusals: readonly { call: string; instead: string }[];
  readonly calls: readonly { actor: string; call: string; args: Record<string, unknown> }[];
}

/** One root file system for each user, made before the first test: the tests only read it. */
const roots = new Map<string, string>();
for (const user of users) if (!user.skip) roots.set(user.name, await rootfs(user));
const rootOf = (user: User): string => roots.get(user.name) as string;

/** The list as JSON. */
async function rehearsed(
  options: readonly string[],
  user: User,
): Promise<{ steps: Rehearsed[]; forbidden?: string }> {
  const { status, stdout, stderr } = await run(['run', '--dry-run', '--json', ...options], { user });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

/** Arguments with what only a launch can know taken out: descriptors and process IDs. */
function comparable(args: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => {
      if (['fd', 'oldfd', 'pidfd', 'targetfd'].includes(name))
        return [name, typeof value === 'number' && value <= 2 ? value : place(value)];
      if (name === 'pipefd' || name === 'sv') return [name, 'two descriptors'];
      if (name === 'pathname') return [name, inProc(String(value))];
      return name === 'pid' ? [name, 'a process'] : [name, value];
    }),
  );
}

/** `/proc/PID/uid_map` for a file of /proc, `a descriptor` for anything else. */
const place = (value: unknown): string =>
  typeof value === 'string' && value.startsWith('/proc/') ? inProc(value) : 'a descriptor';

const inProc = (path: string): string =>
  path.replace(/^\/proc\/(\d+|<pid of [PG]>)\//, '/proc/PID/').replace(/\/fd\/(\d+|<.*>)$/, '/fd/N');

/** The system calls of a run that change something or start a process, as strace(1) shows them. */
async function changesOf(words: readonly string[], user: User): Promise<string[]> {
  const trace = join(folder(user), 'trace');
  const { status, stderr } = await run(words, { user, under: ['strace', '-f', '-o', trace] });
  assert.equal(status, 0, stderr);
  // By the name of the call, at the start of the line: what a program reads from a file may look like one.
  return readFileSync(trace, 'utf8')
    .split('\n')
    .map((line) => ({ line, name: /^\d+\s+(\w+)\(/.exec(line)?.[1] ?? '' }))
    .filter(({ line, name }) => {
      if (/^clone3?$/.test(name)) return !line.includes('CLONE_THREAD');
      if (/^open(at)?$/.test(name))
        return /O_(WRONLY|RDWR|CREAT)/.test(line) && !line.includes('"/dev/null"');
      return changing.test(name);
    })
    .map(({ line }) => line);
}

/** System calls that change something or start a process, whatever their arguments. */
const changing =
  /^(unshare|setns|mount|umount2?|pivot_root|chroot|sethostname|mkdir(at)?|mknod(at)?|unlink(at)?|rename(at2?)?|symlink(at)?|chmod|fchmodat|chown|fchownat|lchown|truncate|setresuid|setresgid|setgroups|capset|kill|tgkill|v?fork)$/;

const launches: readonly { name: string; options: (root: string) => string[] }[] = [
  { name: 'all eight', options: () => ['--all'] },
  {
    name: 'a root of its own',
    options: (root) => ['--all', '--mnt', root, '--hostname', 'rehearsed', '--monotonic', '77'],
  },
  { name: 'chroot, and no PID namespace', options: (root) => ['--uid', '--mnt', root, '--chroot'] },
  {
    name: 'an overlay, a read-only bind and a tmpfs',
    options: (root) => [
      ...['--all', '--mnt', root, '--hostname', 'rehearsed', '--ephemeral', '--read-only'],
      ...['--bind', '/etc:/made/here:ro', '--tmpfs', '/tmp:size=1m', '--workdir', '/etc'],
    ],
  },
  { name: 'a terminal of its own', options: () => ['--uid', '--pid', '--pty'] },
  { name: 'a new session in a new root', options: (root) => ['--all', '--mnt', root, '--new-session'] },
  {
    name: 'not root inside',
    options: () => ['--uid', '--pid', '--uid-map', '5:ID:1', '--gid-map', '5:ID:1'],
  },
  { name: 'watched', options: () => ['--uid', '--pid', '--watch'] },
  { name: 'watched, as PID 1', options: () => ['--uid', '--pid', '--as-pid-1', '--watch=identity'] },
];

for (const user of users) {
  for (const { name, options } of launches) {
    test(`${user.name}: a dry run lists what a launch then does: ${name}`, { skip: user.skip }, async () => {
      const words = options(rootOf(user)).map((word) => word.replace(':ID:', `:${user.uid}:`));
      const log = join(folder(user), 'log');
      const { steps } = await rehearsed([...words, '--', '/bin/true'], user);
      const { status, stderr } = await run(['run', ...words, '--log-file', log, '--', '/bin/true'], { user });
      assert.equal(status, 0, stderr);
      const logged = records(log);

      const done = logged.filter(({ shell }) => shell !== undefined);
      assert.deepEqual(
        steps.map(({ calls: _calls, refusals: _refusals, ...step }) => step),
        done.map(({ number, of, step, stage, msg, why, man, shell, gist }) => ({
          ...defined({ gist }),
          number,
          of,
          step,
          stage,
          title: msg,
          why,
          man,
          shell,
        })),
      );
      const actors = new Set(['parent', 'P', 'G', 'child', 'command']);
      for (const { step, calls } of steps) {
        for (const actor of actors) {
          const expected = logged
            .filter((record) => record.call !== undefined && record.step === step && record.actor === actor)
            .map(({ call, args }) => ({ call, args: comparable(args as Record<string, unknown>) }));
          const listed = calls
            // A call that does not return leaves no time behind, and so is not in the log.
            .filter((call) => call.actor === actor && call.call !== '_exit')
            .map(({ call, args }) => ({ call, args: comparable(args) }));
          assert.deepEqual(listed, expected, `${step}, ${actor}`);
        }
      }
    });
  }

  test(`${user.name}: a dry run changes nothing on the host`, {
    skip: user.skip || lacking('strace'),
  }, async () => {
    const words = ['--all', '--mnt', rootOf(user), '--hostname', 'x', '--monotonic', '5'];
    for (const form of [[], ['--json'], ['--shell']])
      assert.deepEqual(await changesOf(['run', '--dry-run', ...form, ...words], user), []);
    // That what is looked for would be found: a launch is full of it.
    const launched = (await changesOf(['run', '--quiet', ...words, '--', '/bin/true'], user)).join('\n');
    for (const call of ['unshare', 'clone', 'sethostname', 'mount', 'pivot_root', 'umount2', 'openat'])
      assert.match(launched, new RegExp(`\\b${call}\\(`));
  });

  for (const { name, options } of launches.slice(0, 6)) {
    test(`${user.name}: the script of a dry run does what a launch does: ${name}`, {
      skip: user.skip || lacking('unshare', 'ip', 'hostname'),
    }, async () => {
      const root = rootOf(user);
      const report = [
        ...namespaces.map(({ entry }) => `readlink /proc/self/ns/${entry}`),
        'hostname',
        'id -u',
        'cat /proc/self/uid_map',
        'ls /',
        'cut -d " " -f 4- /proc/self/mountinfo',
        'cat /proc/self/timens_offsets',
        'ip link show lo | grep -o "<.*>"',
        'exit 9',
      ].join('; ');
      const words = [...options(root), '--', '/bin/sh', '-c', report];
      const launched = await run(['run', '--quiet', ...words], { user });
      assert.equal(launched.status, 9, launched.stderr);

      const { stdout: script } = await run(['run', '--dry-run', '--shell', ...words], { user });
      const place = folder(user);
      const file = join(place, 'box.sh');
      writeFileSync(file, script);
      const scripted = await finished(
        // The PATH of an ordinary user of Debian, in which pivot_root(8) and chroot(8) are not.
        start([], {
          user,
          cwd: place,
          under: ['sh', file],
          env: { TMPDIR: place, PATH: '/usr/local/bin:/usr/bin:/bin' },
        }),
      );
      assert.equal(scripted.status, 9, scripted.stderr);
      assert.equal(scripted.stderr, '');

      const count = namespaces.length;
      const [mine, theirs] = [launched, scripted].map(({ stdout }) => stdout.split('\n'));
      assert.deepEqual(theirs?.slice(count), mine?.slice(count));
      namespaces.forEach(({ entry }, index) => {
        const outside = readlinkSync(`/proc/self/ns/${entry}`);
        assert.equal(theirs?.[index] === outside, mine?.[index] === outside, entry);
      });
      assert.deepEqual(readdirSync(place), ['box.sh'], 'no pipe is left');
    });
  }
}

test('the script of a dry run fails where the launch would, and does not hang', {
  skip: lacking('unshare'),
}, async () => {
  const place = folder(unprivileged);
  const file = join(place, 'box.sh');
  const { stdout } = await run(['run', '--dry-run', '--shell', '--uid', '--uid-map', '0:0:2', '--', 'true'], {
    user: unprivileged,
  });
  writeFileSync(file, stdout);
  const { status, stderr } = await finished(
    start([], { user: unprivileged, cwd: place, under: ['sh', file], env: { TMPDIR: place } }),
  );
  assert.equal(status, 125, stderr);
  assert.deepEqual(readdirSync(place), ['box.sh'], 'no pipe is left');
});

test('on a host that forbids user namespaces a dry run works, and says so', {
  skip: lacking('unshare'),
}, async () => {
  const script = `echo 0 > /proc/sys/user/max_user_namespaces; exec '${node}' '${program}' run --uid --pid --dry-run`;
  const inside = (more: string) => run([], { under: ['unshare', '-Ur', 'sh', '-c', `${script} ${more}`] });
  const text = await inside('');
  assert.equal(text.status, 0, text.stderr);
  assert.match(text.stdout, /Here the launch would fail: User namespaces are switched off here/);
  assert.match(text.stdout, /unshare\(flags: CLONE_NEWUSER\|CLONE_NEWNS\|CLONE_NEWPID\)/);
  assert.match(JSON.parse((await inside('--json')).stdout).forbidden, /switched off/);
  // Where nothing forbids it nothing is said.
  assert.doesNotMatch((await run(['run', '--uid', '--dry-run'])).stdout, /would fail/);
});

test('--json and --shell are refused with each other, with --step and without --dry-run', async () => {
  const cases = [
    [['--json'], /^gontainer: --json needs --dry-run\./],
    [['--shell'], /^gontainer: --shell needs --dry-run\./],
    [['--dry-run', '--json', '--shell'], /--json and --shell/],
    [['--dry-run', '--step'], /-step goes through a launch/],
  ] as const;
  for (const [words, message] of cases) {
    const { status, stdout, stderr } = await run(['run', '--uid', ...words]);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, message);
  }
  const { status, stderr } = await run(['run', '--uid', '--uid-map', '5:0:1', '--dry-run', '--shell']);
  assert.equal(status, 125);
  assert.match(stderr, /root is not mapped/);
});
