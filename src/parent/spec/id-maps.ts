/** The ID maps of a user namespace: from the command line, from subordinate ranges, or the one line for oneself. */
import { usageFailure } from '../../common/failure.js';
import { type IdMaps, insideId, type MapLine } from '../../common/spec.js';
import { fitsKernel, mostIds, mostLines } from './map-lines.js';
import { automaticMap } from './subordinate-ids.js';

export interface MapRequest {
  readonly uidMap: readonly string[] | undefined;
  readonly gidMap: readonly string[] | undefined;
  readonly auto: boolean;
}

/**
 * The maps to write.
 * @throws Failure with status 2 for lines that are malformed or overlap
 */
export function idMaps({ uidMap, gidMap, auto }: MapRequest): IdMaps {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  if (auto) {
    if (uidMap || gidMap)
      throw usageFailure('--map-auto makes the maps itself, without --uid-map and --gid-map', 'Choose one.');
    return {
      uid: automaticMap('/etc/subuid', uid, uid),
      gid: automaticMap('/etc/subgid', gid, uid),
      denySetgroups: false,
      writer: 'newuidmap',
    };
  }
  return {
    uid: uidMap === undefined ? [{ inside: 0, outside: uid, count: 1 }] : mapLines('--uid-map', uidMap),
    gid: gidMap === undefined ? [{ inside: 0, outside: gid, count: 1 }] : mapLines('--gid-map', gidMap),
    // Only who may set groups on the host can keep setgroups(2) in the container (user_namespaces(7)).
    denySetgroups: !(uid === 0 && gidMap !== undefined),
    writer: 'kernel',
  };
}

function mapLines(option: string, texts: readonly string[]): MapLine[] {
  const lines = texts.map((text) => {
    const [, inside, outside, count] = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(text)?.map(Number) ?? [];
    if (inside === undefined || outside === undefined || count === undefined) {
      throw usageFailure(
        `${option} “${text}” is not of the form CONTAINER:HOST:COUNT`,
        `For example: ${option} 0:1000:1`,
      );
    }
    if (count === 0 || inside + count > mostIds || outside + count > mostIds) {
      throw usageFailure(`${option} “${text}” must name 1 to ${mostIds} IDs, none above ${mostIds - 1}`);
    }
    return { inside, outside, count };
  });
  if (lines.length > mostLines)
    throw usageFailure(`${option} takes at most ${mostLines} lines, and got ${lines.length}`);
  if (!fitsKernel(lines))
    throw usageFailure(`${option}: the kernel takes less than a page (4,096 bytes) of lines`, 'Give fewer.');
  for (const side of ['inside', 'outside'] as const) checkOverlap(option, lines, texts, side);
  return lines;
}

/** @throws Failure (status 2) for two lines that have an ID in common, in the container or on the host */
function checkOverlap(
  option: string,
  lines: readonly MapLine[],
  texts: readonly string[],
  side: 'inside' | 'outside',
): void {
  const sorted = lines
    .map((line, index) => ({ line, text: texts[index] }))
    .sort((a, b) => a.line[side] - b.line[side]);
  const where = { inside: 'in the container', outside: 'on the host' }[side];
  sorted.forEach(({ line, text }, index) => {
    const before = sorted[index - 1];
    if (before !== undefined && before.line[side] + before.line.count > line[side])
      throw usageFailure(`${option} “${before.text}” and “${text}” overlap ${where}`);
  });
}

/** Root when the map has one, else what the caller is mapped to, else the first ID there is. */
export function chosenId(lines: readonly MapLine[], outside: number): number {
  if (lines.some(({ inside }) => inside === 0)) return 0;
  return insideId(lines, outside) ?? (lines[0]?.inside as number);
}
