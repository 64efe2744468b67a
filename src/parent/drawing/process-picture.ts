/** The processes of a launch as it stands: each appears when it is made, on the side where it is. For the back row. */
import type { LaunchLog } from '../recorded/launch-log.js';
import { executesCommand } from '../recorded/launch-log.js';
import { shortened } from './call-words.js';
import { type Html, html } from './html.js';
import { type Process, processesOf } from './launch-processes.js';
import { treeText } from './process-tree.js';

/** Units of the drawing. */
const [width, height] = [900, 470];
const box = { width: 236, height: 120 };

interface Place {
  readonly actor: string;
  readonly x: number;
  readonly y: number;
  /** The actor that makes it, and by which call. */
  readonly from?: string;
  readonly by?: string;
  readonly link?: string;
}

/** P stands on the border: it leaves the host’s namespaces. What stands right of it is in the new ones. */
const places: readonly Place[] = [
  { actor: 'parent', x: 24, y: 50 },
  { actor: 'P', x: 252, y: 338, from: 'parent', by: 'clone', link: 'M142 170V398H248' },
  { actor: 'G', x: 636, y: 338, from: 'P', by: 'clone', link: 'M488 398H628' },
  { actor: 'child', x: 636, y: 194, from: 'G', by: 'execve', link: 'M754 338V318' },
  { actor: 'command', x: 636, y: 50, from: 'child', by: 'clone', link: 'M754 194V174' },
];

type Kind = 'coming' | 'here' | 'past' | 'runs' | 'failed';

export function processPicture(log: LaunchLog): Html {
  const processes = processesOf(log);
  const acting = new Set(log.stop?.calls.map(({ actor }) => actor));
  const drawn = places.flatMap((place) => {
    const process = processes.find(({ actor }) => actor === place.actor);
    const kind = kindOf(place.actor, process, log, acting);
    return kind === undefined ? [] : [{ place, process, kind, acts: acting.has(place.actor) }];
  });
  const unshared = log.calls.some(({ call, errno }) => call === 'unshare' && errno === undefined);
  return html`<svg class="picture" viewBox="0 0 ${width} ${height}" role="img" aria-label="${treeText(processes)}">
<rect class="side" x="2" y="2" width="356" height="${height - 4}" rx="14"/>
<text class="side" x="24" y="36">host</text>
<rect class="side new ${!unshared && 'unmade'}" x="382" y="2" width="${width - 384}" height="${height - 4}" rx="14"/>
<text class="side new" x="404" y="36">${unshared ? 'new namespaces' : 'new namespaces: not made yet'}</text>
${drawn.map(({ place, kind }) => link(place, kind))}
${drawn.map(({ place, process, kind, acts }) => boxOf(place, process, kind, acts, log))}
${others(processes)}</svg>`;
}

/** Undefined where there is no such process, and none is about to be made. */
function kindOf(
  actor: string,
  process: Process | undefined,
  log: LaunchLog,
  acting: ReadonlySet<string>,
): Kind | undefined {
  if (process === undefined) return acting.has(actor) ? 'coming' : undefined;
  if (log.failure?.call?.actor === actor) return 'failed';
  if (log.ended !== undefined || log.failure !== undefined) return 'past';
  const has = (other: string) => log.calls.some((call) => call.actor === other);
  // P ends when it has made G, and G becomes the child.
  if (actor === 'P' && has('G')) return 'past';
  if (actor === 'G' && has('child')) return 'past';
  return process.runsFrom === undefined ? 'here' : 'runs';
}

function link({ by, link: path }: Place, kind: Kind): Html | false {
  if (path === undefined) return false;
  const [x, y] = labelOf(path);
  return html`<path class="link ${kind}" d="${path}"/>
<text class="link" x="${x}" y="${y}">${by}</text>
`;
}

/** Beside the last stretch of the line. */
function labelOf(path: string): [number, number] {
  const [, startX = 0, startY = 0, ...rest] = (/^M(\d+) (\d+)(.*)$/.exec(path) ?? []) as unknown as [
    string,
    number,
    number,
    string,
  ];
  const [, direction, end] = /([VH])(\d+)$/.exec(rest.join('')) ?? [];
  return direction === 'V'
    ? [Number(startX) + 12, (Number(startY) + Number(end)) / 2 + 7]
    : [Number(end) - (path.includes('V') ? 82 : 108), Number(path.includes('V') ? 398 : startY) - 12];
}

function boxOf(
  { actor, x, y }: Place,
  process: Process | undefined,
  kind: Kind,
  acts: boolean,
  log: LaunchLog,
): Html {
  const fresh = ['G', 'child', 'command'].includes(actor);
  const middle = x + box.width / 2;
  const inside = process?.inside;
  const top = inside === undefined ? y + 12 : y;
  return html`<g class="process ${kind} ${fresh && 'new'} ${acts && 'acts'}">
<rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="12"/>
<text class="name" x="${middle}" y="${top + 45}" text-anchor="middle">${nameOf(actor, process, log)}</text>
<text class="id" x="${middle}" y="${top + 77}" text-anchor="middle">${process ? `process ${process.pid}` : 'about to be made'}</text>
${inside !== undefined && html`<text class="id inside" x="${middle}" y="${y + 105}" text-anchor="middle">PID ${inside} inside</text>`}</g>
`;
}

/** The command's own name, once it has become it. */
function nameOf(actor: string, process: Process | undefined, log: LaunchLog): string {
  const runs = process?.runsFrom !== undefined && log.calls.some(executesCommand);
  const name = runs ? (log.command[0]?.split('/').at(-1) ?? actor) : actor;
  return shortened(name, 11);
}

/** Programs that the parent starts beside them, for example newuidmap(1). */
function others(processes: readonly Process[]): Html | false {
  const names = processes
    .map(({ actor }) => actor)
    .filter((actor) => places.every((place) => place.actor !== actor));
  return (
    names.length > 0 &&
    html`<text class="others" x="156" y="206">${shortened(`also: ${names.join(', ')}`, 18)}</text>
`
  );
}
