/** Where the launcher's file is: beside this one, unless a bundler has put this one into a program's own file. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Failure } from '../common/failure.js';

declare const __filename: string | undefined;

/**
 * @throws Failure where the package is neither beside this file nor installed where the program can find it
 */
export function launcherFile(): string {
  // A bundle of ES modules has no __filename, and in one of CommonJS it is the bundle.
  const own = typeof __filename === 'string' ? __filename : undefined;
  const beside = own === undefined ? undefined : join(dirname(own), 'main.cjs');
  if (beside !== undefined && existsSync(beside)) return beside;
  const found = [own, process.argv[1], join(process.cwd(), 'any')].map(installedFrom).find(Boolean);
  if (found !== undefined) return found;
  throw new Failure('the launcher is not there: gontainer is in a bundle, without its own files', {
    next: 'Keep it out of the bundle (external: ["gontainer"]), or install the package where the program runs.',
  });
}

/** The launcher of the package that a file there would import. */
function installedFrom(file: string | undefined): string | undefined {
  try {
    if (file === undefined) return undefined;
    return join(dirname(createRequire(file).resolve('gontainer/package.json')), 'dist/main.cjs');
  } catch {
    return undefined; // It is not installed there.
  }
}
