/**
 * Evidence is read, not assumed: where strace(1) turns a kernel call into a success that did nothing, the launch fails
 * with a sentence that says what the evidence does not show, and leaves nothing behind.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { namespaces } from '../src/common/namespaces.js';
import { folder, lacking, records, root, rootfs, run, type User, users } from './gontainer.js';

interface Case {
  /** The system call that does nothing. */
  readonly call: string;
  /** Only the one that writes this file of /proc. */
  readonly file?: string;
  /** Only the one with this number, counted from 1 in each process. */
  readonly when?: number;
  readonly options: readonly string[];
  readonly newRoot?: boolean;
  /** The step that notices. */
  readonly step: string;
  readonly says: RegExp;
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
    says: /it is no mount point/,
  },
  {
    call: 'mount',
    when: 3,
    options: ['--uid'],
    newRoot: true,
    step: 'proc',
    says: /\/proc is not mounted there/,
  },
  { call: 'chdir', options: ['--uid'], newRoot: true, step: 'bind-root', says: /the working directory is / },
  {
    call: 'pivot_root',
    options: ['--uid'],
    newRoot: true,
    step: 'pivot-root',
    says: /the root directory is another/,
  },
  {
    call: 'umount2',
    options: ['--uid'],
    newRoot: true,
    step: 'detach-old-root',
    says: /the old root is still mounted/,
  },
  {
    call: 'chroot',
    options: ['--uid', '--chroot'],
    newRoot: true,
    step: 'chroot',
    says: /the root directory is another/,
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

/** Cases that take root: a namespace without a user namespace, another user, shared mounts outside, and setgroups. */
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
  {
    call: 'setresuid',
    options: ['--uid', '--uid-map', '0:54321:1', '--gid-map', '0:54321:1'],
    step: 'command',
    says: /the process is user \d+ and group 0/,
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
  const { call, file, options, newRoot, step, says, under = [] } = expected;
  const log = join(folder(user), 'log');
  const rootOption = newRoot ? ['--mnt', await rootfs(user)] : [];
  const base = user.uid === 0 || options.includes('--uid') || options.includes('--all') ? [] : ['--uid'];
  const words = ['run', '--quiet', '--log-file', log, ...base, ...options, ...rootOption, '--', '/bin/true'];
  const when = file === undefined ? expected.when : await numberOfWrite(file, words, user);
  assert.notEqual(when, 0, 'no such write');
  // Success: 0, or for a write the number of bytes, which here only has to be more than none.
  const inject = `${call}:retval=${call === 'write' ? 4 : 0}${when === undefined ? '' : `:when=${when}`}`;
  // A write is the parent's own: other threads and processes have counts of their own.
  const follow = call === 'write' ? [] : ['-f'];
  const { status, stderr } = await run(words, {
    user,
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
  assert.match(stderr, new RegExp(`^gontainer: step ${step} \\(.*\\): the kernel reported success, but `));
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
    const { call, file, options, newRoot, step } = expected;
    const what = `${call}${file === undefined ? '' : ` of ${file}`} that does nothing, ${options.join(' ')}`;
    const title = `${user.name}: ${what}${newRoot ? ' --mnt' : ''}: ${step} fails`;
    test(title, { skip: user.skip || lacking('strace', ...(expected.under?.slice(0, 1) ?? [])) }, () =>
      fails(user, expected),
    );
  }
}
