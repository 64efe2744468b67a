/** Whether other users of the host reach what the container writes: docs/isolation.md, "Files that work on the host". */

import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathOf } from '../../common/byte-text.js';
import { type LaunchSpec, outsideId } from '../../common/spec.js';

/**
 * The warning that a launch by root begins with, where a set-user-ID program that is made in the container could be
 * executed by anybody; none where there is no reason for one.
 */
export function reachOfOthers({ root, maps }: LaunchSpec): string[] {
  const changes = root?.overlay === undefined ? root?.path : root.overlay.keptIn;
  // What is written to the host's own tree is where it was asked for.
  if (typeof changes !== 'string' || changes === '/' || root?.readOnly) return [];
  // Whose files root of the container makes, as the host numbers users.
  const owner = maps === undefined ? process.geteuid?.() : outsideId(maps.uid, 0);
  if (owner !== 0 || !othersReach(changes)) return [];
  return [
    `other users can reach ${changes}: a set-user-ID program that root makes in the container would be root on the host. ` +
      'Keep it in a folder of mode 0700',
  ];
}

/** path_resolution(7): every folder on the way has to let them search it. */
function othersReach(path: string): boolean {
  if ((statSync(pathOf(path)).mode & 0o001) === 0) return false;
  return path === '/' || othersReach(dirname(path));
}
