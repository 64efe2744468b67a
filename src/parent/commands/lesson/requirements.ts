/** What a lesson needs of this machine, tried rather than guessed. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { lines } from '../../../common/cgroup/hierarchies.js';
import type { Lesson } from '../../course/lesson.js';

/** Why this machine cannot run the lesson, in one sentence; undefined when it can. */
export function obstacle(lesson: Lesson, script: string): string | undefined {
  return missingCommand(lesson) ?? missingTree(lesson) ?? refusedLaunch(lesson, script);
}

/** The first program that is not installed. The shell itself is bash: the session needs its `read -d`. */
export function missingCommand({ commands }: Lesson): string | undefined {
  const folders = (process.env.PATH ?? '').split(':').filter(Boolean);
  const missing = ['bash', ...commands].find(
    (name) => !folders.some((folder) => executable(join(folder, name))),
  );
  return missing && `it needs the program ${missing}, which is not installed.`;
}

/** The tree of version 2 is the line `0::` of /proc/self/cgroup, where there is one: cgroups(7). */
function missingTree({ cgroup2 }: Lesson): string | undefined {
  return !cgroup2 || lines('/proc/self/cgroup').some((line) => line.startsWith('0::'))
    ? undefined
    : 'it needs cgroup version 2, and this machine has only version 1, or none.';
}

/** Succeeds where /proc knows the shell by its own number: not where no new one could be mounted. */
const ownProc = 'read pid rest </proc/self/stat && [ "$pid" = $$ ]';

/** Makes the namespaces once, with the further options, around a shell, and says what the launcher says when that fails. */
function refusedLaunch({ namespaces, options }: Lesson, script: string): string | undefined {
  if (namespaces.length === 0) return undefined;
  const flags = [...namespaces, ...options].map((option) => `--${option}`);
  const command = ['sh', '-c', namespaces.includes('pid') ? ownProc : ':'];
  const { status, stderr } = spawnSync(
    process.execPath,
    [...process.execArgv, script, 'run', '--quiet', ...flags, '--', ...command],
    { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (status === 0) return undefined;
  const said = stderr.replace(/^gontainer: |\s+$/g, '').replace(/\)$/, ').');
  return `${said || 'it needs a new /proc, and the kernel gives none here, as the old one is partly covered.'} What this machine allows: gontainer doctor`;
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
