/** The smallest way to a root file system: one static busybox and a name for each command it knows. */
import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, realpath, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../../common/failure.js';
import { readElf } from './elf.js';

/** Where distributions put it; `busybox.static` is Alpine's name for it. */
const places = ['/bin/busybox', '/usr/bin/busybox', '/bin/busybox.static', '/usr/local/bin/busybox'];

/**
 * A busybox that needs no shared library, or undefined. elf(5): a program with no PT_INTERP names no loader, so the
 * kernel starts it without one.
 */
export function findStaticBusybox(candidates: readonly string[] = places): string | undefined {
  return candidates.find((path) => {
    try {
      const file = readElf(path);
      return file !== undefined && file.interpreter === undefined && file.needed.length === 0;
    } catch {
      return false;
    }
  });
}

/**
 * Puts busybox and its commands into `directory`, all in /bin; sbin, usr/bin and usr/sbin lead there.
 * @returns how many commands there are
 * @throws Failure when busybox does not tell its commands
 */
export async function installBusybox(busybox: string, directory: string): Promise<number> {
  const listing = spawnSync(busybox, ['--list'], { encoding: 'utf8' });
  const commands = (listing.stdout ?? '').split('\n').filter((name) => /^[^/\s]+$/.test(name));
  if (listing.status !== 0 || !commands.includes('sh')) {
    throw new Failure(`${busybox} --list did not name its commands, or has no sh.`, {
      next: 'Try gontainer rootfs create --from host.',
      cause: listing.error,
    });
  }
  const bin = join(directory, 'bin');
  await mkdir(bin, { recursive: true });
  await copyFile(await realpath(busybox), join(bin, 'busybox'));
  await chmod(join(bin, 'busybox'), 0o755);
  for (const name of commands) {
    if (name !== 'busybox') await symlink('busybox', join(bin, name));
  }
  await symlink('bin', join(directory, 'sbin'));
  await symlink('../bin', join(directory, 'usr', 'bin'));
  await symlink('../bin', join(directory, 'usr', 'sbin'));
  return commands.length;
}
