/**
 * The smoke test on every supported version of Node. The binaries come from npm packages, are kept outside the project,
 * and are installed when they are missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const versions = [20, 22, 24, 26];
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Where the binaries are kept: where the tests' unprivileged user can run them, or in a folder named by the caller. */
const cache = process.env.GONTAINER_NODES ?? join(tmpdir(), 'gontainer-test-nodes');

const folderOf = (version: number, processor: string): string =>
  join(cache, `node${version}${processor === process.arch ? '' : `-${processor}`}`);

const pathOf = (version: number, processor: string): string =>
  join(folderOf(version, processor), `node_modules/node-linux-${processor}/bin/node`);

/** The versions whose binaries are there. */
export const presentVersions = (): number[] =>
  versions.filter((version) => existsSync(pathOf(version, process.arch)));

/** The path of a version's binary, installed if need be. */
export function nodeBinary(version: number, processor: string = process.arch): string {
  const folder = folderOf(version, processor);
  const binary = pathOf(version, processor);
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const words = [
    'install',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    ...(processor === process.arch ? [] : ['--force']),
    `node-linux-${processor}@${version}`,
  ];
  const { status } = spawnSync('npm', words, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`npm ${words.join(' ')} failed`);
  spawnSync('chmod', ['-R', 'a+rX', cache]);
  return binary;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const failed: number[] = [];
  for (const version of versions) {
    const { status } = spawnSync(
      process.execPath,
      ['--import', 'tsx', join(root, 'scripts/test.ts'), 'test/whole/smoke.test.ts'],
      {
        cwd: root,
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, GONTAINER_NODE: nodeBinary(version) },
      },
    );
    if (status !== 0) failed.push(version);
  }
  console.log(
    failed.length === 0
      ? `smoke test passed on Node ${versions.join(', ')}`
      : `smoke test failed on Node ${failed.join(', ')}`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
}
