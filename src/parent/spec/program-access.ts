/** Whether the child can read this program: in a user namespace even root is subject to the modes of the host's files. */
import { realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../../common/failure.js';
import { insideIds, type LaunchSpec } from '../../common/spec.js';

/**
 * Looks at the script and every folder on the way to it. Capabilities reach only files whose user and group are mapped
 * (user_namespaces(7)), so that the host's root, who can read everything, may be locked out in the container.
 * @throws Failure when the child could not be started
 */
export function checkProgramAccess(spec: LaunchSpec, script: string): void {
  if (spec.maps === undefined || process.geteuid?.() !== 0) return;
  const mapped = insideIds(spec);
  const permits = ({ mode, uid, gid }: Stats, bit: number): boolean =>
    (mapped.uid(uid) && mapped.gid(gid)) ||
    (mode & (uid === 0 ? bit << 6 : gid === 0 ? bit << 3 : bit)) !== 0;
  const readable = 4;
  const searchable = 1;
  const file = realpathSync(script);
  if (!permits(statSync(file), readable)) throw closed(file);
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (!permits(statSync(folder), searchable)) throw closed(folder);
    if (folder === dirname(folder)) return;
  }
}

const closed = (path: string): Failure =>
  new Failure(
    `the child could not read this program: ${path} is closed to others, and its owner is not mapped into the user namespace`,
    { next: 'Install gontainer where everybody can read it, leave out --uid, or run it as its owner.' },
  );
