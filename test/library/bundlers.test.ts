/** What docs/library.md says about bundlers: the package stays out of the bundle, and is found. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import webpack from 'webpack';
import { folder, node, unprivileged } from '../gontainer.js';
import { consumer } from './consumer.js';

type Format = 'esm' | 'cjs';

interface Bundle {
  readonly source: string;
  readonly outfile: string;
  readonly format: Format;
}

/** How each of them is told to leave the package out of the bundle. */
const bundlers: Readonly<Record<string, (bundle: Bundle) => Promise<unknown>>> = {
  esbuild: (bundle) => withEsbuild(bundle, ['gontainer']),
  rollup: async ({ source, outfile, format }) => {
    const made = await rollup({ input: source, external: ['gontainer'] });
    await made.write({ file: outfile, format });
    await made.close();
  },
  webpack: ({ source, outfile, format }) =>
    new Promise<void>((done, failed) => {
      const path = dirname(outfile);
      const filename = outfile.slice(path.length + 1);
      const [externalsType, output] =
        format === 'esm'
          ? (['module', { library: { type: 'module' }, module: true, chunkFormat: 'module' }] as const)
          : (['commonjs', {}] as const);
      const configuration: webpack.Configuration = {
        mode: 'development',
        devtool: false,
        target: 'node20',
        entry: source,
        experiments: { outputModule: format === 'esm' },
        externalsType,
        externals: ['gontainer'],
        output: { path, filename, ...output },
      };
      webpack(configuration, (error, stats) => {
        if (error !== null || stats?.hasErrors()) failed(error ?? new Error(stats?.toString()));
        else done();
      });
    }),
};

const withEsbuild = ({ source, outfile, format }: Bundle, external: string[]) =>
  build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format,
    external,
    logLevel: 'error',
  });

/** A program that launches something, and where its bundle is to be. */
function program(): (format: Format) => Bundle {
  const path = consumer(unprivileged);
  const source = join(path, 'source.mjs');
  writeFileSync(
    source,
    `import { launch } from 'gontainer';
    const tell = ({ status, message, next }) => console.log(status, message ?? '', next ?? '');
    try { launch({ uid: true, command: ['sh', '-c', 'exit 7'] }).ended.then(tell, tell); } catch (error) { tell(error); }`,
  );
  mkdirSync(join(path, 'out'));
  return (format) => ({
    source,
    format,
    outfile: join(path, 'out', `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`),
  });
}

const ran = (file: string): string => {
  const { stdout, stderr } = spawnSync(node, [file], { cwd: dirname(file), encoding: 'utf8' });
  return `${stdout}${stderr}`.trim();
};

for (const [name, bundled] of Object.entries(bundlers)) {
  test(`a program that ${name} bundled finds the package that it left out`, async () => {
    const bundleOf = program();
    for (const format of ['esm', 'cjs'] as const) {
      const bundle = bundleOf(format);
      await bundled(bundle);
      assert.equal(ran(bundle.outfile), '7', format);
    }
  });
}

test('a program that has the library in its own file finds the launcher, or says what keeps it from it', async () => {
  const bundle = program()('cjs');
  // The one format into which a CommonJS package can be put.
  await withEsbuild(bundle, []);
  assert.equal(ran(bundle.outfile), '7');
  const elsewhere = join(folder(unprivileged), 'moved.cjs');
  copyFileSync(bundle.outfile, elsewhere);
  assert.match(ran(elsewhere), /^125 the launcher is not there: .*external: \["gontainer"\]/);
});
