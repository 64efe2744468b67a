/** ID maps as two number lines: the host's above, the container's below, and between them what the map joins. */

import type { LaunchLog } from '../recorded/launch-log.js';
import { type Html, html } from './html.js';
import { compressedScale, type Span } from './scale.js';

interface Range {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

const width = 560;
const edge = 24;
const [outsideLine, insideLine] = [76, 196];
const letterWidth = 10.5;

export function idMapPictures(log: LaunchLog): Html {
  const after = log.steps.find(({ id }) => id === 'id-maps')?.evidence?.after;
  if (after === undefined) {
    const failed = log.steps.some(({ id }) => id === 'id-maps');
    return failed
      ? html`<p class="absent">The launch ended before the maps were written.</p>`
      : html`<p class="absent">This launch makes no user namespace: every ID is the same in the container and on the host.</p>`;
  }
  return html`<p>A file that belongs to an ID on the host belongs to its partner in the container. An ID without a partner appears there as 65534, nobody. The lines keep the order of the IDs, not their distances.</p>
<div class="id-maps">
${idMap('user IDs', 'uid_map', rangesOf(after.uid_map))}
${idMap('group IDs', 'gid_map', rangesOf(after.gid_map))}
</div>`;
}

/** Lines of user_namespaces(7): first ID inside, first ID outside, how many. */
function rangesOf(lines: unknown): Range[] {
  if (!Array.isArray(lines)) return [];
  return lines.flatMap((line) => {
    const [inside, outside, count] = String(line).split(' ').map(Number);
    return [inside, outside, count].every((value) => Number.isSafeInteger(value))
      ? [{ inside, outside, count } as Range]
      : [];
  });
}

function idMap(title: string, file: string, ranges: readonly Range[]): Html {
  const spans: Span[] = ranges.flatMap((range) =>
    [range.inside, range.outside].map((first) => ({
      from: first,
      to: first + range.count,
      least: rangeText(first, range.count).length * letterWidth + 10,
    })),
  );
  const scale = compressedScale([{ from: 0, to: 1, least: 0 }, ...spans], width - 2 * edge - 40, 1);
  const drawn = Math.max(width, scale.width + 2 * edge + 40);
  const x = (id: number) => Math.round(edge + scale.x(id));
  return html`<figure>
<figcaption>${title} <code>${file}</code></figcaption>
<svg viewBox="0 0 ${drawn} 264" role="img" aria-label="${ranges.map(({ inside, outside, count }) => `${rangeText(inside, count)} inside is ${rangeText(outside, count)} outside`).join('; ')}">
<text class="place" x="${edge}" y="24">outside: the host</text>
<text class="place new" x="${edge}" y="256">inside: the container</text>
<path class="line" d="M4 ${outsideLine}H${drawn - 4}m-7 -5l7 5l-7 5"/>
<path class="line" d="M4 ${insideLine}H${drawn - 4}m-7 -5l7 5l-7 5"/>
${ranges.map(({ inside, outside, count }) => {
  const [left, right, low, high] = [x(outside), x(outside + count), x(inside), x(inside + count)];
  return html`<path class="joined" d="M${left} ${outsideLine + 8}H${right}L${high} ${insideLine - 8}H${low}Z"/>
<rect class="outside" x="${left}" y="${outsideLine - 8}" width="${right - left}" height="16" rx="4"/>
<rect class="inside" x="${low}" y="${insideLine - 8}" width="${high - low}" height="16" rx="4"/>
<text class="id" x="${(left + right) / 2}" y="${outsideLine - 16}" text-anchor="middle">${rangeText(outside, count)}</text>
<text class="id new" x="${(low + high) / 2}" y="${insideLine + 27}" text-anchor="middle">${rangeText(inside, count)}</text>
`;
})}</svg>
</figure>`;
}

/** `1000`, or `100000–165535`. */
const rangeText = (first: number, count: number): string =>
  count === 1 ? (first === 0 ? '0 root' : String(first)) : `${first}–${first + count - 1}`;
