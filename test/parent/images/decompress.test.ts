/** What compressors write is read back byte for byte; what was changed on the way is found. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as later } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { decompress } from '../../../src/parent/images/archive/decompress.js';

const installed = (program: string): false | string =>
  spawnSync(program, ['--version'], { input: '' }).error === undefined
    ? false
    : `${program} is not installed`;

const compress = (input: Buffer, program: string, ...words: readonly string[]): Buffer => {
  const { status, stdout, stderr } = spawnSync(program, words, { input, maxBuffer: 2 ** 30 });
  assert.equal(status, 0, String(stderr));
  return stdout;
};

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, size = 65_536): Promise<Buffer> {
  const out: Uint8Array[] = [];
  for await (const chunk of decompress(pieces(bytes, size), 'the test')) out.push(Buffer.from(chunk));
  return Buffer.concat(out);
}

/** Text, noise and repetitions near and far, from a seed: what an archive of programs looks like to a compressor. */
function generated(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  const next = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  for (let at = 0; at < length; ) {
    const size = Math.min(1 + next(4000), length - at);
    const kind = next(3);
    if (kind === 0 && at > size) bytes.copyWithin(at, next(at - size), at);
    else if (kind === 1) bytes.fill(next(256), at, at + size);
    else for (let index = at; index < at + size; index++) bytes[index] = next(256);
    at += size;
  }
  return bytes;
}

const data = generated(3_000_000);
const skippable = (kind: number, body: Buffer): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x184d2a50 + kind, 0);
  header.writeUInt32LE(body.length, 4);
  return Buffer.concat([header, body]);
};

const noZstd = installed('zstd');
const noXz = installed('xz');

for (const words of [
  ['-1'],
  ['-3', '--no-check'],
  ['-19'],
  ['--ultra', '-22', '--long=27'],
  ['--fast=5'],
  ['--long=31'],
  ['--no-content-size'],
  ['--single-thread', '-B65536'],
]) {
  test(`what zstd ${words.join(' ')} writes is read back byte for byte`, { skip: noZstd }, async () => {
    const compressed = compress(data, 'zstd', '-q', '-c', ...words);
    for (const size of [compressed.length, 1000]) assert.ok((await read(compressed, size)).equals(data));
  });
}

test('a repetition 140 MB back is found again in a window of 2^28', { skip: noZstd }, async () => {
  const far = Buffer.concat([generated(1_000_000, 7), Buffer.alloc(139_000_000), generated(1_000_000, 7)]);
  const compressed = compress(far, 'zstd', '-q', '-c', '--long=28');
  const hash = createHash('sha256');
  for await (const chunk of decompress(pieces(compressed, 65_536), 'the test')) hash.update(chunk);
  assert.equal(hash.digest('hex'), createHash('sha256').update(far).digest('hex'));
});

test('every frame of several is read, with skippable ones first, between and last', {
  skip: noZstd,
}, async () => {
  const parts = [data.subarray(0, 1_000_000), Buffer.alloc(0), data.subarray(1_000_000)];
  const [one, two, three] = parts.map((part) => compress(part, 'zstd', '-q', '-c'));
  assert.ok(one && two && three);
  const skipped = skippable(0, Buffer.from('table of contents'));
  for (const frames of [
    [one, two, three],
    [skipped, one, two, three],
    [one, skipped, skippable(15, Buffer.alloc(0)), two, three],
    [one, two, three, skippable(7, Buffer.alloc(100_000, 0xff))],
  ]) {
    for (const size of [65_536, 999]) assert.ok((await read(Buffer.concat(frames), size)).equals(data));
  }
});

test('a frame that needs a dictionary is refused', { skip: noZstd }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gontainer-dictionary-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const samples = Array.from({ length: 300 }, (_, index) => join(directory, String(index)));
  for (const [index, sample] of samples.entries())
    writeFileSync(sample, `sample ${index} ${'words '.repeat(index)}`);
  spawnSync('zstd', ['-q', '--train', ...samples, '-o', `${directory}/dictionary`]);
  const compressed = compress(data, 'zstd', '-q', '-c', '-D', `${directory}/dictionary`);
  await assert.rejects(read(compressed), { name: 'Failure', message: /\(zstd\): .*dictionary/i });
});

for (const words of [
  ['-0'],
  ['-9e'],
  ['--check=none'],
  ['--check=crc32'],
  ['--check=crc64'],
  ['--check=sha256'],
  ['--x86', '--lzma2'],
  ['--arm', '--lzma2'],
  ['--delta=dist=4', '--lzma2'],
  ['--lzma2=dict=256MiB'],
  ['--block-size=100000'],
  ['-T2', '--block-size=500000'],
  ['--format=lzma'],
]) {
  test(`what xz ${words.join(' ')} writes is read back byte for byte`, { skip: noXz }, async () => {
    const compressed = compress(data, 'xz', '-c', ...words);
    for (const size of [compressed.length, 1000]) assert.ok((await read(compressed, size)).equals(data));
  });
}

test('every stream of several of xz is read, padding between them too', { skip: noXz }, async () => {
  const [one, two] = [data.subarray(0, 1_000_000), data.subarray(1_000_000)].map((part) =>
    compress(part, 'xz', '-0', '-c'),
  );
  assert.ok(one && two);
  assert.ok((await read(Buffer.concat([one, Buffer.alloc(8), two, Buffer.alloc(4)]))).equals(data));
});

test('every stream of several of bzip2 is read', { skip: installed('bzip2') }, async () => {
  const [one, two] = [data.subarray(0, 1_000_000), data.subarray(1_000_000)].map((part) =>
    compress(part, 'bzip2', '-c'),
  );
  assert.ok(one && two);
  for (const size of [65_536, 1000]) assert.ok((await read(Buffer.concat([one, two]), size)).equals(data));
});

test('every member of several of gzip is read', async () => {
  const members = [data.subarray(0, 1_000_000), data.subarray(1_000_000)].map((part) => gzipSync(part));
  assert.ok((await read(Buffer.concat(members))).equals(data));
});

for (const program of ['gzip', 'bzip2', 'lzma', 'zstd']) {
  const skip = installed(program);
  test(`zeros after the end of ${program} are nothing, and what they hide is refused`, { skip }, async () => {
    const part = data.subarray(0, 100_000);
    const compressed = compress(part, program, '-c');
    for (const zeros of [1, 70_000]) {
      const filled = Buffer.concat([compressed, Buffer.alloc(zeros)]);
      for (const size of [65_536, 999]) {
        assert.ok((await read(filled, size)).equals(part));
        for (const more of [compressed, Buffer.from('x')]) {
          await assert.rejects(read(Buffer.concat([filled, more]), size), /something else after its end/);
        }
      }
    }
  });
}

for (const [program, words, skip] of [
  ['zstd', ['-q', '-c', '-3'], noZstd],
  ['xz', ['-c', '--check=crc32'], noXz],
  ['xz', ['-c', '--check=crc64'], noXz],
  ['xz', ['-c', '--check=sha256'], noXz],
  ['bzip2', ['-c'], installed('bzip2')],
  ['gzip', ['-c'], installed('gzip')],
] as const) {
  const name = [program, ...words].join(' ');
  test(`a byte that was changed, or is missing, of what ${name} wrote is found`, { skip }, async () => {
    // Noise is stored as it is: only the checksum tells that a byte of it is another one.
    const noise = Buffer.concat([createHash('sha512').update('a').digest(), generated(3_000, 9)]);
    const compressed = compress(noise, program, ...words);
    const places = [40, 200, 1000, compressed.length - 8, compressed.length - 1];
    for (const place of places) {
      const changed = Buffer.from(compressed);
      changed[place] = (changed[place] ?? 0) ^ 0x10;
      const result = await read(changed).catch((error: Error) => error);
      if (Buffer.isBuffer(result)) assert.fail(`a change at ${place} of ${changed.length} was not found`);
      assert.equal(result.name, 'Failure', result.stack);
    }
    for (const short of [1, 3, 4, 8, 12]) {
      const cut = compressed.subarray(0, compressed.length - short);
      await assert.rejects(
        read(cut),
        { name: 'Failure', message: /Cannot decompress the test/ },
        `${short} bytes short`,
      );
    }
  });
}

test('what cannot be read is not called damaged', async () => {
  async function* breaking(): AsyncGenerator<Buffer> {
    yield gzipSync(data).subarray(0, 100_000);
    await readFile('/');
  }
  const readOn = async (): Promise<void> => {
    for await (const _ of decompress(breaking(), 'the test'));
  };
  await assert.rejects(readOn, { code: 'EISDIR' });
});

test('an error of the source is not lost where zeros ended the data before it came', async () => {
  let hasRead: () => void = () => {};
  const read = new Promise<void>((done) => {
    hasRead = done;
  });
  async function* breaking(): AsyncGenerator<Buffer> {
    yield Buffer.concat([gzipSync('data'), Buffer.alloc(1000)]);
    await read;
    // A little later zlib has ended, too.
    for (let turn = 0; turn < 10; turn += 1) await later();
    await readFile('/');
  }
  const readOn = async (): Promise<void> => {
    for await (const _ of decompress(breaking(), 'the test')) hasRead();
  };
  await assert.rejects(readOn, { code: 'EISDIR' });
});

for (const [name, start] of [
  ['lz4', '04224d18'],
  ['lzip', '4c5a4950'],
  ['lzop', '894c5a4f'],
  ['compress', '1f9d'],
] as const) {
  test(`${name} is named, with the program that reads it`, async () => {
    const bytes = Buffer.concat([Buffer.from(start, 'hex'), Buffer.alloc(100)]);
    await assert.rejects(read(bytes), { message: new RegExp(`compressed with ${name}`), next: /Pipe it: / });
  });
}
