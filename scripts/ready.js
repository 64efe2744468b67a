// Makes a fresh clone ready for `npm start`, `npm test` and `npm install -g .`: installs the packages when they are missing,
// and builds when the source is newer than dist/. Plain JavaScript, as it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs npm; what it prints goes to standard error, because standard output belongs to the container's command. */
function npm(...words) {
  // Set by the npm that runs this script; they would change what this one installs, and where.
  const env = { ...process.env };
  for (const name of ['global', 'prefix', 'omit', 'production', 'allow_scripts', 'ignore_scripts'])
    delete env[`npm_config_${name}`];
  const { status, error } = spawnSync('npm', words, { cwd: root, stdio: ['ignore', 2, 2], env });
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

/** npm runs `prepare` when it has installed what the caller wanted, and is not asked for more in the middle of that. */
const isPrepare = process.env.npm_lifecycle_event === 'prepare';
const packages = join(root, 'node_modules');
const canBuild = () => existsSync(join(packages, 'tsx'));
const isStale = () =>
  !canBuild() || written(join(root, 'package-lock.json')) > written(join(packages, '.package-lock.json'));

if (isPrepare ? !existsSync(packages) : isStale())
  npm('ci', '--no-audit', '--no-fund', '--ignore-scripts', '--include=dev', '--loglevel=error');
const sources = Math.max(newest('src'), newest('scripts'), written(join(root, 'package.json')));
if (sources > written(join(root, 'dist/main.cjs'))) {
  if (canBuild()) npm('run', '--silent', 'build');
  else console.error('gontainer is not built yet: that needs its devDependencies. npm start installs them.');
}
