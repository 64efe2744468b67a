import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findStaticBusybox } from '../../../../src/parent/commands/rootfs/create/busybox.js';
import { readElf } from '../../../../src/parent/commands/rootfs/create/elf.js';
import { sharedLibraries } from '../../../../src/parent/commands/rootfs/create/shared-libraries.js';
import { identities, runRootfs, workspace } from '../../images/workspace.js';

const staticBusybox = findStaticBusybox();
const noBusybox = staticBusybox === undefined ? 'no static busybox is installed (busybox-static)' : false;

/** Runs a script in the new root. chroot(2) needs a capability, which a user namespace gives: unshare(1). */
function inside(directory: string, uid: number, script: string) {
  return spawnSync(
    'unshare',
    ['--user', '--map-root-user', '--mount', '--root', directory, '/bin/sh', '-c', script],
    {
      ...(process.getuid?.() === 0 ? { uid, gid: uid } : {}),
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TERM: 'xterm' },
    },
  );
}

const cannotUnshare =
  spawnSync('unshare', ['--user', '--map-root-user', 'true']).status === 0
    ? false
    : 'this machine lets no one make a user namespace';

for (const owner of identities) {
  for (const origin of ['busybox', 'host'] as const) {
    test(`create --from ${origin} as ${owner.name}: a shell and commands work in it`, {
      skip: origin === 'busybox' ? noBusybox || cannotUnshare : cannotUnshare,
    }, (t) => {
      const directory = workspace(t, owner);
      const made = runRootfs(owner, ['create', '--from', origin, join(directory, 'root')]);
      assert.equal(made.status, 0, made.stderr);
      assert.equal(made.stdout, '');
      assert.match(made.stderr, /^Made .*: \d+ commands, [\d.]+ MiB, from .*\nNext: gontainer run .*\n$/);
      assert.deepEqual(readdirSync(directory), ['root']);
      const shown = inside(
        join(directory, 'root'),
        owner.uid,
        'cat /etc/hostname; ls / ; echo one two | sed s/one/1/; grep -c root /etc/passwd; id -u; cd /tmp && mkdir x && echo x > x/y && cp x/y z && rm -r x',
      );
      assert.equal(shown.status, 0, shown.stderr);
      assert.equal(shown.stderr, '');
      const lines = shown.stdout.split('\n');
      assert.equal(lines[0], 'Gontainer');
      for (const name of ['proc', 'sys', 'dev', 'tmp', 'run', 'root', 'home'])
        assert.ok(lines.includes(name), name);
      assert.deepEqual(lines.slice(-4), ['1 two', '1', '0', '']);
      const modeOf = (path: string) => statSync(join(directory, 'root', path)).mode & 0o7777;
      assert.equal(modeOf('.'), 0o755);
      assert.equal(modeOf('tmp'), 0o1777);
      assert.equal(modeOf('dev/shm'), 0o1777);
      assert.equal(modeOf('root'), 0o700);
      assert.equal(statSync(join(directory, 'root')).uid, owner.uid);
    });
  }

  test(`create as ${owner.name} refuses a place that is taken, with status 2, and leaves it as it was`, (t) => {
    const directory = workspace(t, owner);
    mkdirSync(join(directory, 'full'));
    writeFileSync(join(directory, 'full', 'mine'), 'mine');
    writeFileSync(join(directory, 'file'), 'mine');
    symlinkSync('full', join(directory, 'link'));
    const before = readdirSync(directory, { recursive: true }).sort();
    for (const [name, reason] of [
      ['full', /is not empty \(it holds mine\)/],
      ['file', /is not a folder/],
      ['link', /is not a folder/],
      ['none/root', /does not exist/],
    ] as const) {
      const refused = runRootfs(owner, ['create', join(directory, name)]);
      assert.equal(refused.status, 2, refused.stderr);
      assert.match(refused.stderr, reason);
      assert.equal(refused.stderr.trim().split('\n').length, 1);
    }
    assert.deepEqual(readdirSync(directory, { recursive: true }).sort(), before);
    assert.equal(readFileSync(join(directory, 'full', 'mine'), 'utf8'), 'mine');
  });

  test(`create --add as ${owner.name} brings programs of the host with all that they need`, {
    skip: cannotUnshare || noBusybox,
  }, (t) => {
    const directory = workspace(t, owner);
    const scripts: readonly (readonly [program: string, script: string])[] = [
      ['bash', "bash -c 'echo it works'"],
      ['perl', "echo 'print qq(it works\\n)' | perl -MFile::Basename -"],
      ['python3', 'python3 -c \'import json, ctypes; print("it works")\''],
    ];
    const present = scripts.filter(([program]) => spawnSync(program, ['--version']).status === 0);
    const words = present.flatMap(([program]) => ['--add', program]);
    const made = runRootfs(owner, ['create', '--from', 'busybox', ...words, join(directory, 'root')]);
    assert.equal(made.status, 0, made.stderr);
    for (const [, script] of present) {
      const shown = inside(join(directory, 'root'), owner.uid, script);
      assert.equal(shown.stdout, 'it works\n', shown.stderr);
    }
    const refused = runRootfs(owner, ['create', '--add', 'no-such-program', join(directory, 'other')]);
    assert.equal(refused.status, 2, refused.stderr);
    assert.match(refused.stderr, /no program no-such-program/);
    assert.deepEqual(readdirSync(directory), ['root']);
  });

  test(`create as ${owner.name} takes an empty folder`, (t) => {
    const empty = join(workspace(t, owner), 'empty');
    mkdirSync(empty);
    const made = runRootfs(owner, ['create', `${empty}/`]);
    assert.equal(made.status, 0, made.stderr);
    assert.ok(statSync(join(empty, 'bin')).isDirectory());
  });
}

test('create says what to do where it may not write', {
  skip: identities.length < 2 && 'needs root',
}, (t) => {
  const [root, user] = identities as [(typeof identities)[0], (typeof identities)[0]];
  const directory = workspace(t, root);
  const refused = runRootfs(user, ['create', join(directory, 'root')]);
  assert.equal(refused.status, 125);
  assert.match(refused.stderr, /Cannot make a folder in .*permission denied \(EACCES\)\. Name a place/);
  assert.deepEqual(readdirSync(directory), []);
});

test('create --from knows two origins', (t) => {
  const [owner] = identities;
  assert.ok(owner);
  const directory = workspace(t, owner);
  assert.equal(runRootfs(owner, ['create', '--from', 'moon', join(directory, 'root')]).status, 2);
});

test('only a static program is taken for a busybox that needs nothing', { skip: noBusybox }, () => {
  assert.equal(findStaticBusybox(['/none', '/etc/passwd', process.execPath]), undefined);
  assert.equal(findStaticBusybox(['/etc/passwd', staticBusybox ?? '']), staticBusybox);
});

test('the ELF reader agrees with readelf', {
  skip: spawnSync('readelf', ['--version']).status === 0 ? false : 'readelf (binutils) is not installed',
}, () => {
  for (const path of ['/bin/sh', '/bin/ls', '/usr/bin/env', process.execPath]) {
    const listing = spawnSync('readelf', ['--wide', '--dynamic', '--program-headers', path], {
      encoding: 'utf8',
    }).stdout;
    const file = readElf(path);
    assert.ok(file);
    assert.equal(file.interpreter, /interpreter: ([^\]]+)\]/.exec(listing)?.[1]);
    assert.deepEqual(
      file.needed,
      [...listing.matchAll(/\(NEEDED\).*\[([^\]]+)\]/g)].map((match) => match[1]),
    );
  }
});

test('the libraries found are those the loader opens', {
  skip: spawnSync('ldd', ['/bin/ls']).status === 0 ? false : 'ldd is not installed',
}, () => {
  const program = '/bin/ls';
  const listing = spawnSync('ldd', [program], { encoding: 'utf8' }).stdout;
  const expected = [...listing.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => String(match[1]));
  const realPaths = (paths: Iterable<string>) =>
    [...new Set([...paths].map((path) => realpathSync(path)))].sort();
  assert.deepEqual(realPaths(sharedLibraries([program]).found), realPaths(expected));
});

test('a file that is damaged or no ELF file at all is not taken for one', (t) => {
  const [owner] = identities;
  assert.ok(owner);
  const directory = workspace(t, owner);
  const whole = readFileSync('/bin/sh');
  for (const length of [0, 3, 20, 63, 64, 100, 300]) {
    writeFileSync(join(directory, 'cut'), whole.subarray(0, length));
    const found = readElf(join(directory, 'cut'));
    assert.ok(found === undefined || found.needed.length === 0, `cut at ${length}`);
  }
});
