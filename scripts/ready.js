// Makes `npm start` and `npm test` work in a fresh clone: installs the packages when they are missing and builds
// when the source is newer than dist/. Plain JavaScript on purpose: it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs npm; what it prints goes to standard error, because standard output belongs to the container's command. */
function npm(...words) {
  const { status, error } = spawnSync('npm', words, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error || status !== 0) {
    console.error(`npm ${words.join(' ')} failed; run it by itself to see why.`);
    process.exit(status || 1);
  }
}

/** When a file was last written, in milliseconds; 0 when it does not exist. */
const written = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

const newest = (folder) =>
  Math.max(
    ...readdirSync(join(root, folder), { recursive: true }).map((name) => written(join(root, folder, name))),
  );

if (
  !existsSync(join(root, 'node_modules')) ||
  written(join(root, 'package-lock.json')) > written(join(root, 'node_modules/.package-lock.json'))
) {
  npm('ci', '--no-audit', '--no-fund', '--ignore-scripts');
}
const sources = Math.max(newest('src'), newest('scripts'), written(join(root, 'package.json')));
if (sources > written(join(root, 'dist/main.cjs'))) npm('run', '--silent', 'build');
