/** Makes one file of a source file and all it needs, in a place that everyone may read, which a checkout often is not. */
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const packages = new URL('../../../node_modules/', import.meta.url);
/** Native code cannot be put into the file: it lies beside it, as an installer would lay it. */
const native = `@yuuang/ffi-rs-linux-${process.arch}-gnu`;

/** @returns the path of a CommonJS file, which is removed when the tests end */
export function bundle(source: URL): string {
  const directory = mkdtempSync(join(tmpdir(), 'gontainer-rootfs-program-'));
  chmodSync(directory, 0o755);
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const outfile = join(directory, 'program.cjs');
  buildSync({
    entryPoints: [fileURLToPath(source)],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile,
    external: ['ffi-rs'],
    define: { 'import.meta.dirname': '__dirname', 'import.meta.url': '__filename' },
  });
  chmodSync(outfile, 0o644);
  cpSync(new URL(native, packages), join(directory, 'node_modules', native), { recursive: true });
  return outfile;
}
