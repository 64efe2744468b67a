/** --bind, --tmpfs, --read-only, --workdir, and that mounts stay on their side. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { finished, folder, lacking, root, rootfs, run, start, type User, users } from '../../gontainer.js';
import { afterMounting, bareRoot, hostMounts, inside, noBusybox, own } from './root-file-systems.js';

const lines = (text: string): string[] => text.split('\n').filter(Boolean);
/** Real mounts around the launch take root, in a mount namespace that is gone afterwards. */
const noMounting = process.getuid?.() === 0 ? lacking('unshare', 'setpriv') : 'needs root';

/** A folder with something in it. */
function source(user: User, name = 'file'): string {
  const path = folder(user);
  writeFileSync(join(path, name), 'outside\n');
  own(path, user);
  return path;
}

for (const user of users) {
  const skip = user.skip || noBusybox;
  const title = (text: string): string => `${user.name}: ${text}`;

  test(title('--bind shows a folder and a file of the host, writable or read-only'), { skip }, async () => {
    const path = await rootfs(user);
    const [first, second] = [source(user), source(user)];
    const options = [
      ...['--bind', `${first}:/project/deep`, '--bind', `${second}:/srv:ro`],
      ...['--bind', `${join(second, 'file')}:/etc/shells`],
    ];
    const script = `
      cat /project/deep/file /srv/file /etc/shells; echo inside > /project/deep/new
      (echo x > /srv/new) 2>&1; echo changed >> /etc/shells`;
    const { stdout, stderr, status } = await inside(path, options, script, user);
    assert.equal(status, 0, stderr);
    assert.deepEqual(lines(stdout), [
      'outside',
      'outside',
      'outside',
      "/bin/sh: can't create /srv/new: Read-only file system",
    ]);
    assert.equal(readFileSync(join(first, 'new'), 'utf8'), 'inside\n');
    assert.equal(readFileSync(join(second, 'file'), 'utf8'), 'outside\nchanged\n');
    assert.equal(existsSync(join(path, 'project')), false);
    assert.equal(readFileSync(join(path, 'etc/shells'), 'utf8'), '/bin/sh\n');
  });

  test(title('a bind of a link binds what it leads to on the host, and a relative source is the caller’s'), {
    skip,
  }, async () => {
    const path = folder(user);
    writeFileSync(join(path, 'target'), 'the target\n');
    symlinkSync(join(path, 'target'), join(path, 'link'));
    const { stdout, stderr } = await inside(bareRoot(user), ['--bind', 'link:/file'], 'cat /file', user, {
      cwd: path,
    });
    assert.equal(stdout, 'the target\n', stderr);
  });

  test(title('binds and tmpfs lie in each other whatever their order on the command line'), {
    skip,
  }, async () => {
    const [path, from] = [bareRoot(user), source(user)];
    const options = [
      '--bind',
      `${from}:/a/b/c`,
      '--tmpfs',
      '/a/b:size=1m',
      '--bind',
      `${from}:/a`,
      '--tmpfs',
      '/dev/extra',
    ];
    mkdirSync(join(from, 'b'));
    own(from, user);
    const script =
      'cat /a/file /a/b/c/file; touch /a/b/here; df -k /a/b | grep -c 1024; stat -c %a /a/b; touch /dev/extra/x';
    const { stdout, stderr } = await inside(path, options, script, user);
    assert.deepEqual(lines(stdout), ['outside', 'outside', '1', '1777'], stderr);
    assert.deepEqual(readdirSync(join(from, 'b')), []);
  });

  test(title('read-only holds for every mount below, and no flag is lost'), {
    skip: skip || noMounting,
  }, async () => {
    const [path, from] = [bareRoot(user), folder(user)];
    mkdirSync(join(path, 'data'));
    mkdirSync(join(from, 'below'));
    const under = afterMounting(
      `mount --bind '${path}' '${path}'
      mount -t tmpfs -o nosuid,nodev,noexec,noatime,mode=777 tmpfs '${path}/data'
      mount -t tmpfs -o nosuid,nodev,nodiratime,mode=777 tmpfs '${from}/below'`,
      user,
    );
    const script = `
      for path in / /data /srv /srv/below; do (echo > $path/x) 2>/dev/null && echo "$path is writable"; done
      while read -r device at type options rest; do
        case $at in /data|/srv/below) echo $at $options;; esac
      done < /proc/mounts`;
    const options = ['--read-only', '--bind', `${from}:/srv:ro`];
    const flags = (text: string): string[] =>
      lines(text).map((line) =>
        line
          .replace(/,(size|mode|uid|gid|inode64)[^,]*/g, '')
          .split(',')
          .sort()
          .join(),
      );
    const expected = flags(
      '/data ro,nosuid,nodev,noexec,noatime\n/srv/below ro,nosuid,nodev,relatime,nodiratime',
    );
    const found = await launched(under, options, script);
    assert.deepEqual(flags(found.stdout), expected, found.stderr);

    // Where mount_setattr(2) is missing, each is remounted.
    const strace = lacking('strace')
      ? []
      : ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=mount_setattr:error=ENOSYS'];
    if (strace.length === 0) return;
    const remounted = await launched([...under, ...strace], options, script);
    assert.deepEqual(flags(remounted.stdout), expected, remounted.stderr);

    async function launched(before: readonly string[], words: readonly string[], text: string) {
      const line = ['run', '--quiet', '--all', '--mnt', path, ...words, '--', '/bin/sh', '-c', text];
      return run(line, { user: root, under: before });
    }
  });

  test(title('under --read-only a tmpfs can be written, a missing mount point is made, and /dev works'), {
    skip,
  }, async () => {
    const script = 'touch /tmp/x /dev/shm/x && echo > /dev/null && echo written; touch /x /bin/x 2>&1';
    const options = ['--read-only', '--tmpfs', '/tmp', '--bind', `${source(user)}:/made/for/it`];
    const path = bareRoot(user);
    const { stdout, stderr } = await inside(path, options, script, user);
    assert.deepEqual(
      lines(stdout),
      ['written', 'touch: /x: Read-only file system', 'touch: /bin/x: Read-only file system'],
      stderr,
    );
    assert.deepEqual(readdirSync(path), ['bin']);
  });

  test(title('flags that the host set on the root file system stay, under an overlay too'), {
    skip: skip || noMounting,
  }, async () => {
    const path = bareRoot(user);
    const under = afterMounting(
      `mount --bind '${path}' '${path}'; mount -o remount,bind,nosuid,nodev,noatime '${path}'`,
      user,
    );
    const script = `while read -r device at type options rest; do test $at = / && echo $options; done < /proc/mounts`;
    for (const options of [[], ['--ephemeral']]) {
      const line = ['run', '--quiet', '--all', '--mnt', path, ...options, '--', '/bin/sh', '-c', script];
      const { stdout, stderr } = await run(line, { user: root, under });
      assert.match(stdout, /^rw,nosuid,nodev,/, stderr);
    }
  });

  test(title(
    'no mount crosses: neither one of the container to the host, nor a later one of the host to the container',
  ), { skip: skip || noMounting }, async () => {
    const [path, from] = [bareRoot(user), folder(user)];
    for (const name of ['shared', 'inner']) mkdirSync(join(path, name));
    mkdirSync(join(from, 'later'));
    own(path, user);
    const words = ['run', '--quiet', '--all', '--mnt', path, '--bind', `${from}:/srv`, '--', '/bin/sh', '-c'];
    const script = `mount -t tmpfs inside /inner && echo ready; read go; grep -c outside-later /proc/self/mountinfo`;
    // Every mount shared, as systemd has it, and the root file system on a shared mount of its own.
    const setUp = `mount --make-rshared /; mount --bind '${path}' '${path}'; mount --make-shared '${path}'`;
    const outer = `
      ${setUp}
      mkfifo '${from}/go'
      before=$(cat /proc/self/mountinfo)
      setpriv --reuid=${user.uid} --regid=${user.gid} --clear-groups "$@" < '${from}/go' > '${from}/out' &
      exec 9> '${from}/go'
      until grep -q ready '${from}/out'; do :; done
      test "$before" = "$(cat /proc/self/mountinfo)" && echo 'nothing shows outside'
      mount -t tmpfs outside-later '${path}/shared'; mount -t tmpfs outside-later '${from}/later'
      echo >&9; wait; tail -n 1 '${from}/out'
      umount '${path}/shared' '${from}/later'
      test "$before" = "$(cat /proc/self/mountinfo)" && echo 'nothing is left'`;
    const under = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', outer, 'sh'];
    const { stdout, stderr } = await run([...words, script], { user: root, under });
    assert.deepEqual(lines(stdout), ['nothing shows outside', '0', 'nothing is left'], stderr);
  });

  const kinds: Readonly<Record<string, (path: string, at: string) => string>> = {
    'on a tmpfs': (path, at) =>
      `mount -t tmpfs tmpfs '${at}'; cp -a '${path}/.' '${at}'; mkdir '${at}/etc'; chown ${user.uid}:${user.gid} '${at}' '${at}/etc'`,
    'on an overlay': (path, at) =>
      `mount -t tmpfs tmpfs '${at}'; mkdir '${at}/u' '${at}/w' '${at}/m'; mount -t overlay -o lowerdir='${path}',upperdir='${at}/u',workdir='${at}/w' o '${at}/m'; mount --move '${at}/m' '${at}'; chown ${user.uid}:${user.gid} '${at}'`,
    'on read-only media': (path, at) =>
      `mkdir -p '${path}/proc' '${path}/sys' '${path}/dev'; mount --bind '${path}' '${at}'; mount -o remount,bind,ro '${at}'`,
    'on a shared mount': (path, at) => `mount --bind '${path}' '${at}'; mount --make-rshared /`,
  };
  for (const [name, setUp] of Object.entries(kinds)) {
    test(title(`a root file system ${name} works`), { skip: skip || noMounting }, async () => {
      const [path, at] = [bareRoot(user), folder(user)];
      const words = ['run', '--quiet', '--all', '--mnt', at, '--tmpfs', '/dev/extra', '--'];
      const under = afterMounting(setUp(path, at), user);
      const script = 'echo > /dev/null; ls -d /proc/1 /sys/class /dev/pts/ptmx /dev/extra';
      const { stdout, stderr } = await run([...words, '/bin/sh', '-c', script], { user: root, under });
      assert.deepEqual(lines(stdout), ['/dev/extra', '/dev/pts/ptmx', '/proc/1', '/sys/class'], stderr);
    });
  }

  test(title('--workdir is where a relative command is looked for, in a new root and without one'), {
    skip,
  }, async () => {
    const path = bareRoot(user);
    const line = [
      'run',
      '--quiet',
      '--all',
      '--mnt',
      path,
      '--workdir',
      '/bin',
      '--',
      './readlink',
      '/proc/self/cwd',
    ];
    assert.equal((await run(line, { user })).stdout, '/bin\n');
    const [from, base] = [source(user), user.uid === 0 ? '--uts' : '--uid'];
    mkdirSync(join(from, 'deeper'));
    const outside = ['run', '--quiet', base, '--workdir', 'deeper', '--', 'pwd'];
    assert.equal((await run(outside, { user, cwd: from })).stdout, `${join(from, 'deeper')}\n`);
    const bound = await inside(
      path,
      ['--bind', `${from}:/srv`, '--workdir', '/srv', '--chroot'],
      'pwd; cat file',
      user,
    );
    assert.equal(bound.stdout, '/srv\noutside\n', bound.stderr);
    const missing = await inside(path, ['--workdir', '/nowhere'], 'true', user);
    assert.equal(missing.status, 125);
    assert.match(
      missing.stderr,
      /step working-directory: chdir\("\/nowhere"\) failed with ENOENT .*Choose a directory for --workdir/,
    );
  });

  test(title('a command that only a bind brings along is found'), { skip }, async () => {
    const path = bareRoot(user);
    const line = [
      'run',
      '--quiet',
      '--all',
      '--mnt',
      path,
      '--bind',
      `${join(path, 'bin')}:/opt/tools:ro`,
      '--',
      '/opt/tools/echo',
      'found',
    ];
    assert.equal((await run(line, { user })).stdout, 'found\n');
    const missing = await run([...line.slice(0, -2), '/opt/tools/none'], { user });
    assert.equal(missing.status, 127, missing.stderr);
  });

  test(title(
    'two containers live in one root file system at the same time, and one leaves the other alone',
  ), { skip }, async () => {
    const path = bareRoot(user);
    const before = hostMounts();
    const words = ['run', '--quiet', '--all', '--mnt', path, '--tmpfs', '/made', '--', '/bin/sh', '-c'];
    const first = start([...words, 'echo 1 > /made/one; echo ready; read go; cat /made/one /proc/mounts'], {
      user,
    });
    const end = finished(first);
    await once(first.stdout as NodeJS.ReadableStream, 'data');
    const second = await run([...words, 'ls /made; echo 2 > /made/two'], { user });
    assert.equal(second.stdout, '', second.stderr);
    first.stdin?.end('\n');
    const { stdout } = await end;
    assert.match(stdout, /^ready\n1\n/);
    for (const target of ['/proc', '/sys', '/dev', '/made'])
      assert.match(stdout, new RegExp(`^\\S+ ${target} `, 'm'));
    assert.equal(hostMounts(), before);
    // The first made the mount points, was the last to leave, and so took them along.
    assert.deepEqual(readdirSync(path), ['bin']);
  });
}

test('what is wrong with these options is said in one sentence, with status 2', {
  skip: noBusybox,
}, async () => {
  const path = bareRoot();
  const kept = folder();
  const rows: [string[], RegExp][] = [
    [['--user', '0'], /--user needs --mnt=DIR/],
    [['--mnt', '/', '--ephemeral'], /an overlay of \/ cannot be made in a user namespace/],
    [['--mnt', path, '--bind', '/etc'], /-bind “\/etc” is not of the form SRC:DST/],
    [['--mnt', path, '--bind', '/etc:/x:rw'], /is not of the form SRC:DST, SRC:DST:ro, SRC:DST:overlay or/],
    [['--mnt', path, '--bind', ':/x'], /is not of the form/],
    [['--mnt', path, '--bind', '/etc:x'], /the target inside, “x”, must begin with \//],
    [['--mnt', path, '--bind', '/etc:/x/..'], /the root itself is chosen by --mnt/],
    [['--mnt', path, '--bind', '/no/such:/x'], /-bind=\/no\/such does not exist/],
    [['--mnt', path, '--bind', '/etc:/x', '--tmpfs', '/x/'], /two mounts have the same target, \/x/],
    [['--mnt', path, '--tmpfs', '/x:64m'], /-tmpfs “\/x:64m” is not of the form DST or DST:size=SIZE/],
    [['--mnt', path, '--tmpfs', '/x:size=big'], /--tmpfs “\/x:size=big”: “big” is not a size/],
    [['--mnt', path, '--tmpfs', '/x:size=0'], /“0” is not a size/],
    [['--mnt', path, '--shm-size', '101%'], /--shm-size: “101%” is not a size/],
    // 2^64 bytes and more are others to the kernel, and a number that begins with 0 is octal.
    [['--mnt', path, '--tmpfs', '/x:size=17179869184g'], /“17179869184g” is not a size/],
    [['--mnt', path, '--shm-size', '999999999999999g'], /“999999999999999g” is not a size/],
    [
      ['--mnt', path, '--ephemeral', '--ephemeral-size', '010m'],
      /“010m” is not a size.* without a leading 0/,
    ],
    [['--mnt', path, '--shm-size', '010%'], /“010%” is not a size/],
    [['--mnt', path, '--mount', 'type=tmpfs,target=/x,tmpfs-size=010mb'], /“010mb” is not a size/],
    [['--mnt', path, '--ephemeral-size', '1m'], /--ephemeral-size needs --ephemeral/],
    [['--mnt', path, '--tmpfs', 'x'], /must begin with \//],
    [
      ['--mnt', path, '--ephemeral', '--overlay', kept],
      /--ephemeral discards the changes, and --overlay keeps them/,
    ],
    [['--mnt', path, '--overlay', join(kept, 'none')], /-overlay=.* does not exist.* Make it: mkdir/],
    [['--mnt', path, '--overlay', join(path, 'bin')], /one lies in the other\. Keep/],
    [['--mnt', path, '--ephemeral', '--bind', `${path}/bin:/x`], /the source of \/x lies in --mnt=/],
    [['--mnt', path, '--user', 'nobody:'], /-user “nobody:” is not of the form UID or UID:GID/],
    [['--mnt', path, '--user', 'ghost'], /there is no user “ghost” in \/etc\/passwd of /],
    [['--mnt', path, '--user', '0:ghosts'], /there is no group “ghosts” in \/etc\/group of /],
    [['--mnt', path, '--user', '4000'], /user 4000 of the container is mapped to no user of the host/],
    [['--mnt', path, '--user', '0:4000'], /group 4000 of the container is mapped to no group of the host/],
  ];
  for (const [options, sentence] of rows) {
    const { status, stderr, stdout } = await run(['run', '--all', ...options, '--', 'true']);
    assert.match(stderr, sentence, options.join(' '));
    assert.match(stderr, /^gontainer: .*\n$/, 'one line');
    assert.equal(status, 2, options.join(' '));
    assert.equal(stdout, '');
  }
});
