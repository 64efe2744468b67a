/** The ID maps of a user namespace: from the command line, from subordinate ranges, or the one line for oneself. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { Failure, usageFailure } from '../../common/failure.js';
import { type IdMaps, insideId, type MapLine } from '../../common/spec.js';
import { withLine } from '../advice/doctor-lines.js';

/** user_namespaces(7): the kernel takes at most this many lines. */
const mostLines = 340;
/** IDs are 32 bits wide, and the last one means none. */
const mostIds = 4_294_967_295;

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
      uid: [{ inside: 0, outside: uid, count: 1 }, ...subordinate('/etc/subuid', uid)],
      gid: [{ inside: 0, outside: gid, count: 1 }, ...subordinate('/etc/subgid', uid)],
      denySetgroups: false,
      writer: 'newuidmap',
    };
  }
  return {
    uid: uidMap === undefined ? [{ inside: 0, outside: uid, count: 1 }] : mapLines('--uid-map', uidMap),
    gid: gidMap === undefined ? [{ inside: 0, outside: gid, count: 1 }] : mapLines('--gid-map', gidMap),
    // Only who may set groups outside can keep setgroups(2) inside (user_namespaces(7)).
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
  for (const side of ['inside', 'outside'] as const) {
    const sorted = lines
      .map((line, index) => ({ line, text: texts[index] }))
      .sort((a, b) => a.line[side] - b.line[side]);
    sorted.forEach(({ line, text }, index) => {
      const before = sorted[index - 1];
      if (before !== undefined && before.line[side] + before.line.count > line[side]) {
        throw usageFailure(`${option} “${before.text}” and “${text}” overlap ${side}`);
      }
    });
  }
  return lines;
}

/** The ranges of subuid(5) or subgid(5) for this user, mapped from 1 on inside. */
function subordinate(file: string, uid: number): MapLine[] {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // No file, no ranges: said below.
  }
  const names = [String(uid), userName(uid)];
  let inside = 1;
  const lines = text
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([owner, first, count]) => names.includes(owner ?? '') && Number(first) > 0 && Number(count) > 0)
    .map(([, first, count]) => {
      const line = { inside, outside: Number(first), count: Number(count) };
      inside += line.count;
      return line;
    });
  if (lines.length === 0) {
    throw new Failure(`--map-auto: ${file} gives ${userName(uid)} no subordinate IDs`, {
      next: withLine(
        `Add them as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${userName(uid)}`,
        'subordinate-ids',
      ),
    });
  }
  return lines;
}

function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid); // No entry in the passwd database.
  }
}

/** Root when the map has one, else what the caller is mapped to, else the first ID there is. */
export function chosenId(lines: readonly MapLine[], outside: number): number {
  if (lines.some(({ inside }) => inside === 0)) return 0;
  return insideId(lines, outside) ?? (lines[0]?.inside as number);
}
