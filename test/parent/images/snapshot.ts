/** Everything that can be seen of a folder, to compare it before and after. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What is at and below `directory`, by path; `except` names entries of the top that are left out. */
export function snapshot(directory: string, except: readonly string[] = []): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (path: string): void => {
    const stats = lstatSync(join(directory, path));
    const content = stats.isFile()
      ? readFileSync(join(directory, path), 'base64')
      : stats.isSymbolicLink()
        ? readlinkSync(join(directory, path))
        : '';
    // The links of a folder are its folders: they are seen anyway.
    const links = stats.isDirectory() ? '' : stats.nlink;
    found[path] = [stats.mode.toString(8), stats.uid, stats.gid, links, content].join(' ');
    if (!stats.isDirectory()) return;
    for (const name of readdirSync(join(directory, path)).sort()) {
      if (path !== '.' || !except.includes(name)) visit(join(path, name));
    }
  };
  visit('.');
  return found;
}
