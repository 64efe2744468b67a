/** --map-auto: whatever ranges the files have, the kernel and newuidmap(1) take the map that is made of them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { automaticMap, leftOut } from '../../../src/parent/spec/subordinate-ids.js';
import { folder, lacking, node, program, root } from '../../gontainer.js';

const place = folder();
const file = join(place, 'subuid');
const own = 1000;

/** Ranges that often touch, overlap, and hold the caller's own ID. */
const ranges = fc.array(fc.tuple(fc.integer({ min: 900, max: 1200 }), fc.integer({ min: 1, max: 60 })), {
  minLength: 1,
  maxLength: 40,
});

const idsOf = (first: number, count: number): number[] => Array.from({ length: count }, (_, n) => first + n);

test('every subordinate ID is mapped, none twice, and the own one is root', () => {
  fc.assert(
    fc.property(ranges, (given) => {
      writeFileSync(file, given.map(([first, count]) => `1000:${first}:${count}\n`).join(''));
      const wanted = new Set([own, ...given.flatMap(([first, count]) => idsOf(first, count))]);
      if (wanted.size === 1) return;
      const lines = automaticMap(file, own, own);
      const outside = lines.flatMap((line) => idsOf(line.outside, line.count));
      assert.equal(new Set(outside).size, outside.length);
      assert.deepEqual(new Set(outside), wanted);
      assert.deepEqual(
        lines.flatMap((line) => idsOf(line.inside, line.count)),
        idsOf(0, wanted.size),
      );
      assert.equal(outside[0], own);
    }),
  );
});

test('adjacent ranges are one line', () => {
  writeFileSync(file, '1000:5000:10\n1000:5010:10\n1000:7000:1\n');
  assert.deepEqual(automaticMap(file, own, own), [
    { inside: 0, outside: 1000, count: 1 },
    { inside: 1, outside: 5000, count: 20 },
    { inside: 21, outside: 7000, count: 1 },
  ]);
});

test('of more ranges than the kernel takes the smallest are left out', () => {
  const large = '1000:2000000:65536\n';
  const small = idsOf(0, 500).map((n) => `1000:${100_000 + n * 20}:${1 + (n % 10)}\n`);
  writeFileSync(file, [...small, large].join(''));
  const lines = automaticMap(file, own, own);
  const text = lines.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join('');
  assert.ok(lines.length <= 340 && text.length < 4096, `${lines.length} lines, ${text.length} bytes`);
  assert.ok(lines.length > 200);
  assert.equal(lines.at(-1)?.count, 65_536);
});

test('what is left out is said, with the reason', () => {
  const many = idsOf(0, 341).map((n) => `1000:${5 + n * 2}:1\n`);
  writeFileSync(file, [...many, '1000:x:5\n', 'somebody:1:x\n'].join(''));
  const lines = automaticMap(file, own, own);
  const count = 341 - (lines.length - 1);
  assert.deepEqual(leftOut(file, lines, own), [
    `--map-auto leaves out the ${count} smallest ranges of ${file}, ${count} IDs in all: the kernel takes at most 340 lines, and less than a page (4,096 bytes) of them`,
    `--map-auto leaves out “1000:x:5” of ${file}, which is not of the form NAME:FIRST:COUNT`,
  ]);
  writeFileSync(file, '1000:900:200\n1000:950:100\n1000:1000:1\n');
  assert.deepEqual(
    leftOut(file, automaticMap(file, own, own), own),
    [],
    'overlapping ranges, and the own ID',
  );
});

test('a launch warns of subordinate IDs that it leaves out', {
  skip:
    process.getuid?.() !== 0
      ? 'needs root, to put another /etc/subuid in place'
      : lacking('newuidmap', 'unshare'),
}, () => {
  writeFileSync(
    file,
    idsOf(0, 400)
      .map((n) => `root:${100_000 + n * 2}:1\n`)
      .join(''),
  );
  const script = `mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid && shift && exec "$@"`;
  const words = [
    'run',
    '--uid',
    '--map-auto',
    '--quiet',
    '--log-format',
    'json',
    '--log-level',
    'warn',
    '--',
    'true',
  ];
  const { status, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', script, 'sh', file, node, program, ...words],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  const said = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ level, msg }) => `${level} ${msg}`);
  for (const name of ['subuid', 'subgid'])
    assert.ok(
      said.some((line) =>
        new RegExp(`^40 --map-auto leaves out the \\d+ smallest ranges of /etc/${name}`).test(line),
      ),
      stderr,
    );
});

test('lines that are malformed, or name IDs that there are not, do not count', () => {
  writeFileSync(file, '# 1000:1:1\n1000:0x10:5\n1000:4294967290:100\nother:5:5\n1000:7\n1000:9:0\n');
  assert.deepEqual(automaticMap(file, own, own).slice(1), [{ inside: 1, outside: 4_294_967_290, count: 5 }]);
});

for (const [what, text] of [
  ['the own ID is among them', 'nobody:65000:1000\n'],
  ['they overlap', 'nobody:100000:1000\nnobody:100500:1000\n65534:100000:10\n'],
  [
    'they are hundreds',
    idsOf(0, 500)
      .map((n) => `nobody:${200_000 + n * 20}:${1 + (n % 10)}\n`)
      .join(''),
  ],
] as const) {
  test(`newuidmap(1) and the kernel take the map where ${what}`, {
    skip: (process.getuid?.() !== root.uid && 'needs root') || lacking('newuidmap', 'setpriv', 'unshare'),
  }, () => {
    writeFileSync(file, text, { mode: 0o644 });
    const script = `mount --bind '${file}' /etc/subuid && mount --bind '${file}' /etc/subgid && cd / &&
      exec setpriv --reuid=65534 --regid=65534 --clear-groups '${node}' '${program}' run --uid --quiet --map-auto -- cat /proc/self/uid_map`;
    const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^ +0 +65534 +1\n +1 /);
  });
}
