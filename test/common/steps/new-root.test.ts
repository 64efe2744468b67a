/** What a new root has in it: /dev, /sys, /proc with its masks, and the files with names. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, records, rootfs, run, users } from '../../gontainer.js';
import { bareRoot, hostMounts, inside, noBusybox, own, paths } from './root-file-systems.js';

const lines = (text: string): string[] => text.split('\n').filter(Boolean);

for (const user of users) {
  const skip = user.skip || noBusybox;
  const title = (text: string): string => `${user.name}: ${text}`;

  test(title('/dev has the harmless devices, and they work'), { skip }, async () => {
    const script = `
      cd /dev; ls
      for name in null zero full random urandom tty; do stat -c '%n %F %t:%T %a' $name; done
      echo gone > null; dd if=zero bs=4 count=1 2>null | wc -c; dd if=urandom bs=9 count=1 2>null | wc -c
      (echo x > full) 2>null || echo 'no space'
      for name in fd stdin stdout stderr ptmx; do readlink $name; done`;
    const { stdout, stderr, status } = await inside(bareRoot(user), [], script, user);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.deepEqual(lines(stdout), [
      ...[
        'fd',
        'full',
        'mqueue',
        'null',
        'ptmx',
        'pts',
        'random',
        'shm',
        'stderr',
        'stdin',
        'stdout',
        'tty',
        'urandom',
        'zero',
      ],
      ...['null 1:3', 'zero 1:5', 'full 1:7', 'random 1:8', 'urandom 1:9', 'tty 5:0'].map((device) =>
        device.replace(' ', ' character special file ').concat(' 666'),
      ),
      ...['4', '9', 'no space'],
      ...['/proc/self/fd', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2', 'pts/ptmx'],
    ]);
  });

  test(title('terminals, shared memory and message queues are its own'), { skip }, async () => {
    const script = `
      ls /dev/pts; exec 5<>/dev/ptmx; ls /dev/pts
      grep -o ' /dev/pts .*' /proc/mounts
      echo mine > /dev/shm/file; ls /dev/shm; stat -c %a /dev/shm /dev/mqueue; touch /dev/mqueue/q; ls /dev/mqueue; stat -c %d /dev/pts`;
    const { stdout, stderr } = await inside(bareRoot(user), [], script, user);
    assert.equal(stderr, '');
    const found = lines(stdout);
    assert.match(
      found.splice(3, 1)[0] as string,
      /^ \/dev\/pts devpts rw,nosuid,noexec,relatime,mode=620,ptmxmode=666 0 0$/,
    );
    // Another instance than the host's: devpts has a device number for each.
    assert.notEqual(Number(found.pop()), statSync('/dev/pts', { throwIfNoEntry: false })?.dev);
    assert.deepEqual(found, ['ptmx', '0', 'ptmx', 'file', '1777', '1777', 'q']);
    assert.equal(existsSync('/dev/shm/file'), false);
  });

  test(title('without an IPC namespace there is no /dev/mqueue, which would be that of the host'), {
    skip,
  }, async () => {
    const words = [
      'run',
      '--quiet',
      '--uid',
      '--mnt',
      bareRoot(user),
      '--',
      '/bin/sh',
      '-c',
      'ls -d /dev/mqueue /dev/shm',
    ];
    assert.equal((await run(words, { user })).stdout, '/dev/shm\n');
  });

  test(title('/sys shows the own network, or else is the one of the host, and is read-only'), {
    skip,
  }, async () => {
    const script = `ls /sys/class/net; while read -r device at type options rest; do
      case $at,$options in /sys*,ro,*|/sys*,ro) ;; /sys*) echo "$at is writable";; esac; done < /proc/mounts`;
    const path = bareRoot(user);
    assert.deepEqual(lines((await inside(path, [], script, user)).stdout), ['lo']);
    const shared = await run(['run', '--quiet', '--uid', '--mnt', path, '--', '/bin/sh', '-c', script], {
      user,
    });
    assert.equal(shared.stderr, '');
    const found = lines(shared.stdout);
    for (const name of Object.keys(networkInterfaces()))
      assert.ok(found.includes(name), `${name} in ${found}`);
    assert.deepEqual(
      found.filter((line) => line.includes('writable')),
      [],
    );
  });

  test(title('what /proc and /sys have of the whole machine is covered or read-only'), { skip }, async () => {
    const covered = [
      'kcore',
      'keys',
      'timer_list',
      'interrupts',
      'sched_debug',
      'latency_stats',
      'timer_stats',
    ]
      .map((name) => `/proc/${name}`)
      .filter((path) => existsSync(path));
    const empty = [
      '/proc/acpi',
      '/proc/asound',
      '/proc/scsi',
      '/sys/firmware',
      '/sys/devices/virtual/powercap',
    ].filter((path) => existsSync(path));
    const script = `
      for path in ${covered.join(' ')}; do wc -c < $path; done
      for path in ${empty.join(' ')}; do ls $path; done
      (echo 1 > /proc/sys/kernel/printk) 2>&1; (echo box > /proc/sys/kernel/hostname) 2>&1
      test ! -e /proc/sysrq-trigger || (echo h > /proc/sysrq-trigger) 2>&1
      for path in bus fs irq sys; do
        grep -q " /proc/$path proc ro," /proc/mounts || test ! -e /proc/$path || echo "/proc/$path is writable"
      done
      echo 0 > /proc/self/oom_score_adj && echo 'own settings are not'`;
    const { stdout } = await inside(bareRoot(user), [], script, user);
    const found = lines(stdout);
    assert.deepEqual(
      found.splice(0, covered.length),
      covered.map(() => '0'),
    );
    assert.equal(found.pop(), 'own settings are not');
    assert.ok(found.length >= 2 && found.every((line) => line.includes('Read-only file system')), stdout);
  });

  test(title('the host name is in /etc/hostname and /etc/hosts too, and not in the root file system'), {
    skip,
  }, async () => {
    const path = await rootfs(user);
    const before = ['etc/hostname', 'etc/hosts'].map((name) => readFileSync(join(path, name), 'utf8'));
    const script =
      'cat /etc/hostname /etc/hosts; hostname; ping -c1 -w2 box >/dev/null && echo reached; echo more >> /etc/hosts';
    const { stdout, stderr } = await inside(path, ['--hostname', 'box'], script, user);
    assert.deepEqual(
      lines(stdout),
      ['box', ...lines(before[1] as string), '127.0.1.1\tbox', 'box', 'reached'],
      stderr,
    );
    assert.deepEqual(
      ['etc/hostname', 'etc/hosts'].map((name) => readFileSync(join(path, name), 'utf8')),
      before,
    );
  });

  test(title('files with names that are missing are made and removed again, when there is an /etc'), {
    skip,
  }, async () => {
    const path = bareRoot(user);
    const script = 'cat /etc/hostname /etc/hosts';
    assert.equal((await inside(path, ['--hostname', 'box'], script, user)).stdout, '');
    mkdirSync(join(path, 'etc'));
    own(path, user);
    const found = await inside(path, ['--hostname', 'box'], script, user);
    assert.deepEqual(lines(found.stdout), [
      'box',
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost',
      '127.0.1.1\tbox',
    ]);
    assert.deepEqual(paths(join(path, 'etc')), []);
  });

  test(title('the resolver is that of the host as long as the network is'), {
    skip: skip || (!existsSync('/etc/resolv.conf') && 'needs an /etc/resolv.conf'),
  }, async () => {
    const path = await rootfs(user);
    writeFileSync(join(path, 'etc/resolv.conf'), 'nameserver 192.0.2.1\n');
    const script = 'cat /etc/resolv.conf; (echo >> /etc/resolv.conf) 2>&1';
    const shared = await run(['run', '--quiet', '--uid', '--mnt', path, '--', '/bin/sh', '-c', script], {
      user,
    });
    assert.equal(
      shared.stdout.replace(/.*(Read-only file system|Permission denied)\n/, ''),
      readFileSync(realpathSync('/etc/resolv.conf'), 'utf8'),
    );
    assert.match(shared.stdout, /Read-only file system|Permission denied/);
    assert.equal((await inside(path, [], 'cat /etc/resolv.conf', user)).stdout, 'nameserver 192.0.2.1\n');
    assert.equal(readFileSync(join(path, 'etc/resolv.conf'), 'utf8'), 'nameserver 192.0.2.1\n');
  });

  test(title('a resolver that is a link to nowhere, as with systemd-resolved, is the host’s too'), {
    skip: skip || (!existsSync('/etc/resolv.conf') && 'needs an /etc/resolv.conf'),
  }, async () => {
    const path = bareRoot(user);
    const targets = ['../run/systemd/resolve/stub-resolv.conf', '/run/resolvconf/resolv.conf', 'other'];
    for (const target of targets) {
      rmSync(join(path, 'etc'), { recursive: true, force: true });
      mkdirSync(join(path, 'etc'));
      symlinkSync(target, join(path, 'etc/resolv.conf'));
      own(path, user);
      const before = paths(path);
      const base = user.uid === 0 ? ['--pid'] : ['--uid', '--pid'];
      for (const more of [[], ['--ephemeral']]) {
        const words = ['run', '--quiet', ...base, '--mnt', path, ...more, '--', 'cat', '/etc/resolv.conf'];
        const { stdout, stderr } = await run(words, { user });
        assert.deepEqual([stdout, stderr], [readFileSync(realpathSync('/etc/resolv.conf'), 'utf8'), '']);
      }
      assert.deepEqual(paths(path), before, 'what was made for it is removed');
    }
  });

  for (const method of [[], ['--chroot']]) {
    test(title(`nothing of the host is left open${method.length > 0 ? ' after chroot' : ''}`), {
      skip,
    }, async () => {
      const script = `readlink /proc/1/cwd; readlink /proc/1/root; cd /proc/1/fd; for fd in *; do readlink $fd; done`;
      const { stdout } = await inside(bareRoot(user), method, script, user);
      const found = lines(stdout);
      assert.deepEqual(found.slice(0, 2), ['/', '/']);
      const open = found.slice(2).filter((target) => !/^(pipe|socket|anon_inode):/.test(target));
      assert.deepEqual(open, []);
    });
  }

  test(title('--chroot has the same in it, and every mount is gone afterwards'), { skip }, async () => {
    const path = bareRoot(user);
    const [before, files] = [hostMounts(), paths(path)];
    const script = 'cut -d " " -f 2,3 /proc/mounts; pwd; ls /';
    const [pivoted, chrooted] = [
      await inside(path, [], script, user),
      await inside(path, ['--chroot'], script, user),
    ];
    assert.equal(chrooted.stderr, '');
    assert.equal(chrooted.stdout, pivoted.stdout);
    assert.match(chrooted.stdout, /^\/dev tmpfs$/m);
    assert.equal(hostMounts(), before);
    assert.deepEqual(paths(path), files);
  });

  test(title('each mount is a call of a step in the log, and the step shows it from the mount table'), {
    skip,
  }, async () => {
    const log = join(folder(user), 'log');
    const options = ['--hostname', 'box', '--tmpfs', '/tmp', '--read-only', '--log-file', log];
    await inside(bareRoot(user), options, 'true', user);
    const all = records(log) as Record<string, string & Record<string, string[]>>[];
    const steps = all.filter(({ shell }) => shell !== undefined).map(({ step }) => String(step));
    assert.deepEqual(steps.slice(steps.indexOf('bind-root'), steps.indexOf('loopback')), [
      ...[
        'bind-root',
        'chroot',
        'mount-points',
        'read-only',
        'proc',
        'sys',
        'masks',
        'dev',
        'names',
        'requested-mounts',
      ],
      ...['pivot-root', 'detach-old-root'],
    ]);
    const mounting = all.filter(({ call, ret }) => call === 'mount' && Number(ret) === 0);
    for (const [step, target] of Object.entries({
      proc: '/proc',
      sys: '/sys',
      masks: '/proc/sys',
      dev: '/dev/pts',
      'requested-mounts': '/tmp',
    })) {
      assert.ok(
        mounting.some(
          (record) => record.step === step && (record.args as { target?: string })?.target === target,
        ),
        step,
      );
      const shown =
        all.find((record) => record.step === step && record.shell !== undefined)?.after?.mounts ?? [];
      assert.ok(
        shown.some((line) => line.startsWith(`${target} `)),
        `${step} shows ${target}`,
      );
    }
  });

  test(title('ordinary users have no terminals of their own, because the kernel wants an ID 0 for that'), {
    skip: skip || (user.uid === 0 && 'root is mapped'),
  }, async () => {
    const maps = ['--uid-map', `7:${user.uid}:1`, '--gid-map', `7:${user.gid}:1`];
    const { stdout, stderr } = await inside(
      bareRoot(user),
      maps,
      'id -u; ls /dev; grep CapEff /proc/self/status',
      user,
    );
    const found = lines(stdout);
    assert.equal(stderr, '');
    assert.equal(found[0], '7');
    assert.ok(!found.includes('pts') && found.includes('shm'), stdout);
    assert.match(found.at(-1) as string, /0{16}$/);
  });
}
