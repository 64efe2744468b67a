/**
 * What is kept of a container that has ended: a small file, NAME.ended in the state folder, so that somebody who comes
 * too late still learns the exit status. The last 50 are kept, for 24 hours at most, and a new container of the same
 * name takes the place of the old one.
 */
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { draftIn } from './draft.js';
import { type Entry, entryExtension, isContainerName } from './entry.js';
import { removeFile } from './remove-file.js';
import { checkStateFolder, stateFolder } from './state-folder.js';

export interface EndedContainer {
  readonly name: string;
  /** As much of it as there is room for. */
  readonly command: readonly string[];
  /** Milliseconds since 1970; `ended` of one whose launcher was killed: when that was found. */
  readonly started: number;
  readonly ended: number;
  /** The command's exit status; null where it is not known, as the launcher was killed. */
  readonly status: number | null;
}

/** How many are kept, for how many hours, and how many bytes one may have. */
export const kept = { most: 50, hours: 24, bytes: 16 * 1024 };
/** So many more may lie there until a launch removes them: to look at each takes longer than to write one. */
const tolerated = 10;
/** Of the command's words, as JSON: with three bytes for each character it still fits. */
const commandRoom = 4096;

const endedExtension = '.ended';
const hour = 3_600_000;

const recordOf = (folder: string, name: string): string => join(folder, `${name}${endedExtension}`);

/** Whether it is written down, beside its entry, that a container has ended. */
export const isKept = (path: string): boolean =>
  existsSync(recordOf(dirname(path), basename(path, entryExtension)));

/** Writes down, beside its entry, how a container has ended; whoever sees the entry's last line sees this as well. */
export function keepEnded(
  path: string,
  { name, command, started, status }: Pick<Entry, 'name' | 'command' | 'started' | 'status'>,
): void {
  const folder = dirname(path);
  const ended: EndedContainer = {
    name,
    command: bounded(command),
    started,
    ended: Date.now(),
    status: status ?? null,
  };
  let draft: string | undefined;
  try {
    draft = draftIn(folder);
    writeFileSync(draft, `${JSON.stringify(ended)}\n`, { mode: 0o600 });
    renameSync(draft, recordOf(folder, name));
    if (recordsIn(folder).length > kept.most + tolerated) removeSurplus(folder);
  } catch {
    // A full disk is no reason to fail: the status is then known to the caller alone.
    if (draft !== undefined) removeFile(draft);
  }
}

/** A container of this name begins: what is known of an earlier one is out of date. */
export const forgetEnded = (folder: string, name: string): void => removeFile(recordOf(folder, name));

/**
 * The containers of this user that have ended, the last one last. What is too old is removed, what is no record is not
 * shown.
 * @throws Failure when the state folder must not be believed
 */
export function endedContainers(): readonly EndedContainer[] {
  const folder = stateFolder();
  if (!checkStateFolder(folder)) return [];
  return removeSurplus(folder)
    .flatMap((path) => read(path) ?? [])
    .sort((a, b) => a.ended - b.ended);
}

const recordsIn = (folder: string): string[] =>
  readdirSync(folder).filter((file) => file.endsWith(endedExtension));

/** @returns the files that stay */
function removeSurplus(folder: string): string[] {
  const oldest = Date.now() - kept.hours * hour;
  const files = recordsIn(folder)
    .map((file) => join(folder, file))
    .map((path) => ({ path, stats: statsOf(path) }))
    .filter((file): file is { path: string; stats: Stats } => file.stats?.isFile() === true)
    .sort((a, b) => b.stats.mtimeMs - a.stats.mtimeMs);
  const stays = files.slice(0, kept.most).filter(({ stats }) => stats.mtimeMs >= oldest);
  for (const file of files) if (!stays.includes(file)) removeFile(file.path);
  return stays.filter(({ stats }) => stats.size <= kept.bytes).map(({ path }) => path);
}

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Undefined when it is not a record, or is gone. */
function read(path: string): EndedContainer | undefined {
  try {
    const { name, command, started, ended, status } = JSON.parse(
      readFileSync(path, 'utf8'),
    ) as EndedContainer;
    const whole =
      isContainerName(String(name)) &&
      name === basename(path, endedExtension) &&
      Array.isArray(command) &&
      command.every((word) => typeof word === 'string') &&
      [started, ended].every(isMoment) &&
      (status === null || (Number.isInteger(status) && status >= 0 && status <= 255));
    return whole ? { name, command, started, ended, status } : undefined;
  } catch {
    return undefined;
  }
}

/** ECMAScript's dates go up to the year 275760; no container has begun before 1970. */
const isMoment = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 8.64e15;

/** A command line may have megabytes. */
function bounded(command: readonly string[]): string[] {
  const words: string[] = [];
  let room = commandRoom;
  for (const word of command) {
    // Six characters are the most that JSON takes for one.
    const shown = word.slice(0, Math.floor(room / 6));
    room -= JSON.stringify(shown).length + 1;
    words.push(shown === word ? word : `${shown}…`);
    if (shown !== word || room < 12) break;
  }
  return words.length < command.length && !words.at(-1)?.endsWith('…') ? [...words, '…'] : words;
}
