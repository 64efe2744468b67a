/** What is placed on a machine: Node, the program as npm would install it, and the project with its tests. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyProgram } from '../copy-program.js';
import { nodeBinary } from '../test-nodes.js';
import { cache, digest, fetching, made, type Processor, run } from './debian.js';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Packages that check the project or draw its pictures, and that none of its tests on a machine loads. */
const leftOut = ['@arethetypeswrong', '@biomejs', '@typescript', 'knip', 'playwright-core', 'webpack'];

/**
 * Puts it into a folder, which every user can read then.
 * @param processor where it is another one than this machine's
 * @param withTests whether the project is placed there too
 * @throws Unfetched
 */
export function place(folder: string, processor: Processor | undefined, withTests: boolean): void {
  const packages = processor === 'arm64' ? packagesOf('arm64') : join(project, 'node_modules');
  copyProgram(join(folder, 'product'), packages);
  const node = processor === 'arm64' ? fetching(() => nodeBinary(nodeVersion, 'arm64')) : process.execPath;
  cpSync(node, join(folder, 'node'));
  cpSync(join(project, 'scripts/machines/probe.js'), join(folder, 'probe.js'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  if (withTests) {
    copied(project, join(folder, 'project'), ['.git', 'node_modules']);
    copied(packages, join(folder, 'project/node_modules'), leftOut);
  }
  run('chmod', '-R', 'a+rX', folder);
}

function copied(from: string, to: string, without: readonly string[]): void {
  mkdirSync(to);
  const excluded = without.map((name) => `--exclude=./${name}`).join(' ');
  run('sh', '-c', `tar -C "$0" -c ${excluded} . | tar -C "$1" -x`, from, to);
}

/** The version that runs on a machine of another processor: the oldest that is supported. */
const nodeVersion = Number.parseInt(readFileSync(join(project, '.nvmrc'), 'utf8'), 10);

/** The project's packages for another processor, installed once for each lock file. */
function packagesOf(processor: Processor): string {
  const files = ['package.json', 'package-lock.json'].map((name) => join(project, name));
  const name = `${processor}-${digest(...files.map((file) => readFileSync(file)))}`;
  const folder = fetching(() =>
    made(join(cache, 'packages', name), (unfinished) => {
      mkdirSync(unfinished, { recursive: true });
      for (const file of files) cpSync(file, join(unfinished, file.slice(project.length)));
      run(
        'npm',
        ...['ci', '--prefix', unfinished, '--ignore-scripts', '--no-audit', '--no-fund'],
        ...[`--cpu=${processor}`, '--os=linux', '--libc=glibc'],
      );
      // What is built for one processor is optional to npm, which leaves out what it cannot fetch, and says nothing.
      const native = `@yuuang/ffi-rs-linux-${processor}-gnu`;
      if (!existsSync(join(unfinished, 'node_modules', native)))
        throw new Error(`npm could not fetch ${native}`);
    }),
  );
  return join(folder, 'node_modules');
}
