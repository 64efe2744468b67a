/** What the command asked: a lane for each namespace that answered, with a mark for each call, and the calls in words. */
import { counted } from '../../common/counted.js';
import { namespaces } from '../../common/namespaces.js';
import { duration, type LaunchLog, type Watched } from '../recorded/launch-log.js';
import { type Html, html } from './html.js';

/** Lengths in units of the drawing. */
const [nameWidth, width, laneHeight, markWidth] = [150, 1040, 34, 5];
/** A page is to be read: of more calls than this the later ones are counted. */
const mostRows = 400;

interface Mark {
  readonly calls: number;
  readonly refused: number;
  readonly first: Watched;
}

/** Undefined where nothing was watched. */
export function watchedPicture({ watched }: LaunchLog): Html | undefined {
  const [first, last] = [watched[0], watched.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const lanes = namespaces.flatMap(({ entry, name }) =>
    (['container', 'nested', 'host'] as const).flatMap((whose) => {
      const calls = watched.filter((call) => call.namespace === entry && call.whose === whose);
      return calls.length === 0 ? [] : [{ name: laneNames[whose](name), whose, calls }];
    }),
  );
  const height = lanes.length * laneHeight + 10;
  const span = Math.max(1, last.at - first.at);
  const place = (at: number) => Math.round((at - first.at) / span / (markWidth / (width - 20)));
  const shown = watched.slice(0, mostRows);
  return html`<p>${counted(watched.length, 'call')} in ${duration(span)}, each on the lane of the namespace that answered. Of a call that went on no more is known than that it was asked for; a refusal is foreseen.</p>
<div class="lanes-scroll"><svg class="watched" viewBox="0 0 ${nameWidth + width} ${height}" role="img" aria-label="${lanes.map(({ name, calls }) => `${name}: ${counted(calls.length, 'call')}`).join('; ')}">
${lanes.map(({ name, whose, calls }, index) => lane(name, whose, marksOf(calls, place), index))}</svg></div>
<details class="calls" ${shown.length <= 40 && 'open'}><summary>${counted(shown.length, 'call')}${shown.length < watched.length && `, and ${watched.length - shown.length} more that are not listed`}</summary>
<table><thead><tr><th scope="col">process</th><th scope="col">call</th><th scope="col">answered by</th></tr></thead><tbody>${shown.map(row)}</tbody></table></details>`;
}

const laneNames = {
  container: (name: string) => name,
  nested: (name: string) => `${name}, nested`,
  host: (name: string) => `${name}, the host’s`,
} as const;

/** Calls that come close to each other share a mark. */
function marksOf(calls: readonly Watched[], place: (at: number) => number): Map<number, Mark> {
  const marks = new Map<number, Mark>();
  for (const call of calls) {
    const at = place(call.at);
    const before = marks.get(at);
    marks.set(at, {
      calls: (before?.calls ?? 0) + 1,
      refused: (before?.refused ?? 0) + (call.refusal === undefined ? 0 : 1),
      first: before?.first ?? call,
    });
  }
  return marks;
}

function lane(name: string, whose: Watched['whose'], marks: ReadonlyMap<number, Mark>, index: number): Html {
  const middle = index * laneHeight + laneHeight / 2 + 5;
  const x = (place: number) => nameWidth + place * markWidth;
  return html`<text class="${whose !== 'host' && 'new'}" x="0" y="${middle + 5}">${name}</text>
<line class="life ${whose !== 'host' && 'new'}" x1="${nameWidth}" y1="${middle}" x2="${nameWidth + width}" y2="${middle}"/>
${[...marks].map(([place, { calls, refused, first }]) => {
  const tall = Math.min(26, 10 + Math.round(4 * Math.log2(calls)));
  const more = calls > 1 ? ` and ${calls - 1} more` : '';
  return html`<rect class="mark ${whose !== 'host' && 'new'} ${refused > 0 && 'failed'}" x="${x(place)}" y="${middle - tall / 2}" width="${markWidth - 1}" height="${tall}"><title>${first.process}: ${first.call}${more}</title></rect>`;
})}
`;
}

const row = ({ process, call, args, means, refusal }: Watched): Html =>
  html`<tr class="${refusal !== undefined && 'failed'}"><td>${process}</td><td><code>${call}(${args.join(', ')})</code></td><td>${means}${refusal !== undefined && html`<br><b>${refusal}</b>`}</td></tr>
`;
