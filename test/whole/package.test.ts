/** The package as it is published: what is in it, how it is installed, and that it runs from there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { folder, lacking, node, project, type User, unprivileged, users } from '../gontainer.js';

const isRoot = process.getuid?.() === 0;
const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
// The settings of the machine, which --prefix would have npm look for elsewhere.
process.env.npm_config_globalconfig ??= spawnSync('npm', ['config', 'get', 'globalconfig'], {
  encoding: 'utf8',
}).stdout.trim();
/** Whether packages can be had at all: an installation needs those that gontainer depends on. */
const registry = spawnSync('npm', ['view', 'ffi-rs', 'version'], { timeout: 60_000 }).status === 0;
const skip = !registry && 'needs the registry of npm';

/** Blanks, and letters that a shell would take for its own. */
const place = join(folder(), "a folder's & name");
let tarball = '';
let contents: string[] = [];

/** Runs a program to its end; it has to succeed. */
function done(
  file: string,
  words: readonly string[],
  options: { cwd?: string; user?: User; env?: NodeJS.ProcessEnv } = {},
): string {
  const { cwd = place, user, env = process.env } = options;
  const { status, stdout, stderr, error } = spawnSync(file, words, {
    cwd,
    env,
    encoding: 'utf8',
    input: '',
    ...(isRoot && user !== undefined ? { uid: user.uid, gid: user.gid } : {}),
  });
  assert.equal(status, 0, `${file} ${words.join(' ')}: ${error ?? stderr}${stdout}`);
  return stdout;
}

const npm = (...words: string[]): string =>
  done('npm', [...words, '--no-audit', '--no-fund', '--prefer-offline']);

/** What npm warns about, in an installation. */
const warnings = (...words: string[]): string =>
  spawnSync('npm', [...words, '--no-audit', '--no-fund', '--prefer-offline'], {
    cwd: place,
    encoding: 'utf8',
    input: '',
  }).stderr;

/** Uses an installation: a container, the lessons, the completion, which lie beside the program. */
function works(gontainer: readonly string[], user: User, cwd = '/'): void {
  const [file = '', ...words] = gontainer;
  const run = (...more: string[]) =>
    done(file, [...words, ...more], { user, cwd, env: { PATH: process.env.PATH, HOME: '/' } });
  assert.equal(run('--version'), `gontainer ${manifest.version}\n`);
  assert.equal(run('-run', '-uid', '-pid', '-quiet', '--', 'sh', '-c', 'id -u; exit 0'), '0\n');
  assert.match(run('lesson'), /Processes, and what they see/);
  assert.match(run('completion', 'bash'), /complete -F _gontainer gontainer/);
}

before(() => {
  mkdirSync(place);
  // dist/ is built: what prepare would do again.
  const [{ filename, files }] = JSON.parse(
    done('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', place], { cwd: project }),
  );
  tarball = join(place, filename);
  contents = files.map(({ path }: { path: string }) => path);
});

test('it holds what runs, and nothing else', () => {
  const allowed =
    /^(package\.json|(README|CHANGELOG)\.md|LICENSE|dist\/[a-z-]+\.cjs|dist\/help-\d+\.json|dist\/LICENCES\.txt|dist\/gontainer\.1|dist\/completions\/(gontainer\.(bash|fish)|_gontainer)|dist\/types\/(package\.json|[a-z/-]+\.d\.ts)|docs\/lessons\/[\w-]+\.md|docs\/log\.schema\.json)$/;
  assert.deepEqual(
    contents.filter((path) => !allowed.test(path)),
    [],
  );
  for (const path of [
    manifest.bin.gontainer,
    'dist/gontainer.1',
    'dist/child-main.cjs',
    'docs/lessons/01-processes.md',
    'LICENSE',
    'dist/LICENCES.txt',
  ])
    assert.ok(contents.includes(path), path);
});

test('what it loads from other packages is exactly what it depends on', () => {
  const loaded = new Set<string>();
  for (const name of readdirSync(join(project, 'dist')).filter((file) => file.endsWith('.cjs'))) {
    const text = readFileSync(join(project, 'dist', name), 'utf8');
    for (const [, found = ''] of text.matchAll(/\b(?:require|import)\("((?:@[\w-]+\/)?[a-z][\w-]*)"\)/g))
      if (!found.startsWith('node:')) loaded.add(found);
  }
  const builtin = new Set(process.getBuiltinModule('node:module').builtinModules);
  const packages = [...loaded].filter((name) => !builtin.has(name));
  assert.deepEqual([...new Set([...packages, 'ffi-rs'])].sort(), Object.keys(manifest.dependencies).sort());
});

test('the licence of every package in the bundle goes along, with its version', () => {
  const licences = readFileSync(join(project, 'dist/LICENCES.txt'), 'utf8');
  // The sources that the maps of the bundle name are what it was made of.
  const bundled = new Set(
    readdirSync(join(project, 'dist'))
      .filter((file) => file.endsWith('.cjs.map'))
      .flatMap((file) => JSON.parse(readFileSync(join(project, 'dist', file), 'utf8')).sources as string[])
      .flatMap((source) => /^\.\.\/(.*node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []),
  );
  for (const name of ['pino', 'yargs']) assert.ok(bundled.has(`node_modules/${name}`), name);
  for (const place of bundled) {
    const { name, version } = JSON.parse(readFileSync(join(project, place, 'package.json'), 'utf8'));
    assert.ok(licences.includes(`\n${name} ${version} (`), `${name} ${version}`);
    assert.ok(!(name in manifest.dependencies), `${name} is bundled, so an installed one would not be used`);
  }
});

test('an installation runs no script', () => {
  // npm runs prepare for a folder and for git, and not for a tarball.
  const { preinstall, install, postinstall } = manifest.scripts;
  assert.deepEqual([preinstall, install, postinstall], [undefined, undefined, undefined]);
});

test('publint and arethetypeswrong find nothing', async () => {
  const { messages, pkg } = await publint({
    strict: true,
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer as ArrayBuffer },
  });
  // The program is executable by a shell, which finds node: src/stub.sh.
  const found = messages.filter(({ code }) => code !== 'BIN_FILE_NOT_EXECUTABLE');
  assert.deepEqual(
    found.map((message) => formatMessage(message, pkg)),
    [],
  );
  const analysed = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
  assert.deepEqual(analysed.types && analysed.problems, []);
});

test('installed into an empty folder, without what only developers need, it runs', { skip }, async (t) => {
  const into = join(place, 'local');
  mkdirSync(into);
  writeFileSync(join(into, 'package.json'), '{ "private": true }');
  npm('install', '--omit=dev', '--prefix', into, tarball);
  const installed = join(into, 'node_modules/gontainer');
  assert.ok(!existsSync(join(into, 'node_modules/esbuild')));
  const link = join(into, 'node_modules/.bin/gontainer');
  for (const user of users) {
    await t.test(
      `${user.name}: through the link, in a folder that it may not write to`,
      { skip: user.skip },
      () => works([node, link], user),
    );
    await t.test(`${user.name}: npx`, { skip: user.skip }, () => {
      const env = { ...process.env, HOME: folder(user), npm_config_offline: 'true' };
      const words = ['--no', 'gontainer', '--', 'run', '--uid', '--quiet', '--', 'id', '-u'];
      assert.equal(done('npx', words, { cwd: into, user, env }), '0\n');
    });
    await t.test(`${user.name}: read-only`, { skip: user.skip || lacking('unshare') }, () => {
      const script = `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && ! touch "$1/new" 2>/dev/null && exec "$2" "$3" run --uid --pid --quiet -- id -u`;
      const words = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', into, node, link];
      assert.equal(done('unshare', words, { cwd: '/', user }), '0\n');
    });
  }
  await t.test('the library is found by its name', () => {
    const code = `import('gontainer').then(({ launch }) => launch({ uid: true, command: ['id', '-u'], stdio: 'inherit' }).ended)`;
    assert.equal(done(node, ['-e', code], { cwd: into }), '0\n');
  });
  assert.ok(!existsSync(join(installed, 'node_modules')));
});

test('installed for everybody it runs from PATH', { skip }, async (t) => {
  const prefix = join(place, 'global');
  const words = ['install', '--global', '--prefix', prefix, '--ignore-scripts', tarball];
  assert.doesNotMatch(warnings(...words), /warn.*(script|gontainer)/i);
  const link = join(prefix, 'bin/gontainer');
  assert.equal(realpathSync(link), join(prefix, 'lib/node_modules/gontainer/dist/main.cjs'));
  for (const user of users) {
    await t.test(user.name, { skip: user.skip }, () => works([link], user));
  }
  await t.test('its page is where man(1) looks beside a folder of PATH', () => {
    assert.match(readFileSync(join(prefix, 'share/man/man1/gontainer.1'), 'utf8'), /^\.TH GONTAINER 1 /);
  });
  await t.test(
    'under sudo, which resets the environment',
    { skip: (!isRoot && 'needs root') || lacking('sudo') },
    () => {
      works(['sudo', '-n', '-u', 'root', link], users[0] as User);
    },
  );
  await t.test(
    'by root, from the home of a user, with no environment',
    { skip: !isRoot && 'needs root' },
    () => {
      const home = folder(unprivileged);
      chmodSync(home, 0o755);
      const mine = join(home, 'prefix');
      const env = { ...process.env, HOME: home, npm_config_cache: join(home, 'cache') };
      done('npm', ['install', '--global', '--prefix', mine, '--no-audit', '--no-fund', tarball], {
        user: unprivileged,
        cwd: home,
        env,
      });
      const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
      const command = ['env', '-i', `PATH=${PATH}`, node, join(mine, 'bin/gontainer')];
      works(command, users[0] as User);
      // Root inside is not root of a folder whose owner is not mapped.
      chmodSync(home, 0o700);
      const words = [...command.slice(1), 'run', '--quiet', '--uid', '--', 'true'];
      const { status, stderr } = spawnSync('env', words, { encoding: 'utf8' });
      assert.equal(status, 125);
      assert.match(stderr, /^gontainer: .*could not read this program: \S+ is closed to others.*\n$/);
    },
  );
});

test('installed by pnpm, where each package has only its own dependencies, it runs', { skip }, async (t) => {
  const into = join(place, 'pnpm');
  mkdirSync(into);
  writeFileSync(join(into, 'package.json'), '{ "private": true }');
  npm('install', '--prefix', join(place, 'pnpm-itself'), 'pnpm@10');
  const pnpm = join(place, 'pnpm-itself/node_modules/.bin/pnpm');
  const words = ['add', '--prod', '--store-dir', join(place, 'store'), tarball];
  done(pnpm, words, { cwd: into, env: { ...process.env, CI: '1' } });
  assert.ok(!existsSync(join(into, 'node_modules/ffi-rs')));
  const program = realpathSync(join(into, 'node_modules/gontainer/dist/main.cjs'));
  for (const user of users) await t.test(user.name, { skip: user.skip }, () => works([node, program], user));
});
