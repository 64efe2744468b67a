/** The file of node, which the child runs in the container: whoever can write to it changes what the host runs next time. */
import { statSync } from 'node:fs';
import { available } from '../../common/kernel/available.js';

/**
 * The file, where the child can be started from a read-only mount of it; undefined where that is not possible: before
 * Linux 5.12 (mount_setattr(2)), or where its name does not lead to it any more, as after an upgrade.
 */
export function mountableExecutable(): string | undefined {
  const [named, running] = [process.execPath, '/proc/self/exe'].map((path) =>
    statSync(path, { throwIfNoEntry: false, bigint: true }),
  );
  const same = named !== undefined && named.ino === running?.ino && named.dev === running.dev;
  return same && available('open_tree', 'mount_setattr') ? process.execPath : undefined;
}
