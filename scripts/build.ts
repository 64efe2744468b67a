/**
 * Builds dist/: each stage one CommonJS file, so that Node reads one file and no ES module graph at start-up.
 *
 * A dynamic import() in the source is where a file is split off: what is imported that way becomes a file of
 * its own in dist/, loaded when it is reached. That keeps yargs and pino out of the way of the launch.
 */
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { quickOptions } from '../src/common/node-options.js';
import { writeBundledLicences } from './bundled-licences.js';
import { writeHelpTexts } from './help-texts.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'src');
const output = join(root, 'dist');

/** src/parent/launch/launch.ts is dist/parent-launch.cjs: one flat folder, names that say where a file comes from. */
const outputName = (file: string): string =>
  relative(source, file)
    .replace(/\.[jt]s$/, '')
    .replaceAll('/', '-');

/** Every source file that some other file imports with import(). */
function splitPoints(): string[] {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const found = files.flatMap((name) => {
    const text = readFileSync(join(source, name), 'utf8');
    return [...text.matchAll(/\bimport\('(\.[^']+)'\)/g)].map(([, target]) =>
      resolve(dirname(join(source, name)), String(target)).replace(/\.js$/, '.ts'),
    );
  });
  return [...new Set(found)];
}

const splitAtDynamicImport: Plugin = {
  name: 'split-at-dynamic-import',
  setup(context) {
    context.onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, resolveDir }) =>
      kind === 'dynamic-import'
        ? { path: `./${outputName(resolve(resolveDir, path))}.cjs`, external: true }
        : undefined,
    );
  },
};

/**
 * What pino loads for what is not used here: files and transports of its own, worker threads, and redaction. It takes longer
 * to load than the rest of pino, also because of the modules of Node that it asks for.
 */
const leftOut: Readonly<Record<string, string>> = {
  worker_threads: 'module.exports = { isMainThread: true };',
  'on-exit-leak-free': 'module.exports = {};',
  ...Object.fromEntries(
    ['./transport', './lib/transport', './lib/multistream', 'sonic-boom', '@pinojs/redact'].map((name) => [
      name,
      `module.exports = function () { throw new Error('built without ${name}'); };`,
    ]),
  ),
};

const leaveOut: Plugin = {
  name: 'leave-out',
  setup(context) {
    context.onResolve({ filter: /^[./@\w:-]+$/ }, ({ path, importer }) => {
      const name = path.replace('node:', '');
      return leftOut[name] !== undefined && importer.includes('/node_modules/pino/')
        ? { path: name, namespace: 'left-out' }
        : undefined;
    });
    context.onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
      contents: leftOut[path] ?? '',
    }));
  },
};

/** yargs finds its own files by URL; createRequire(), for which the rest asks where it is, takes a path as well. */
const urlForYargs: Plugin = {
  name: 'url-for-yargs',
  setup(context) {
    context.onLoad({ filter: /node_modules\/yargs\/.*\.m?js$/ }, ({ path }) => ({
      contents: `import { pathToFileURL as urlOf } from 'node:url';\n${readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        'urlOf(__filename).href',
      )}`,
    }));
  },
};

/**
 * main.cjs is two programs in one file. A shell reads it as far as its exec, which starts Node with the same file; to Node
 * that part is a comment after a string. So no link has to be followed, and no file can be without the other.
 */
const stub = `#!/bin/sh
':' /* A shell reads this part, which is a comment to Node.
${readFileSync(join(source, 'stub.sh'), 'utf8').replace('QUICK_OPTIONS', quickOptions.join(' '))}*/
`;

const settings = {
  outdir: output,
  absWorkingDir: root,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  // Less text is read faster. Names stay: a stack trace, at log level trace, is to say something.
  minifyWhitespace: true,
  minifySyntax: true,
  // import() becomes require(): Node would start the loader of ES modules, which reads a CommonJS file twice.
  supported: { 'dynamic-import': false },
  // One file is read faster than forty. What brings native code, or finds its own files by path, stays a package.
  external: ['ffi-rs'],
  legalComments: 'inline',
  sourcemap: 'linked',
  plugins: [splitAtDynamicImport, leaveOut, urlForYargs],
  banner: { js: "'use strict';" },
  define: {
    'import.meta.url': '__filename',
    'import.meta.dirname': '__dirname',
    'import.meta.filename': '__filename',
    VERSION: JSON.stringify(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version),
  },
} satisfies BuildOptions;
const outputs = (files: readonly string[]) => files.map((file) => ({ in: file, out: outputName(file) }));

rmSync(output, { recursive: true, force: true });
const { metafile } = await build({
  ...settings,
  metafile: true,
  entryPoints: outputs([join(source, 'library/index.ts'), ...splitPoints()]),
});
await build({
  ...settings,
  entryPoints: outputs([join(source, 'main.ts')]),
  // An old Node has to be able to read it, or it could not say that it is too old.
  target: 'es2015',
  banner: { js: `${stub}'use strict';` },
});
chmodSync(join(output, 'main.cjs'), 0o755);
writeBundledLicences(root, output, metafile);
await writeHelpTexts(output);
console.error(`built ${readdirSync(output).filter((name) => name.endsWith('.cjs')).length} files into dist/`);
