/** Where the copies are that `gontainer run --image` makes, each `KEY/root` in one folder. */
import { join } from 'node:path';
import { namesIn } from './names-in.js';
import { dataFolder } from './root-record.js';

/** Undefined for a user without a home folder. */
export function copiesFolder(): string | undefined {
  const data = dataFolder();
  return data && join(data, 'images');
}

/** The roots that are there, as absolute paths. */
export function imageCopies(): string[] {
  const folder = copiesFolder();
  if (folder === undefined) return [];
  return namesIn(folder)
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(folder, name, 'root'));
}
