/** What was watched in all: counts, and a few of each, so that an end without a log file says something too. */
import { counted } from '../../common/counted.js';
import type { WatchKind } from '../../common/watch/watched-calls.js';
import { decisionWords, refusalWords } from '../recorded/launch-log.js';
import type { WatchedRecord, WatchSummary } from './watched-record.js';

/** So many refused calls are named at the end. */
const mostRefused = 8;
/** More processes than this are not told apart. */
const mostProcesses = 65_536;

export class Tally {
  calls = 0;
  private readonly pids = new Set<number>();
  private readonly kinds: Partial<Record<WatchKind, number>> = {};
  private readonly namespaces = new Map<string, { answer: WatchedRecord['answer']; calls: number }>();
  private readonly refused: string[] = [];
  private refusals = 0;
  notKept = 0;
  unread = 0;

  add(record: WatchedRecord, pid: number): void {
    const { kind, answer } = record;
    this.calls += 1;
    if (this.pids.size < mostProcesses) this.pids.add(pid);
    this.kinds[kind] = (this.kinds[kind] ?? 0) + 1;
    const key = `${answer.namespace} ${answer.whose}`;
    const known = this.namespaces.get(key);
    if (known === undefined) this.namespaces.set(key, { answer, calls: 1 });
    else {
      known.answer = answer;
      known.calls += 1;
    }
    const refused = refusedWords(record);
    if (refused === undefined) return;
    this.refusals += 1;
    const line = refusalLine(record, refused);
    if (this.refused.length < mostRefused && !this.refused.includes(line)) this.refused.push(line);
  }

  summary(): WatchSummary {
    const { calls, notKept, unread, kinds, refusals, refused } = this;
    const namespaces = [...this.namespaces.values()].map(({ answer, calls }) => ({ ...answer, calls }));
    return { calls, notKept, unread, processes: this.pids.size, kinds, namespaces, refusals, refused };
  }
}

/** `ls 2: openat(AT_FDCWD, "/etc/passwd", O_RDONLY) → the mount namespace: /etc/passwd is on the overlay at /`. */
export function callLine(record: WatchedRecord): string {
  const { watched, args, process, answer, architecture, known } = record;
  const made = `${process.name} ${process.inside}: ${watched}(${args.join(', ')})`;
  const other = architecture === undefined ? '' : ` [${architecture}]`;
  const refused = refusedWords(record);
  const fails = known === 'decided' ? 'refused' : 'will be refused';
  return `${made}${other} → ${answer.means}${refused === undefined ? '' : `; ${fails}: ${refused}`}`;
}

/** Why it fails, or will; undefined for one that was asked for and no more. */
function refusedWords({ refusal, decided }: WatchedRecord): string | undefined {
  if (decided?.errno !== undefined) return decisionWords(decided.by, decided.errno);
  return refusal && refusalWords(refusal);
}

/** `openat /etc/shadow: EACCES, because…: --bind …`. */
const refusalLine = ({ watched, paths = [] }: WatchedRecord, refused: string): string =>
  `${[watched, ...paths].join(' ')}: ${refused}`;

/** `watched 34 calls of 2 processes: 30 files, 4 processes`. */
export function summaryLine({ calls, processes, kinds, notKept }: WatchSummary): string {
  const parts = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`);
  const kept = notKept === 0 ? '' : `; ${notKept} of them are counted and have no record`;
  return `watched ${counted(calls, 'call')} of ${counted(processes, 'process')}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}${kept}`;
}
