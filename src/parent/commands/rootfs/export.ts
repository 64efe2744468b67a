/** `gontainer rootfs export`: writes a root file system as a tar archive that other tools read. */
import { createWriteStream, lstatSync, readFileSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure, isFailure, usageFailure } from '../../../common/failure.js';
import { errnoWords, errorCode } from '../../../common/kernel/kernel-error.js';
import { type OwnerMap, tarOf } from './tar-writer.js';

/**
 * @param file the archive, or `-` for standard output; one that is there is replaced when the new one is whole
 * @throws Failure (status 2) when DIR or FILE cannot be used; (status 125) when something cannot be read or written
 */
export async function exportRoot(directory: string, file: string): Promise<void> {
  const root = resolve(directory);
  if (!lstatSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw usageFailure(`${directory} is not a folder.`, 'Name a root file system.');
  }
  const archive = Readable.from(tarOf(root, ownersInside()), { objectMode: false });
  try {
    if (file === '-') await toStandardOutput(archive);
    else await toFile(archive, resolve(file), root);
  } catch (error) {
    if (isFailure(error)) throw error;
    // Whoever reads the pipe has seen enough.
    if (file === '-' && errorCode(error) === 'EPIPE') return;
    throw new Failure(`Cannot export ${directory}: ${errnoWords(error)}.`, {
      next: 'What belongs to users of a container is read with --map-auto, or by root.',
      cause: error,
    });
  }
}

async function toStandardOutput(archive: Readable): Promise<void> {
  if (process.stdout.isTTY) {
    throw usageFailure(
      'Standard output is the terminal.',
      'Redirect it: gontainer rootfs export DIR - > FILE',
    );
  }
  await pipeline(archive, process.stdout, { end: false });
}

async function toFile(archive: Readable, path: string, root: string): Promise<void> {
  if (path.startsWith(root + sep)) {
    throw usageFailure('The archive would lie in what it is made of.', 'Name a file outside DIR.');
  }
  if ((await stat(path).catch(() => undefined))?.isDirectory()) {
    throw usageFailure(`${path} is a folder.`, 'Name a file.');
  }
  const draft = `${path}.unfinished-${process.pid}`;
  try {
    await pipeline(archive, createWriteStream(draft, { flags: 'wx', mode: 0o666 }));
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * Owners as they are in the container: root's as they are; of anybody else, this user is root there, and the subordinate
 * IDs follow, as --map-auto maps them (subuid(5)).
 */
function ownersInside(): { users: OwnerMap; groups: OwnerMap } {
  if (process.geteuid?.() === 0) return { users: (id) => id, groups: (id) => id };
  return {
    users: mapped(process.geteuid?.() ?? 0, '/etc/subuid'),
    groups: mapped(process.getegid?.() ?? 0, '/etc/subgid'),
  };
}

const nobody = 65_534;

function mapped(own: number, file: string): OwnerMap {
  const [first = 0, count = 0] = readRange(file, [String(process.getuid?.()), ...userName()]);
  return (id) => (id === own ? 0 : id >= first && id < first + count ? id - first + 1 : nobody);
}

/** No name where passwd(5) has no entry. */
function userName(): string[] {
  try {
    return [userInfo().username];
  } catch {
    return [];
  }
}

function readRange(file: string, names: readonly string[]): number[] {
  try {
    const fields = readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
    return (fields.find(([name = '']) => names.includes(name)) ?? []).slice(1).map(Number);
  } catch {
    return [];
  }
}
