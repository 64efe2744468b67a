/**
 * Evidence is read, not assumed: where strace(1) turns a kernel call into a success that did nothing, the launch fails
 * with a sentence that says what the evidence does not show, and leaves nothing behind.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { namespaces } from '../../../src/common/namespaces.js';
import { folder, lacking, records, root, rootfs, run, type User, users } from '../../gontainer.js';

interface Case {
  /** The system call that does nothing. */
  readonly call: string;
  /** Only the one that writes this file of /proc. */
  readonly file?: string;
  /** Only the mount(2) on this place of the new root. */
  readonly target?: string;
  /** Only the first prctl(2) with this option. */
  readonly option?: string;
  /** Only the one with this number, counted from 1 in each process. */
  readonly when?: number;
  readonly options: readonly string[];
  readonly newRoot?: boolean;
  /** The step that notices. */
  readonly step: string;
  readonly says: RegExp;
  /** Whether a later call of the step fails, because the kernel did not do this one. */
  readonly refused?: boolean;
  /** Words before strace. */
  readonly under?: readonly string[];
}

const cases: readonly Case[] = [
  { call: 'unshare', options: ['--all'], step: 'unshare', says: /still in user:\[\d+\]/ },
  {
    call: 'sethostname',
    options: ['--uid', '--uts', '--hostname', 'box'],
    step: 'hostname',
    says: /the host name is /,
  },
  { call: 'mount', when: 2, options: ['--uid', '--pid'], step: 'proc', says: /\/proc is not mounted there/ },
  {
    call: 'mount',
    when: 2,
    options: ['--uid'],
    newRoot: true,
    step: 'bind-root',
    // The next call takes only a mount point, and so the kernel says it itself.
    says: /mount_setattr.* failed with EINVAL/,
    refused: true,
  },
  {
    call: 'mount',
    when: 3,
    options: ['--uid'],
    newRoot: true,
    step: 'proc',
    says: /\/proc is not mounted there/,
  },
  // The first calls of chroot(2) and chdir(2) are those of the step chroot.
  ...[[], ['--chroot']].flatMap((method): Case[] => [
    {
      call: 'chroot',
      when: 1,
      options: ['--uid', ...method],
      newRoot: true,
      step: 'chroot',
      says: /the root directory is another/,
    },
    {
      call: 'chdir',
      when: 1,
      options: ['--uid', ...method],
      newRoot: true,
      step: 'chroot',
      says: /the working directory is not the old root/,
    },
  ]),
  {
    call: 'chdir',
    when: 2,
    options: ['--uid', '--chroot'],
    newRoot: true,
    step: 'working-directory',
    says: /the working directory is another/,
  },
  {
    call: 'chdir',
    when: 3,
    options: ['--uid', '--workdir', '/etc'],
    newRoot: true,
    step: 'working-directory',
    says: /the working directory is another/,
  },
  {
    call: 'pivot_root',
    options: ['--uid'],
    newRoot: true,
    step: 'pivot-root',
    says: /the root directory is another/,
  },
  {
    // The first umount2(2) of that process takes the mount of node off its path.
    call: 'umount2',
    when: 2,
    options: ['--uid'],
    newRoot: true,
    step: 'detach-old-root',
    says: /the old root is still mounted/,
  },
  {
    call: 'umount2',
    when: 2,
    options: ['--uid', '--uts'],
    newRoot: true,
    step: 'names',
    says: /the tmpfs of the files is still on \/dev/,
  },
  // The first mount_setattr(2) of that process is the one for the file of node.
  {
    call: 'mount_setattr',
    when: 2,
    options: ['--uid'],
    newRoot: true,
    step: 'bind-root',
    says: /devices can be opened in \//,
  },
  {
    call: 'mount_setattr',
    when: 3,
    options: ['--uid', '--read-only'],
    newRoot: true,
    step: 'read-only',
    says: /\/ is writable/,
  },
  {
    call: 'mount_setattr',
    when: 3,
    options: ['--uid'],
    newRoot: true,
    step: 'sys',
    says: /\/sys is writable/,
  },
  {
    call: 'mount_setattr',
    when: 4,
    options: ['--uid'],
    newRoot: true,
    step: 'masks',
    says: /\/proc\/\w+ is writable/,
  },
  {
    call: 'symlink',
    when: 1,
    options: ['--uid'],
    newRoot: true,
    step: 'dev',
    says: /\/dev\/fd is missing/,
  },
  {
    call: 'mount',
    target: '/sys',
    options: ['--uid', '--net'],
    newRoot: true,
    step: 'sys',
    says: /\/sys is not mounted there/,
  },
  {
    call: 'mount',
    target: '/proc/interrupts',
    options: ['--uid'],
    newRoot: true,
    step: 'masks',
    says: /\/proc\/interrupts is not covered/,
  },
  {
    call: 'mount',
    target: '/dev/null',
    options: ['--uid'],
    newRoot: true,
    step: 'dev',
    says: /\/dev\/null is not the device 1:3/,
  },
  {
    call: 'mount',
    target: '/dev/shm',
    options: ['--uid'],
    newRoot: true,
    step: 'dev',
    says: /no tmpfs is mounted at \/dev\/shm/,
  },
  {
    call: 'mount',
    target: '/etc/hosts',
    options: ['--uid', '--uts'],
    newRoot: true,
    step: 'names',
    says: /\/etc\/hosts is not covered/,
  },
  {
    call: 'mount',
    target: '/copied',
    options: ['--uid', '--bind', '/etc/passwd:/copied'],
    newRoot: true,
    step: 'requested-mounts',
    says: /fewer mounts than were asked for/,
  },
  {
    call: 'mount',
    target: '/tmp',
    options: ['--uid', '--tmpfs', '/tmp'],
    newRoot: true,
    step: 'requested-mounts',
    says: /fewer mounts than were asked for/,
  },
  {
    call: 'mount',
    target: '/dev/pts',
    options: ['--uid', '--pty'],
    step: 'devpts',
    says: /no devpts is mounted at \/dev\/pts/,
  },
  {
    call: 'setsid',
    options: ['--uid', '--new-session'],
    step: 'command',
    says: /the child is still in the caller.s session/,
  },
  {
    call: 'prctl',
    option: 'PR_CAPBSET_DROP',
    options: ['--uid', '--cap-drop', 'chown'],
    step: 'capabilities',
    says: /CAP_CHOWN is still in the bounding set/,
  },
  {
    call: 'capset',
    options: ['--uid', '--cap-drop', 'chown'],
    step: 'command',
    says: /its effective set is: CAP_CHOWN /,
  },
  { call: 'ioctl', options: ['--uid', '--net'], step: 'loopback', says: /lo has no address 127\.0\.0\.1/ },
  {
    call: 'write',
    file: 'uid_map',
    options: ['--uid'],
    step: 'id-maps',
    says: /uid_map is not what was written/,
  },
  {
    call: 'write',
    file: 'gid_map',
    options: ['--uid'],
    step: 'id-maps',
    says: /gid_map is not what was written/,
  },
  {
    call: 'write',
    file: 'timens_offsets',
    options: ['--uid', '--time', '--boottime', '1000'],
    step: 'clock-offsets',
    says: /the offsets are not those that were written/,
  },
];

/** Cases that take root: a namespace without a user namespace, another user, shared mounts of the host, and setgroups. */
const casesOfRoot: readonly Case[] = [
  ...namespaces
    .filter(({ flag }) => flag !== 'mnt')
    .map(({ flag, entry }) => ({
      call: 'unshare',
      options: [`--${flag}`],
      // A PID namespace cannot be seen before it has a process; the mount namespace that goes with it can.
      step: 'unshare',
      says: new RegExp(`still in ${flag === 'pid' ? 'mnt' : entry}:\\[\\d+\\]`),
    })),
  // An ordinary user is asked for it only where the file of node is the user's own.
  {
    call: 'mount_setattr',
    when: 1,
    options: ['--cap-keep', 'all'],
    newRoot: true,
    step: 'command',
    says: /node can be written through \/proc\/self\/exe/,
  },
  {
    call: 'setresuid',
    options: ['--uid', '--uid-map', '0:54321:1', '--gid-map', '0:54321:1'],
    step: 'command',
    says: /the process is user \d+ and group 0/,
  },
  {
    call: 'chown',
    options: ['--pty', '--user', '1000:1000'],
    newRoot: true,
    step: 'pty',
    says: /the terminal belongs to user 0/,
  },
  {
    call: 'mount',
    when: 1,
    options: ['--pid'],
    step: 'propagation',
    says: /\d+ mounts are not private/,
    under: ['unshare', '--mount', '--propagation', 'shared'],
  },
  {
    call: 'write',
    file: 'setgroups',
    options: ['--uid'],
    step: 'id-maps',
    says: /setgroups\(2\) is not denied/,
  },
];

/** Which write(2) of the parent's own thread writes a file of /proc/P, counted from 1. */
async function numberOfWrite(file: string, words: readonly string[], user: User): Promise<number> {
  const trace = join(folder(user), 'trace');
  await run(words, { user, under: ['strace', '-y', '-e', 'trace=write', '-o', trace] });
  const writes = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('write('));
  return writes.findIndex((line) => line.includes(`/${file}>`)) + 1;
}

/** Which prctl(2) of the process that makes it is the first with this option, counted from 1. */
async function numberOfPrctl(option: string, words: readonly string[], user: User): Promise<number> {
  const trace = join(folder(user), 'trace');
  await run(words, { user, under: ['strace', '-f', '-e', 'trace=prctl', '-o', trace] });
  const calls = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => /^\d+\s+prctl\(/.test(line));
  const first = calls.find((line) => line.includes(option));
  const maker = first?.split(' ')[0];
  return first === undefined ? 0 : calls.filter((line) => line.split(' ')[0] === maker).indexOf(first) + 1;
}

/** Which call of the child mounts something there, counted from 1. */
async function numberOfMount(target: string, words: readonly string[], user: User): Promise<number> {
  const log = join(folder(user), 'log');
  await run([...words.slice(0, 1), '--log-file', log, ...words.slice(1)], { user });
  return (
    records(log)
      .filter(({ call, actor }) => call === 'mount' && actor === 'child')
      .findIndex(({ args }) => (args as { target: string }).target === target) + 1
  );
}

/** Processes whose command line holds a word. */
const processesWith = (word: string): string[] =>
  readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(word);
    } catch {
      return false; // It ended meanwhile.
    }
  });

async function fails(user: User, expected: Case): Promise<void> {
  const { call, file, target, option, options, newRoot, step, says, refused, under = [] } = expected;
  const log = join(folder(user), 'log');
  const rootOption = newRoot ? ['--mnt', await rootfs(user)] : [];
  const base = user.uid === 0 || options.includes('--uid') || options.includes('--all') ? [] : ['--uid'];
  const launch = [...base, ...options, ...rootOption, '--', '/bin/true'];
  const words = ['run', '--quiet', '--log-file', log, ...launch];
  const when =
    file !== undefined
      ? await numberOfWrite(file, words, user)
      : target !== undefined
        ? await numberOfMount(target, ['run', '--quiet', ...launch], user)
        : option !== undefined
          ? await numberOfPrctl(option, words, user)
          : expected.when;
  assert.notEqual(when, 0, 'no such call');
  // Success: 0, or for a write the number of bytes, which here only has to be more than none.
  const inject = `${call}:retval=${call === 'write' ? 4 : 0}${when === undefined ? '' : `:when=${when}`}`;
  // A write is the parent's own: other threads and processes have counts of their own.
  const follow = call === 'write' ? [] : ['-f'];
  const { status, stderr } = await run(words, {
    user,
    // In / the first chdir(2) would have nothing to do.
    cwd: '/tmp',
    under: [
      ...under,
      'strace',
      ...follow,
      '-o',
      '/dev/null',
      '-e',
      `trace=${call}`,
      '-e',
      `inject=${inject}`,
    ],
  });
  assert.equal(status, 125, stderr);
  const found = refused ? ': ' : ' \\(.*\\): the kernel reported success, but ';
  assert.match(stderr, new RegExp(`^gontainer: step ${step}${found}`));
  assert.match(stderr, says);
  assert.ok(
    records(log).every((record) => record.step !== step || record.shell === undefined),
    'the step is in the log as done',
  );
  assert.match(String(records(log).at(-1)?.msg), says);
  assert.deepEqual(processesWith(log), [], 'a process is left');
}

for (const user of users) {
  for (const expected of user.uid === root.uid ? [...cases, ...casesOfRoot] : cases) {
    const { call, file, target, when, options, newRoot, step } = expected;
    const what = `${call}${when === undefined ? '' : ` ${when}`}${(file ?? target) === undefined ? '' : ` of ${file ?? target}`} that does nothing, ${options.join(' ')}`;
    const title = `${user.name}: ${what}${newRoot ? ' --mnt' : ''}: ${step} fails`;
    test(title, { skip: user.skip || lacking('strace', ...(expected.under?.slice(0, 1) ?? [])) }, () =>
      fails(user, expected),
    );
  }
}
