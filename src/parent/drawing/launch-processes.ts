/** The processes of a launch: which there were, who made them, and when they lived. */
import { defined } from '../../common/defined.js';
import { isFields } from '../recorded/fields.js';
import { type Call, endOf, executesCommand, type LaunchLog } from '../recorded/launch-log.js';

export interface Process {
  /** Who it is in the log. */
  readonly actor: string;
  /** One phrase. */
  readonly role: string;
  /** How far it stands below the parent in the tree of processes. */
  readonly depth: number;
  /** The process ID on the host; 0 where the log has none. */
  readonly pid: number;
  /** The process ID in its own PID namespace, where that is another. */
  readonly inside?: number;
  /** Whether it is in the new namespaces, and from when on. */
  readonly newFrom?: number;
  /** When it lived, microseconds since the launch began. */
  readonly from: number;
  readonly to: number;
  /** The call that made it: clone(2), or execve(2) for the same process in a new program. */
  readonly madeBy?: Call;
  /** From when on it runs the container's command, for the process that does. */
  readonly runsFrom?: number;
}

/** The processes that every launch has (docs/call-chain.md); the parent starts others by their program's name. */
const roles: readonly { actor: string; role: string; depth: number }[] = [
  { actor: 'parent', role: 'stays on the host', depth: 0 },
  { actor: 'P', role: 'unshares, makes G', depth: 1 },
  { actor: 'G', role: 'becomes the child', depth: 1 },
  { actor: 'child', role: 'sets up, then reaps', depth: 1 },
  { actor: 'guard', role: 'waits for the end of the parent', depth: 1 },
  { actor: 'command', role: '', depth: 2 },
];

/** In the order of the tree. */
export function processesOf(log: LaunchLog): Process[] {
  const actors = [...new Set(log.calls.map(({ actor }) => actor))];
  const others = actors
    .filter((actor) => roles.every((role) => role.actor !== actor))
    .map((actor) => ({ actor, role: 'started by the parent', depth: 1 }));
  const known = roles.filter(({ actor }) => actors.includes(actor));
  const at = known.findIndex(({ actor }) => actor === 'G');
  return known.toSpliced(at < 0 ? known.length : at, 0, ...others).map((role) => processOf(log, role));
}

function processOf(log: LaunchLog, { actor, role, depth }: (typeof roles)[number]): Process {
  const own = log.calls.filter((call) => call.actor === actor);
  const [first] = own as [Call];
  const last = Math.max(...own.map(endOf));
  const madeBy =
    actor === 'child'
      ? log.calls.findLast((call) => call.actor === 'G' && call.call === 'execve' && call.errno === undefined)
      : log.calls.find(({ call, args }) => call === 'clone' && args.arg === actor);
  const executed = own.find((call) => executesCommand(call) && call.errno === undefined);
  const unshared = log.calls.find((call) => call.call === 'unshare' && call.errno === undefined);
  const inside = insidePid(log, actor);
  const lasts = ['parent', 'child', 'guard'].includes(actor) || executed !== undefined;
  const newFrom =
    actor === 'P' ? unshared && endOf(unshared) : ['G', 'child', 'command'].includes(actor) ? 0 : undefined;
  return defined({
    actor,
    role:
      actor === 'command'
        ? `becomes ${log.command[0]}`
        : executed === undefined
          ? role
          : `sets up, becomes ${log.command[0]}`,
    depth,
    pid: first.pid,
    inside: inside === first.pid ? undefined : inside,
    newFrom,
    from: actor === 'parent' ? 0 : madeBy === undefined ? first.at : Math.min(first.at, endOf(madeBy)),
    to: lasts ? log.end : last,
    madeBy,
    runsFrom: executed && endOf(executed),
  });
}

/** The process ID in the container, as the evidence has it. */
function insidePid({ steps }: LaunchLog, actor: string): number | undefined {
  const evidenceOf = (id: string) => steps.find((step) => step.id === id)?.evidence?.after.process;
  const found =
    actor === 'G' || actor === 'child'
      ? [evidenceOf('child'), 'inside']
      : actor === 'command'
        ? [evidenceOf('command'), 'pid']
        : [];
  const [fields, name] = found as [unknown, string];
  const pid = isFields(fields) ? fields[name] : undefined;
  return typeof pid === 'number' ? pid : undefined;
}
