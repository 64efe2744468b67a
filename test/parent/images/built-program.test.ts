import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** As scripts/build.ts makes it: CommonJS, with packages left to Node, whose loader differs from that of the tests. */
const built = buildSync({
  entryPoints: [fileURLToPath(new URL('../../../src/parent/images/archive/decompress.ts', import.meta.url))],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  packages: 'external',
  write: false,
}).outputFiles[0]?.text;

const program = `${built}
(async () => {
  const compressed = Buffer.from(process.env.COMPRESSED, 'base64');
  const pieces = [compressed.subarray(0, 1), compressed.subarray(1, 3), compressed.subarray(3)];
  const source = (async function* () { yield* pieces; })();
  for await (const chunk of module.exports.decompress(source, 'the test')) process.stdout.write(chunk);
})();`;

for (const [name, words] of [
  ['cat', []],
  ['gzip', ['-c']],
  ['xz', ['-c']],
  ['zstd', ['-q', '-c']],
] as const) {
  const compressor = spawnSync(name, words, { input: 'some text, and some more' });
  const skip = compressor.status === 0 ? false : `${name} is not installed`;
  test(`the built program reads what ${name} writes, in pieces of any size`, { skip }, () => {
    const env = { PATH: process.env.PATH, COMPRESSED: compressor.stdout.toString('base64') };
    const result = spawnSync(process.execPath, ['-'], {
      input: program,
      cwd: repository,
      env,
      encoding: 'utf8',
    });
    assert.equal(result.stdout, 'some text, and some more', result.stderr);
  });
}
