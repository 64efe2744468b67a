/** Makes one file of a source file and all it needs, in a place that everyone may read, which a checkout often is not. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** @returns the path of a CommonJS file, which is removed when the tests end */
export function bundle(source: URL): string {
  const directory = mkdtempSync(join(tmpdir(), 'gontainer-rootfs-program-'));
  chmodSync(directory, 0o755);
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const outfile = join(directory, 'program.cjs');
  buildSync({ entryPoints: [fileURLToPath(source)], bundle: true, platform: 'node', format: 'cjs', outfile });
  chmodSync(outfile, 0o644);
  return outfile;
}
