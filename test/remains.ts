/** What a launch may leave behind on the host: processes, mounts, files, control groups. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whether a process runs or could: one that has ended and is not waited for yet (a zombie) does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The living processes of a user, with their command lines; of one with an ID of its own, all are ours. */
export function processesOf(uid: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [, owner] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8')) ?? [];
        const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return Number(owner) === uid && isAlive(Number(name)) ? [`${name} ${line}`] : [];
      } catch {
        return []; // It has ended.
      }
    });
}

/** The lines of proc_pid_mountinfo(5), as this process sees the host. */
export const mounts = (): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(Boolean);

/** The files of the control groups that a launcher has made: they have its process ID in their names. */
export const controlGroups = (launcher: number): string[] =>
  files('/sys/fs/cgroup').filter((name) => name.includes(`/gontainer-${launcher}-`));

/** Everything but folders below a folder. */
export function files(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name));
  } catch {
    return [];
  }
}
