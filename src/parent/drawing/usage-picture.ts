/** What the container used over its life: a curve each for memory, processes and processors, with the limit as a line. */
import type { UsageSample } from '../../common/cgroup/usage-sample.js';
import { readableSize } from '../../common/readable-size.js';
import { duration, type UsedOverTime } from '../recorded/launch-log.js';
import { type Html, html } from './html.js';
import { px } from './scale.js';

/** Lengths in units of the drawing. */
const [nameWidth, width, limitWidth, height, gap] = [150, 880, 160, 72, 26];
/** Microseconds. Processor time is given out for 100 ms at a time, and may be used late in one such stretch and early in the next. */
const meanOver = 300_000;

interface Point {
  readonly at: number;
  readonly value: number;
}

interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
  readonly limit: number | undefined;
  readonly words: (value: number) => string;
}

export function usagePicture({ samples, limits, hits }: UsedOverTime): Html {
  const [from, to] = [samples[0]?.at ?? 0, samples.at(-1)?.at ?? 0];
  const curves = curvesOf(samples, limits).filter(({ points }) => points.length > 0);
  const whole = curves.length * (height + gap);
  const x = (at: number): number => nameWidth + ((at - from) / Math.max(1, to - from)) * width;
  return html`<p>From the start of the command to its end, ${duration(to - from)}, read ${samples.length} times from its control group. The dashed line is the limit.</p>
${hits.length > 0 && html`<p class="hit">${hits.map((hit) => html`<b>${hit}</b><br>`)}</p>`}
<div class="lanes-scroll"><svg class="used" viewBox="0 0 ${nameWidth + width + limitWidth} ${whole}" role="img" aria-label="${curves.map(sentence).join('; ')}">
${curves.map((curve, index) => drawn(curve, index * (height + gap) + gap / 2, x))}</svg></div>`;
}

const curvesOf = (samples: readonly UsageSample[], limits: UsedOverTime['limits']): Curve[] => [
  {
    name: 'memory',
    points: points(samples, 'memory'),
    limit: limits.memory,
    words: readableSize,
  },
  {
    name: 'processes',
    points: points(samples, 'processes'),
    limit: limits.processes,
    words: String,
  },
  {
    name: 'processors',
    points: processors(points(samples, 'cpuTime')),
    limit: limits.cpus,
    words: (value) => String(Math.round(value * 100) / 100),
  },
];

const points = (samples: readonly UsageSample[], field: 'memory' | 'processes' | 'cpuTime'): Point[] =>
  samples.flatMap(({ at, [field]: value }) => (value === undefined ? [] : [{ at, value }]));

/** How many processors were in use, in the time before each moment. */
function processors(times: readonly Point[]): Point[] {
  let start = 0;
  return times.flatMap(({ at, value }, index) => {
    while (start + 1 < index && at - (times[start + 1] as Point).at >= meanOver) start++;
    const before = times[start] as Point;
    // A shorter time says little, but it is all that there is of a short life.
    const isEnough = at - before.at >= meanOver || index === times.length - 1;
    return index === 0 || !isEnough
      ? []
      : [{ at, value: Math.max(0, value - before.value) / (at - before.at) }];
  });
}

function drawn({ name, points: all, limit, words }: Curve, top: number, x: (at: number) => number): Html {
  const most = largest(all);
  const scale = Math.max(most, limit ?? 0) * 1.08 || 1;
  const y = (value: number): number => top + height - (value / scale) * height;
  const bottom = top + height;
  // From the left edge: a mean stands at the end of what it is of.
  const path = `M${nameWidth} ${px(y(all[0]?.value ?? 0))}${all.map(({ at, value }) => `L${px(x(at))} ${px(y(value))}`).join('')}`;
  return html`<text class="name" x="0" y="${top + height / 2}">${name}</text>
<text x="0" y="${top + height / 2 + 19}">at most ${words(most)}</text>
<path class="area" d="${path}L${px(x(all.at(-1)?.at ?? 0))} ${bottom}H${nameWidth}z"/>
<path class="curve" d="${path}"/>
<line class="axis" x1="${nameWidth}" y1="${bottom}" x2="${nameWidth + width}" y2="${bottom}"/>
${
  limit !== undefined &&
  html`<line class="limit" x1="${nameWidth}" y1="${px(y(limit))}" x2="${nameWidth + width}" y2="${px(y(limit))}"/>
<text class="limit" x="${nameWidth + width + 10}" y="${px(y(limit)) + 5}">${words(limit)}</text>
`
}`;
}

const sentence = ({ name, points: all, limit, words }: Curve): string =>
  `${name}: at most ${words(largest(all))}${limit === undefined ? '' : `, limit ${words(limit)}`}`;

const largest = (all: readonly Point[]): number => all.reduce((most, { value }) => Math.max(most, value), 0);
