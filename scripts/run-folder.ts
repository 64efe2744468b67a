/** The folder that a run of the tests works in: whatever the tests leave lies there, or was started from there. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';

/** A user that may read what everybody may, and nothing more. */
export const nobody = { uid: 65_534, gid: 65_534 } as const;

/** Makes it where every user that tests run as can reach it: in TMPDIR, or in /tmp where that is closed to others. */
export function makeRunFolder(): string {
  const wanted = tmpdir();
  const closed =
    process.getuid?.() === 0 && spawnSync('/bin/sh', ['-c', 'cd "$0"', wanted], nobody).status !== 0;
  const folder = mkdtempSync(join(closed ? '/tmp' : wanted, 'gontainer-tests-'));
  chmodSync(folder, 0o755);
  return folder;
}

/** Kills what still runs from the folder, removes it, and returns the command lines of what had to be killed. */
export async function removeRunFolder(folder: string): Promise<string[]> {
  // What has been told to end may need a moment for it, and on a busy machine a longer one.
  for (let tries = 0; tries < 50 && running(folder).size > 0; tries += 1) await later(100);
  const left = [...running(folder)].filter(([pid]) => killed(pid));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  return left.map(([, line]) => line);
}

/** Kills a process, unless it has just ended by itself. */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}

/** The processes that have the folder in their command line or in their environment, with their command lines. */
function running(folder: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (line.includes(folder) || environmentOf(name).includes(folder)) found.set(Number(name), line);
    } catch {
      // It has ended.
    }
  }
  return found;
}

/** Empty for a process into which this one must not look. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}
