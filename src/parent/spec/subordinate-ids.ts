/** --map-auto: an ID map from the caller's own ID and the subordinate ones of subuid(5) or subgid(5). */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { Failure } from '../../common/failure.js';
import type { LaunchSpec, MapLine } from '../../common/spec.js';
import { withLine } from '../advice/doctor-lines.js';
import { fitsKernel, mostIds, mostLines } from './map-lines.js';

interface Range {
  readonly first: number;
  readonly count: number;
}

/**
 * Root of the container is `own`, and from 1 on come the subordinate IDs, in the order of the file. No ID of the host is
 * mapped twice, which the kernel would refuse. It takes so many lines and no more (map-lines.ts): of more ranges than
 * that the smallest are left out.
 * @param file /etc/subuid or /etc/subgid
 * @param own the caller's user or group ID
 * @param uid the caller's user ID, which both files go by
 * @throws Failure where the file gives the caller nothing
 */
export function automaticMap(file: string, own: number, uid: number): MapLine[] {
  const ranges = given(file, own, uid);
  if (ranges.length === 0) {
    const name = userName(uid);
    throw new Failure(`--map-auto: ${file} gives ${name} no subordinate IDs`, {
      next: withLine(
        `Add them as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`,
        'subordinate-ids',
      ),
    });
  }
  const bySize = [...ranges].sort((a, b) => b.count - a.count);
  for (let most = Math.min(ranges.length, mostLines - 1); ; most--) {
    const kept = new Set(bySize.slice(0, most));
    const lines = numbered(
      own,
      ranges.filter((range) => kept.has(range)),
    );
    if (most === 1 || fitsKernel(lines)) return lines;
  }
}

/** Sentences about the IDs that the files give the caller and --map-auto could not map. */
export function leftOutOfMaps({ maps }: Pick<LaunchSpec, 'maps'>): string[] {
  if (maps?.writer !== 'newuidmap') return [];
  const uid = process.geteuid?.() ?? 0;
  return [
    ...leftOut('/etc/subuid', maps.uid, uid),
    ...leftOut('/etc/subgid', maps.gid, uid, process.getegid?.() ?? 0),
  ];
}

/** @param lines the map that was made of the file */
export function leftOut(file: string, lines: readonly MapLine[], uid: number, own = uid): string[] {
  const malformed = linesOf(file, uid).filter((line) => rangeOf(line) === undefined);
  const ranges = given(file, own, uid).filter(({ first }) => lines.every(({ outside }) => outside !== first));
  const ids = ranges.reduce((sum, { count }) => sum + count, 0);
  return [
    ...(ranges.length === 0
      ? []
      : [
          `--map-auto leaves out the ${ranges.length} smallest ranges of ${file}, ${ids} IDs in all: the kernel takes at most ` +
            `${mostLines} lines, and less than a page (4,096 bytes) of them`,
        ]),
    ...malformed.map(
      (line) => `--map-auto leaves out “${line}” of ${file}, which is not of the form NAME:FIRST:COUNT`,
    ),
  ];
}

/** The subordinate ranges of the file, without the caller's own ID, each ID once. */
const given = (file: string, own: number, uid: number): Range[] =>
  merged(
    apart(
      linesOf(file, uid).flatMap((line) => rangeOf(line) ?? []),
      { first: own, count: 1 },
    ),
  );

/** The lines of the file that are about this user, in their order. */
function linesOf(file: string, uid: number): string[] {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // No file, no ranges.
  }
  const owners = [String(uid), userName(uid)];
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.includes(':') && owners.includes(line.slice(0, line.indexOf(':'))));
}

/** Undefined for a line that is malformed, or names no ID of 32 bits. */
function rangeOf(line: string): Range | undefined {
  const [, first, count] = /^[^:]+:(\d{1,10}):(\d{1,10})$/.exec(line) ?? [];
  const range = { first: Number(first), count: Math.min(Number(count), mostIds - Number(first)) };
  return range.count > 0 ? range : undefined;
}

/** The ranges without the IDs of `taken`, and each without those of the ones before it. */
function apart(ranges: readonly Range[], taken: Range): Range[] {
  const done: Range[] = [taken];
  for (const range of ranges) {
    // Each cut leaves at most two pieces.
    const pieces = done.reduce((left, cut) => left.flatMap((piece) => without(piece, cut)), [range]);
    done.push(...pieces);
  }
  return done.slice(1);
}

function without({ first, count }: Range, cut: Range): Range[] {
  const [end, cutEnd] = [first + count, cut.first + cut.count];
  if (cutEnd <= first || cut.first >= end) return [{ first, count }];
  return [
    { first, count: cut.first - first },
    { first: cutEnd, count: end - cutEnd },
  ].filter((piece) => piece.count > 0);
}

/** Neighbours as one: newuidmap(1) takes a line that goes over several adjacent ranges of the file. */
function merged(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last !== undefined && last.first + last.count === range.first)
      result[result.length - 1] = { first: last.first, count: last.count + range.count };
    else result.push(range);
  }
  return result;
}

function numbered(own: number, ranges: readonly Range[]): MapLine[] {
  const lines: MapLine[] = [{ inside: 0, outside: own, count: 1 }];
  let inside = 1;
  for (const { first, count } of ranges) {
    const room = Math.min(count, mostIds - inside);
    if (room > 0) lines.push({ inside, outside: first, count: room });
    inside += room;
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
