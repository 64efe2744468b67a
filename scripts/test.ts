/**
 * Runs the tests against the built program: all of them, or the files named on the command line. The program is copied
 * to a folder that an unprivileged user can read, as a checkout in a home folder often cannot be.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyProgram } from './copy-program.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** A Node that every user can run: this one, or a copy of it where it lies in somebody's home folder. */
function runnableNode(copy: string): string {
  const nobody = { uid: 65_534, gid: 65_534 };
  if (process.getuid?.() !== 0 || spawnSync(process.execPath, ['--version'], nobody).status === 0)
    return process.execPath;
  cpSync(process.execPath, join(copy, 'node'));
  return join(copy, 'node');
}

const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => join('test', name));
const copy = copyProgram();
try {
  // The first launch leaves compiled code (src/common/compiled-code.ts); tests that look at each call expect it there.
  const first = [join(copy, 'dist/main.cjs'), 'run', '--uid', '--quiet', '--', '/bin/true'];
  spawnSync(process.env.GONTAINER_NODE ?? process.execPath, first, { stdio: 'ignore' });
  const { status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--test', '--test-concurrency=2', ...files],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        GONTAINER_NODE: runnableNode(copy),
        ...process.env,
        GONTAINER_PROGRAM: join(copy, 'dist/main.cjs'),
      },
    },
  );
  process.exitCode = status ?? 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
