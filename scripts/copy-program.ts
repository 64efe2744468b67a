/** A copy of the built program where every user can read it, as a checkout in a home folder often cannot be. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * Copies dist/ and the packages that it loads into a folder, as `npm install --omit=dev` would lay them; installs nothing.
 * @param modules a folder where the packages are
 * @param from a checkout that was built
 */
export function copyProgram(copy: string, modules = join(root, 'node_modules'), from = root): void {
  const { files } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as { files: string[] };
  const leftOut = files.filter((path) => path.startsWith('!')).map((path) => join(from, path.slice(1)));
  for (const path of [...files.filter((path) => !path.startsWith('!')), 'package.json'])
    cpSync(join(from, path), join(copy, path), {
      recursive: true,
      filter: (source) => !leftOut.includes(source),
    });
  const { packages } = JSON.parse(readFileSync(join(from, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  for (const [path, { dev }] of Object.entries(packages)) {
    if (path === '' || dev) continue;
    try {
      cpSync(join(dirname(modules), path), join(copy, path), { recursive: true });
    } catch (error) {
      // Packages for other processors are not installed.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  spawnSync('chmod', ['-R', 'a+rX', copy]);
}
