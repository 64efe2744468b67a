/** The containers that run, from what is written down of them and what the kernel says now. */
import { linkSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isInitGroup } from '../../common/cgroup/group-names.js';
import { removeGroups } from '../../common/cgroup/remove-groups.js';
import { namespaceId } from '../../common/evidence.js';
import { namespaces } from '../../common/namespaces.js';
import { innermostPid } from '../../common/process-files.js';
import type { HeldOverlay } from '../changes/layers.js';
import { draftIn, removeAbandonedDraft } from './draft.js';
import { isKept, keepEnded } from './ended.js';
import { type Entry, entryExtension, outputExtension, readEntry, viewpoint } from './entry.js';
import { removeLeft } from './left-mount-points.js';
import { removePlaceholders } from './placeholders.js';
import { isAlive, type ProcessIdentity } from './process-identity.js';
import { checkStateFolder, stateFolder } from './state-folder.js';

export interface Container {
  readonly name: string;
  /** Of an entry: the file that it is in. */
  readonly path: string;
  /** `running` once the command is executed; before that, while the launch makes it, `set-up`. */
  readonly state: 'set-up' | 'running';
  /** The last step of the launch that is done. */
  readonly step: string;
  /** The process that is in the namespaces, as seen from here: the container's init. */
  readonly process: ProcessIdentity;
  readonly pidInside: number;
  readonly launcher: ProcessIdentity;
  readonly command: readonly string[];
  readonly started: Date;
  readonly log: string | undefined;
  readonly output: string | undefined;
  /** The folder that its root is made from. */
  readonly root: string | undefined;
  /** What ends the command in order, where that is not SIGTERM. */
  readonly stopSignal: string | undefined;
  readonly asPid1: boolean;
  /** The control groups of its command, where it has limits. */
  readonly groups: readonly string[] | undefined;
  /** Its overlays, once its command runs. */
  readonly overlays: readonly HeldOverlay[];
  /** The namespaces that are not the launcher's: `user:[4026532837]` and so on, by their entry in /proc/PID/ns. */
  readonly own: Readonly<Record<string, string>>;
}

/** What a look into the state folder shows. */
export interface Listing {
  readonly containers: readonly Container[];
  /** Sentences about files that are no entries. They are left alone. */
  readonly complaints: readonly string[];
}

/**
 * All containers of this user. What is left of launches that were killed is removed.
 * @throws Failure when the state folder must not be believed
 */
export function listing(): Listing {
  const folder = stateFolder();
  if (!checkStateFolder(folder)) return { containers: [], complaints: [] };
  const containers: Container[] = [];
  const complaints: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    const path = join(folder, file);
    removeAbandonedDraft(folder, file);
    if (file.startsWith('.') || !file.endsWith(entryExtension)) continue;
    try {
      const entry = readEntry(path);
      if (entry.name !== basename(file, entryExtension)) throw new Error('the entry of another file');
      if (isOver(entry)) removeStale(path);
      else containers.push(...containersIn(entry, path));
    } catch (error) {
      // It ended in this moment.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      complaints.push(`${path} does not say what runs, and is left as it is: look at it, and remove it.`);
    }
  }
  return { containers: containers.sort((a, b) => Number(a.started) - Number(b.started)), complaints };
}

/**
 * Removes a file that is what a launch left that was killed. One that cannot be read is left: it may be somebody's.
 * @returns whether the name is free now
 */
export function removeStale(path: string): boolean {
  try {
    const entry = readEntry(path);
    if (!isOver(entry)) return false;
    const patience = isKept(path) ? patienceAgain : undefined;
    // Before the name is free, as the next of that name forgets it. A launch that had made nothing is no container.
    if (entry.process !== undefined) keepEnded(path, entry);
    if (entry.groups !== undefined && !removeGroups(entry.groups, patience)) return false;
    if (entry.mountPoints !== undefined) removeLeft(entry.mountPoints);
    if (entry.placeholders !== undefined) removePlaceholders(entry.placeholders);
    // Another launch may have removed it and taken the name since then: only what was moved aside is judged for good.
    const aside = draftIn(dirname(path));
    renameSync(path, aside);
    if (!isOver(readEntry(aside))) linkSync(aside, path);
    unlinkSync(aside);
    removeEmpty(entry.output);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Milliseconds to wait for the end of a group that an earlier look has waited for: each listing comes by here. */
const patienceAgain = 100;

/** An output that says nothing is no loss. */
function removeEmpty(output: string | undefined): void {
  if (output?.endsWith(outputExtension) && dirname(output) === stateFolder() && statSync(output).size === 0)
    unlinkSync(output);
}

/** From another PID or time namespace nothing can be told of an entry's processes. */
const judged = (entry: Entry): boolean => entry.seenFrom === viewpoint();

const isOver = (entry: Entry): boolean =>
  judged(entry) && !isAlive(entry.launcher) && (entry.process === undefined || !isAlive(entry.process));

/** One container; none while the launch has made no namespace yet, or when it ends just now. */
function containersIn(entry: Entry, path: string): Container[] {
  const { name, process, step, launcher, command, started, log, output, root, stopSignal } = entry;
  const { asPid1 = false, overlays = [], status } = entry;
  if (!judged(entry) || process === undefined || step === undefined || status !== undefined) return [];
  const own = Object.fromEntries(
    namespaces
      .map(({ entry: kind }) => [kind, idForContainer(process.pid, kind)] as const)
      .filter(([kind, id]) => id !== namespaceId(launcher.pid, kind)),
  );
  const pidInside = pidInsideOf(process.pid);
  // Looked at last: had it ended before, what was read could be another's.
  if (!isAlive(process)) return [];
  const state = step === 'exec' || step === 'serve' ? 'running' : 'set-up';
  return [
    {
      name,
      path,
      state,
      step,
      process,
      pidInside,
      launcher,
      command,
      log,
      output,
      root,
      stopSignal,
      asPid1,
      overlays,
      groups: entry.groups?.filter((path) => !isInitGroup(path)),
      own,
      started: new Date(started),
    },
  ];
}

const pidInsideOf = (pid: number): number => {
  try {
    return innermostPid(pid);
  } catch {
    return 0;
  }
};

/**
 * The namespace of a container by one of its processes. P itself stays in the PID and time namespaces of the host: its
 * children are in the new ones (`pid_for_children`), of which the PID namespace is there once it has a process.
 */
function idForContainer(pid: number, kind: string): string {
  if (kind !== 'pid' && kind !== 'time') return namespaceId(pid, kind);
  const forChildren = namespaceId(pid, `${kind}_for_children`);
  return forChildren === 'absent' ? (kind === 'pid' ? 'with its first process' : 'absent') : forChildren;
}
