/** Bad input ends with one clear sentence and the documented exit status, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Finished,
  folder,
  lacking,
  node,
  program,
  run,
  unprivileged,
  users,
  withoutSubordinateIds,
} from '../../gontainer.js';
import { until } from '../../until.js';

/** One sentence on standard error, no stack trace, and nothing on standard output. */
function says({ status, stdout, stderr }: Finished, expected: RegExp, expectedStatus: number): void {
  const lines = stderr.split('\n').filter((line) => line.startsWith('gontainer: '));
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0] as string, expected);
  assert.doesNotMatch(stderr, /^\s+at /m);
  assert.equal(stdout, '');
  assert.equal(status, expectedStatus);
}

const place = folder(unprivileged);
const at = (name: string): string => join(place, name);
mkdirSync(at('empty'));
mkdirSync(at('closed'));
chmodSync(at('closed'), 0);
writeFileSync(at('file'), 'not a directory');
writeFileSync(at('not-executable'), '#!/bin/sh\n');
writeFileSync(at('no-interpreter'), '#!/no/such/interpreter\n', { mode: 0o755 });
symlinkSync('/nowhere/at/all', at('broken'));
symlinkSync('loop', at('loop'));

const sixtyFive = 'x'.repeat(65);

/** What is typed, what is said, and the exit status. */
const cases: readonly [words: string[], expected: RegExp, status: number][] = [
  [['-run'], /no namespace is selected\. Choose one or more of --uid --mnt/, 2],
  [['run'], /no namespace is selected/, 2],
  [['-uid'], /nothing to do: -uid needs -run\. Try: gontainer -run -uid/, 2],
  [['-'], /unknown command “-”\. See: gontainer --help/, 2],
  [['--=x'], /unknown command “--=x”/, 2],
  [['rnu'], /unknown command “rnu”\. Did you mean run\?/, 2],
  [['rootfs'], /: rootfs needs one more word: rootfs create/, 2],
  [['-run', '-uid', '-hostnme=x'], /unknown option -hostnme\. Did you mean -hostname\?/, 2],
  [['run', '-hlep'], /unknown option -hlep\. Did you mean -help\?/, 2],
  [['run', '--uid', '--log-lvel', 'info'], /unknown option --log-lvel\. Did you mean --log-level\?/, 2],
  [
    ['run', '--uid', '--quiet', '--workdir', '/no/such', '--', 'true'],
    /chdir.*ENOENT.*Choose a directory for --workdir that exists in the container\./,
    125,
  ],
  [['run', '--uid', '-x'], /unknown option -x\. See: gontainer run --help/, 2],
  [['ps', 'box'], /gontainer: ps does not take “box”\. See: gontainer ps --help/, 2],
  [['kill'], /gontainer: kill needs NAME\. See: gontainer kill --help/, 2],
  [['run', '--uid=false'], /-uid takes no value, and got “false”/, 2],
  [['run', '--uid', '--log-level=loud'], /-log-level is one of trace, debug, info/, 2],
  [['-run', '-uid', '-hostname', 'box'], /--hostname needs --uts\. Add --uts\./, 2],
  [['-run', '-uid', '-uts', '-hostname='], /-hostname needs a value: -hostname=NAME/, 2],
  [['-run', '-uid', '-uts', '-hostname'], /-hostname needs a value/, 2],
  [
    ['-run', '-uid', '-uts', '-hostname', sixtyFive],
    /-hostname is 65 bytes long, and the kernel takes 64/,
    2,
  ],
  [['-run', '-uid', '-uts', '-hostname', 'é'.repeat(33)], /-hostname is 66 bytes long/, 2],
  [['-run', '-uid', '-mnt'], /-mnt needs a value: -mnt=DIR/, 2],
  [['-run', '-mnt', '-uid'], /-mnt needs a value/, 2],
  [['-run', '-uid', '-mnt', at('missing')], /-mnt=.*missing does not exist/, 2],
  [['-run', '-uid', '-mnt', at('file')], /-mnt=.*file is not a directory/, 2],
  [['-run', '-uid', '-mnt', at('broken')], /is a symbolic link that leads nowhere/, 2],
  [['-run', '-uid', '-mnt', at('loop')], /is a loop of symbolic links/, 2],
  [['-run', '-uid', '-mnt', at('file/x')], /leads through something that is not a directory/, 2],
  [
    ['-run', '-uid', '-mnt', at('empty')],
    /\/bin\/sh: there is no such command in .*empty\. .*rootfs create/,
    127,
  ],
  [['run', '--uid', '--', 'no-such-command'], /no-such-command: there is no such command in PATH/, 127],
  [['run', '--uid', '--', '/no/such/command'], /\/no\/such\/command: there is no such command/, 127],
  [['run', '--uid', '--', at('not-executable')], /not-executable is not executable/, 126],
  [['run', '--uid', '--', place], /is not executable/, 126],
  [['run', '--uid', '--', at('no-interpreter')], /execve.* failed with ENOENT .*interpreter/, 126],
  [['run', '--uid', '--uid-map', '0:1000'], /-uid-map “0:1000” is not of the form CONTAINER:HOST:COUNT/, 2],
  [['run', '--uid', '--uid-map', '0:1000:-1'], /is not of the form/, 2],
  [['run', '--uid', '--uid-map', '0:1000:0'], /must name 1 to/, 2],
  [['run', '--uid', '--gid-map', '0:4294967290:9'], /must name 1 to/, 2],
  [
    ['run', '--uid', '--uid-map', '0:1000:10', '--uid-map', '5:2000:1'],
    /“0:1000:10” and “5:2000:1” overlap in the container/,
    2,
  ],
  [['run', '--uid', '--uid-map', '0:10:10', '--uid-map', '50:15:1'], /overlap on the host/, 2],
  [['run', '--uts', '--uid-map', '0:0:1'], /--uid-map needs --uid/, 2],
  [['run', '--uid', '--map-auto', '--uid-map', '0:0:1'], /-map-auto makes the maps itself/, 2],
  [['run', '--uid', '--boottime', '5'], /--boottime needs --time/, 2],
  [['run', '--uid', '--time', '--boottime', 'soon'], /-boottime takes a whole number, not “soon”/, 2],
  [['run', '--uid', '--chroot'], /--chroot needs --mnt/, 2],
  [['run', '--uid', '--window=80x24'], /--window needs --pty\. Add --pty\./, 2],
  [['run', '--uid', '--pty', '--window=80'], /--window=80 is not of the form COLUMNSxROWS/, 2],
  [['run', '--uid', '--pty', '--window-fd=77'], /--window-fd=77 is not an open file descriptor/, 2],
  [['run', '--uid', '--decide-fd=0'], /--decide-fd decides about calls that are watched\. Add --watch\./, 2],
  [['run', '--uid', '--watch', '--decide-fd=77'], /--decide-fd=77 is not an open file descriptor/, 2],
  [['run', '--uid', '--watch', '--decide-fd=1', '--step'], /--decide-fd has a program decide/, 2],
  [['run', '--all', '--chroot'], /--chroot needs --mnt=DIR, a new root/, 2],
  [
    ['run', '--uid', '--cap-drop', 'net_rwa'],
    /-cap-drop: there is no capability “net_rwa”\. Did you mean CAP_NET_RAW\?/,
    2,
  ],
  [
    ['run', '--uid', '--cap-keep', 'CAP_KILL,CAP_SYSADMIN'],
    /-cap-keep: .*“CAP_SYSADMIN”\. Did you mean CAP_SYS_ADMIN\?/,
    2,
  ],
  [['run', '--uid', '--cap-keep', 'everything'], /“everything”\. They are listed in capabilities\(7\)/, 2],
  [['run', '--uid', '--cap-keep', 'kill,'], /there is no capability “”/, 2],
  [['run', '--uid', '--cap-keep='], /--cap-keep needs a value: --cap-keep=CAP/, 2],
  [
    ['run', '--uid', '--cap-keep', 'KILL', '--cap-drop', 'chown,cap_kill'],
    /--cap-drop and --cap-keep both name CAP_KILL\. Choose one\./,
    2,
  ],
  [['run', '--uid', '--cap-keep', 'all', '--cap-drop', 'ALL'], /--cap-drop and --cap-keep both name all/, 2],
  [['run', '--uid', '--env', '=x'], /-env “=x” is not of the form NAME=VALUE/, 2],
];

for (const user of users) {
  test(`${user.name}: every bad command line is answered in one sentence`, {
    skip: user.skip,
  }, async (context) => {
    for (const [words, expected, status] of cases) {
      await context.test(words.join(' ').slice(0, 100) || '(nothing)', async () => {
        says(await run(words, { user }), expected, status);
      });
    }
  });
}

test('a folder that may not be read is refused as the new root', async () => {
  says(
    await run(['-run', '-uid', '-mnt', at('closed')], { user: unprivileged }),
    /-mnt=.*closed may not be read by you/,
    2,
  );
});

test('maps that the kernel refuses end the launch with what an unprivileged user may map', async () => {
  says(
    await run(['run', '--quiet', '--uid', '--uid-map', `0:${unprivileged.uid}:2`], { user: unprivileged }),
    /step id-maps: write\(.*uid_map.* failed with EPERM .*unprivileged user map only the own ID/,
    125,
  );
});

test('clock offsets that the kernel refuses end the launch with its limits', async () => {
  says(
    await run(['run', '--quiet', '--uid', '--time', '--boottime=-9999999999'], { user: unprivileged }),
    /step clock-offsets: write\(.*failed with E(RANGE|INVAL) .*clocks of the container/,
    125,
  );
});

test('without privilege and without a user namespace the launch fails, and --uid is suggested', async () => {
  says(
    await run(['run', '--quiet', '--uts'], { user: unprivileged }),
    /step unshare: unshare\("CLONE_NEWUTS"\) failed with EPERM .*: add --uid, or run it as root/,
    125,
  );
});

test('a capability that the caller does not have cannot be kept', async () => {
  says(
    await run(['run', '--quiet', '--uts', '--cap-keep', 'net_admin'], { user: unprivileged }),
    /--cap-keep CAP_NET_ADMIN: you do not have it yourself.* add --uid/,
    2,
  );
});

test('root without CAP_SETPCAP cannot limit capabilities', {
  skip: users[0]?.skip || lacking('setpriv'),
}, async () => {
  const under = ['setpriv', '--bounding-set=-setpcap', '--inh-caps=-setpcap'];
  says(
    await run(['run', '--quiet', '--uts'], { under }),
    /step capabilities: prctl\("PR_CAPBSET_DROP".* failed with EPERM .*-cap-keep=all/,
    125,
  );
  const kept = await run(['run', '--quiet', '--uts', '--cap-keep', 'all', '--', 'id', '-u'], { under });
  assert.equal(kept.stdout, '0\n', kept.stderr);
});

test('without subordinate IDs --map-auto says how to get some', { skip: lacking('bwrap') }, async () => {
  const words = ['run', '--quiet', '--uid', '--map-auto'];
  says(
    await run(words, { user: unprivileged, under: withoutSubordinateIds() }),
    /-map-auto: \/etc\/subuid gives .* no subordinate IDs\. Add them as root: usermod/,
    125,
  );
});

test('where the sysctl switches user namespaces off, it is named', async () => {
  // Root of a user namespace may set the limit of its own: no host is changed.
  const script = `echo 0 > /proc/sys/user/max_user_namespaces; exec '${node}' '${program}' run --quiet --uid`;
  says(
    await run(['run', '--quiet', '--uid', '--', 'sh', '-c', script], { user: unprivileged }),
    /unshare\("CLONE_NEWUSER"\) failed with ENOSPC .*user\.max_user_namespaces is 0.*sudo sysctl/,
    125,
  );
});

for (const [name, value] of [
  ['apparmor_restrict_unprivileged_userns', 1],
  ['unprivileged_userns_clone', 0],
] as const) {
  test(`where kernel.${name} restricts user namespaces, it is named`, {
    skip: users[0]?.skip || lacking('strace', 'setpriv'),
  }, () => {
    // The switch stands in a mount namespace of the test; the refusal that goes with it is injected by strace.
    const user = `setpriv --reuid=${unprivileged.uid} --regid=${unprivileged.gid} --clear-groups`;
    const script = `mount -t tmpfs none /proc/sys/kernel && echo ${value} > /proc/sys/kernel/${name} &&
      exec ${user} strace -f -o /dev/null -e trace=unshare -e inject=unshare:error=EPERM '${node}' '${program}' run --quiet --uid`;
    const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    says(
      { status, signal: null, stdout, stderr },
      new RegExp(`failed with EPERM .*kernel\\.${name} is ${value}`),
      125,
    );
  });
}

for (const [what, property, value, expected] of [
  [
    'a system that is not Linux is refused',
    'platform',
    'darwin',
    /namespaces are a part of Linux, and this is darwin/,
  ],
  ['a processor that is not known is refused', 'arch', 'riscv64', /the riscv64 processor is not known here/],
] as const) {
  test(what, () => {
    const pretend = `Object.defineProperty(process, '${property}', { value: '${value}' }); require('${program}')`;
    const { status, stderr } = spawnSync(node, ['-e', pretend], { encoding: 'utf8', input: '' });
    assert.match(stderr, expected);
    assert.equal(status, 125);
  });
}

test('a command whose standard input is closed reads end-of-file', () => {
  const script = `'${node}' '${program}' run --quiet --uid -- sh -c 'cat; echo status $?' <&-`;
  const { status, stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  assert.equal(stdout, 'status 0\n');
  assert.equal(status, 0);
});

test('a closed pipe on standard output is no error, and ends a command that writes to it', () => {
  for (const words of ['--help', '--version', 'run --quiet --uid -- sh -c "exec yes"']) {
    const script = `(sh -c 'exec "${node}" "${program}" ${words}'; echo $? >&2) | exec true`;
    const { stderr } = spawnSync('sh', ['-c', script.replaceAll('"exec yes"', "'\\''exec yes'\\''")], {
      encoding: 'utf8',
    });
    assert.doesNotMatch(stderr, /EPIPE|Error/, words);
    assert.match(stderr, words.startsWith('run') ? /^141$/m : /^0$/m, words);
  }
});

test('none of these command lines leaves a process or a file behind', async () => {
  assert.deepEqual(readdirSync(at('empty')), []);
  // Those of test files that run beside this one have their launcher still, or end with it in this moment.
  const launched = (pid: string): boolean => {
    try {
      const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return readFileSync(`/proc/${parent}/cmdline`, 'utf8').includes(program);
    } catch {
      return true; // It has ended in this moment.
    }
  };
  const left = (): string[] =>
    spawnSync('pgrep', ['-f', `${program} child`], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter((pid) => pid !== '' && !launched(pid));
  await until(
    () => `still there: ${left().join(' ')}`,
    () => left().length === 0,
  );
});
