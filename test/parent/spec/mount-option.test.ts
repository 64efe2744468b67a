/** --mount as Docker writes it, and the targets where nothing can be mounted. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { mountFields } from '../../../src/parent/spec/mount-fields.js';
import { tmpfsSize } from '../../../src/parent/spec/tmpfs-size.js';
import { folder, rootfs, run, unprivileged } from '../../gontainer.js';

/** One field of CSV: RFC 4180. */
const quoted = (field: string): string => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);

test('any source and target come back from the record of CSV that has them', () => {
  const path = fc.string({ minLength: 1, unit: 'grapheme' });
  fc.assert(
    fc.property(
      path,
      path,
      fc.boolean(),
      fc.constantFrom('source', 'src'),
      (source, target, readOnly, key) => {
        const fields = ['type=bind', `${key}=${source}`, `dst=${target}`, ...(readOnly ? ['readonly'] : [])];
        assert.deepEqual(mountFields(fields.map(quoted).join(',')), {
          type: 'bind',
          source,
          target,
          readOnly,
        });
      },
    ),
  );
});

test('the sizes of a tmpfs are those that Docker takes, written as tmpfs(5) has them', () => {
  for (const [given, size] of [
    ['1048576', '1048576'],
    ['64m', '64m'],
    ['64MB', '64m'],
    ['1GiB', '1g'],
    ['10%', '10%'],
  ]) {
    const { size: field = '' } = mountFields(`type=tmpfs,target=/x,tmpfs-size=${given}`);
    assert.equal(tmpfsSize('--mount', field), size);
  }
});

test('a bind whose path has a colon, a comma and a quote in it is what the host has, and read-only', async () => {
  const place = folder(unprivileged);
  const odd = join(place, 'a:b,"c"');
  mkdirSync(odd);
  writeFileSync(join(odd, 'file'), 'found\n');
  const options = [
    '--mnt',
    await rootfs(unprivileged),
    '--mount',
    `type=bind,${quoted(`source=${odd}`)},target=/x:y,ro`,
  ];
  const script = 'cat /x:y/file; touch /x:y/new 2>/dev/null || echo read-only';
  const { status, stdout, stderr } = await run(
    [
      'run',
      '--uid',
      '--quiet',
      ...options,
      '--mount',
      'type=tmpfs,destination=/t,tmpfs-size=1m',
      '--',
      'sh',
      '-c',
      `${script}; df -k /t | sed 1d`,
    ],
    { user: unprivileged },
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^found\nread-only\ntmpfs +1024 /);
});

const refused: readonly (readonly [options: readonly string[], expected: RegExp])[] = [
  [
    ['--mount', 'type=bind,source=/etc'],
    /“type=bind,source=\/etc” has no target\. For example: --mount type=bind/,
  ],
  [['--mount', 'source=/etc,target=/x'], /has no type/],
  [['--mount', 'type=volume,source=v,target=/x'], /has the type volume, which is neither bind nor tmpfs/],
  [['--mount', 'type=bind,target=/x'], /has no source/],
  [['--mount', 'type=bind,source,target=/x'], /has no value for source/],
  [['--mount', 'type=bind,source=/etc,target=x'], /the target inside, “x”, must begin with \//],
  [['--mount', 'type=bind,source=/no/such,target=/x'], /--mount=\/no\/such does not exist/],
  [['--mount', 'type=bind,source=/etc,target=/x,readonly=maybe'], /neither true nor false/],
  [['--mount', 'type=bind,source=/etc,target=/x,colour=red'], /has a field “colour=red”, which is not known/],
  [['--mount', 'type=bind,source=/etc,target=/x,bind-propagation=shared'], /no mount crosses the boundary/],
  [['--mount', 'type=bind,"source=/etc,target=/x'], /has a quote that is not closed/],
  [['--mount', 'type=tmpfs,source=/etc,target=/x'], /has a source, and is a tmpfs/],
  [
    ['--mount', 'type=tmpfs,target=/x,tmpfs-size=big'],
    /--mount “type=tmpfs,target=\/x,tmpfs-size=big”: “big” is not a size/,
  ],
  [['--mount', ''], /--mount needs a value/],
  [['--bind', '/a:b:/x'], /is not of the form SRC:DST.* For a path with a colon: --mount/],
  ...['/proc', '/sys', '/dev', '/proc/', '/x/../dev'].flatMap((target) => [
    [
      ['--bind', `/tmp:${target}`],
      /cannot be a target: every new root gets a \/(proc|sys|dev) from the kernel/,
    ] as const,
    [['--tmpfs', target], /cannot be a target: every new root gets/] as const,
    [['--mount', `type=tmpfs,target=${target}`], /cannot be a target: every new root gets/] as const,
  ]),
  [['--bind', '/tmp:/link'], /\/link, which leads to \/proc, cannot be a target/],
  [['--bind', '/tmp:/link/none'], /\/link\/none, which leads to \/proc\/none, cannot be a target/],
  [['--bind', '/tmp:/proc/none'], /\/proc has nothing of that name, and nobody can add to it/],
  [['--tmpfs', '/sys/none'], /\/sys has nothing of that name/],
  [['--tmpfs', '/proc/self'], /it belongs to a process/],
  [['--tmpfs', '/proc/1/root'], /it belongs to a process/],
  [['--tmpfs', '/proc/net'], /it belongs to a process/],
  [['--bind', '/etc/hosts:/dev/stdin'], /every new root gets a link of that name/],
];

test('what cannot be mounted is said before anything is started, with status 2', async () => {
  const root = folder();
  symlinkSync('/proc', join(root, 'link'));
  for (const [options, expected] of refused) {
    const { status, stdout, stderr } = await run([
      'run',
      '--uid',
      '--quiet',
      '--mnt',
      root,
      ...options,
      '--',
      'true',
    ]);
    assert.match(stderr, /^gontainer: [^\n]*\n$/, options.join(' '));
    assert.match(stderr, expected, options.join(' '));
    assert.deepEqual([status, stdout], [2, ''], options.join(' '));
  }
});

test('below /proc, /sys and /dev a mount covers what is there, and /dev takes more', async () => {
  const root = await rootfs(unprivileged);
  const place = folder(unprivileged);
  writeFileSync(join(place, 'file'), 'mine\n');
  const binds = ['/proc/cpuinfo', '/dev/null', '/dev/new'].flatMap((target) => [
    '--bind',
    `${place}/file:${target}`,
  ]);
  const script = 'cat /proc/cpuinfo /dev/null /dev/new; ls -A /proc/sys /sys/kernel /dev/shm';
  const { status, stdout, stderr } = await run(
    [
      ...['run', '--all', '--quiet', '--mnt', root, ...binds],
      ...['--tmpfs', '/proc/sys', '--tmpfs', '/sys/kernel', '--tmpfs', '/dev/shm', '--', 'sh', '-c', script],
    ],
    { user: unprivileged },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'mine\nmine\nmine\n/dev/shm:\n\n/proc/sys:\n\n/sys/kernel:\n');
});
