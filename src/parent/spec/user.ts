/** --user: who the command runs as, by number or by the names of the new root: passwd(5), group(5). */
import { join } from 'node:path';
import { beginningOf } from '../../common/container-file.js';
import { type Failure, usageFailure } from '../../common/failure.js';
import { resolveBeneath } from '../../common/program.js';
import { insideIds, type LaunchSpec, type NewRoot } from '../../common/spec.js';

export interface ChosenUser {
  readonly user: LaunchSpec['user'];
  /** The home directory that passwd(5) names. */
  readonly home: string | undefined;
}

/**
 * The user that `given`, of the form UID[:GID], stands for in this root.
 * @param option where it was given, for messages
 * @throws Failure with status 2 where there is no such user, or its IDs are not mapped
 */
export function chosenUser(
  given: string,
  root: NewRoot,
  maps: LaunchSpec['maps'],
  option = '--user',
): ChosenUser {
  const [userText = '', groupText, ...more] = given.split(':');
  if (userText === '' || groupText === '' || more.length > 0)
    throw usageFailure(
      `${option} “${given}” is not of the form UID or UID:GID`,
      'For example: --user=1000:1000',
    );
  const users = entries(root, 'passwd');
  const groups = entries(root, 'group');
  const entry = users.find(([name]) => name === userText) ?? users.find(([, , id]) => id === userText);
  const uid = idOf('user', userText, entry, root, option);
  const group = groupText ?? entry?.[3] ?? String(uid);
  const gid = idOf(
    'group',
    group,
    groups.find(([name]) => name === group),
    root,
    option,
  );
  const inside = insideIds({ maps } as LaunchSpec);
  if (!inside.uid(uid)) throw unmapped('user', uid, option);
  if (!inside.gid(gid)) throw unmapped('group', gid, option);
  // Where setgroups(2) is denied the groups of the caller stay, and none can be added.
  if (maps?.denySetgroups) return { user: { uid, gid }, home: entry?.[5] };
  const name = entry?.[0];
  const supplementary = groups
    .filter(([, , , members]) => name !== undefined && members?.split(',').includes(name))
    .map(([, , id]) => Number(id))
    .filter(inside.gid);
  return { user: { uid, gid, groups: [...new Set([gid, ...supplementary])] }, home: entry?.[5] };
}

function idOf(
  kind: 'user' | 'group',
  text: string,
  entry: readonly string[] | undefined,
  root: NewRoot,
  option: string,
): number {
  const id = /^\d{1,10}$/.test(entry?.[2] ?? text) ? Number(entry?.[2] ?? text) : undefined;
  if (id !== undefined) return id;
  const file = kind === 'user' ? 'passwd' : 'group';
  throw usageFailure(
    `${option}: there is no ${kind} “${text}” in /etc/${file} of ${root.path}`,
    'Give its number.',
  );
}

const unmapped = (kind: 'user' | 'group', id: number, option: string): Failure =>
  usageFailure(
    `${option}: ${kind} ${id} of the container is mapped to no ${kind} of the host`,
    `Map it with --map-auto or --${kind === 'user' ? 'uid' : 'gid'}-map ${id}:HOST:1${option === '--user' ? '' : ', or choose another: --user 0'}.`,
  );

/** The fields of each line; of the upper layer where it has the file. */
function entries({ path, overlay }: NewRoot, file: 'passwd' | 'group'): string[][] {
  const roots = overlay?.keptIn ? [join(overlay.keptIn, 'upper'), path] : [path];
  for (const root of roots) {
    const text = contentBeneath(root, `/etc/${file}`);
    if (text === undefined) continue;
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(':'));
  }
  return [];
}

/** Undefined where this layer has no such file. */
function contentBeneath(root: string, path: string): string | undefined {
  try {
    return beginningOf(resolveBeneath(root, path))?.toString();
  } catch {
    return undefined; // A loop of links.
  }
}
