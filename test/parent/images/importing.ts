/** Imports an archive in this process, as one user or another, and says what came of it. */
import { chownSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { defaultLimits } from '../../../src/parent/images/archive/limits.js';
import { hostPlatform } from '../../../src/parent/images/image/platform.js';
import type { Imported, ImportRequest } from '../../../src/parent/images/import.js';
import { Progress } from '../../../src/parent/images/progress-line.js';
import { bundle } from './bundle.js';
import type { Identity } from './workspace.js';

/** With all its packages in one file: an unprivileged user may not be able to read them when they are needed. */
const program: typeof import('../../../src/parent/images/import.js') = createRequire(import.meta.url)(
  bundle(new URL('../../../src/parent/images/import.ts', import.meta.url)),
);
export const { importRootfs } = program;

export const silent = (): Progress => new Progress({ isTTY: false } as NodeJS.WriteStream);

/** Runs `work` with the effective user and group of `owner`: seteuid(2), which glibc sets in all threads. */
export async function as<Result>(owner: Identity, work: () => Promise<Result>): Promise<Result> {
  if (process.getuid?.() !== 0 || owner.uid === 0) return work();
  process.setegid?.(owner.uid);
  process.seteuid?.(owner.uid);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

/** Writes `bytes` to a file in `directory` and imports it to `directory`/root. */
export function importBytes(
  owner: Identity,
  directory: string,
  bytes: Buffer,
  more: Partial<ImportRequest> = {},
): Promise<Imported> {
  const source = join(directory, 'archive');
  writeFileSync(source, bytes);
  if (process.getuid?.() === 0) chownSync(source, owner.uid, owner.uid);
  return as(owner, () =>
    importRootfs({
      source,
      directory: join(directory, 'root'),
      platform: hostPlatform(),
      limits: defaultLimits,
      progress: silent(),
      ...more,
    }),
  );
}
