/**
 * The drawing of a launch: the processes as a tree on the left, each with a lane on which its calls stand, and the steps
 * as bands behind them. Time runs to the right; where much happens it is stretched (scale.ts).
 */

import {
  type Call,
  endOf,
  executesCommand,
  type LaunchLog,
  type Step,
  waits,
} from '../recorded/launch-log.js';
import { meaningOf } from './call-meanings.js';
import { argumentText, resultText, shortened, shortName } from './call-words.js';
import { type Html, html } from './html.js';
import { type Process, processesOf } from './launch-processes.js';
import { processTree, treeText, treeWidth } from './process-tree.js';
import { compressedScale, px, type Scale, type Span } from './scale.js';
import { notableWaits, waitAxis, waitWidth } from './wait-axis.js';

/** Lengths in units of the drawing; at 1280 pixels one unit is about a pixel. */
const usualWidth = 1040;
const bandHeight = 34;
const laneHeight = 54;
const axisHeight = 48;
const barHeight = 26;
const smallBar = 11;
const letterWidth = 8.8;
/** Stretches longer than this, microseconds, count as long and are compressed. */
const shortStretch = 60;
export interface Lanes {
  readonly drawing: Html;
  /** CSS for this drawing's proportions. */
  readonly style: string;
}

export function lanes(log: LaunchLog): Lanes {
  const processes = processesOf(log);
  const scale = scaleOf(log);
  const width = Math.ceil(scale.width) + 12;
  const height = bandHeight + processes.length * laneHeight + axisHeight;
  const middle = (process: Process) => bandHeight + (processes.indexOf(process) + 0.5) * laneHeight;
  const drawing = html`<div class="lanes-scroll"><div class="lanes">
<svg class="tree" viewBox="0 0 ${treeWidth} ${height}" role="img" aria-label="${treeText(processes)}">
${processTree(processes, middle)}</svg>
<svg class="time" viewBox="0 0 ${width} ${height}" role="group" aria-label="Steps and kernel calls in the order of time">
${log.steps.map((step) => band(step, scale, height))}
${processes.map((process) => lifeline(process, middle(process), log, scale))}
${processes.map((process) => maker(process, processes, middle, scale))}
${processes.map((process) =>
  log.calls
    .filter(({ actor }) => actor === process.actor)
    .map((call) => bar(call, process, middle(process), log, scale)),
)}
${waitAxis(log, scale, height - axisHeight + 16)}</svg>
</div></div>`;
  return {
    drawing,
    style: `.lanes{grid-template-columns:${treeWidth}fr ${width}fr;min-width:${Math.round((treeWidth + width) * 0.74)}px}`,
  };
}

/** Every call gets the width of its bar, every step that of its number. */
function scaleOf(log: LaunchLog): Scale {
  const spans: Span[] = log.calls.map((call) => ({
    from: call.at,
    to: drawnEnd(call),
    least: leastWidth(call, log) + 2,
  }));
  const steps = log.steps.flatMap(({ span }) =>
    span === undefined ? [] : [{ from: span.from, to: Math.max(span.to, span.from + 1), least: 28 }],
  );
  // The command's run is what it is all for, and gets room for its name.
  const runs = log.calls.findLast(executesCommand);
  const run =
    runs === undefined ? [] : [{ from: runs.at + 1, to: Math.max(log.end, runs.at + 2), least: 76 }];
  const idle = notableWaits(log).map((stretch) => ({ ...stretch, least: waitWidth }));
  return compressedScale(
    [{ from: 0, to: log.end, least: 0 }, ...spans, ...steps, ...run, ...idle],
    usualWidth,
    shortStretch,
  );
}

/** One that does not return is drawn as if it took a microsecond. */
const drawnEnd = (call: Call): number =>
  call.us === undefined ? call.at + 1 : Math.max(endOf(call), call.at + 0.001);

const isNamed = (call: Call, log: LaunchLog): boolean =>
  meaningOf(call.call)?.essential === true || call === log.failure?.call || shortName(call) !== call.call;

const leastWidth = (call: Call, log: LaunchLog): number =>
  isNamed(call, log) ? shortName(call).length * letterWidth + 9 : smallBar;

/** The step's background, and its number and as much of its title as fits. */
function band(step: Step, scale: Scale, height: number): Html | false {
  if (step.span === undefined) return false;
  const x = scale.x(step.span.from);
  const width = Math.max(26, scale.x(Math.max(step.span.to, step.span.from + 1)) - x);
  const room = Math.floor((width - 34) / 7.8);
  const title = room < 5 ? '' : shortened(step.title, room);
  return html`<a class="band ${step.state === 'failed' && 'failed'}" href="#step-${step.number}" data-item="step-${step.number}" aria-label="Step ${step.number}: ${step.title}${step.state !== 'done' && `, ${step.state}`}">
<title>${step.number}. ${step.title}</title>
<rect class="ground" x="${px(x)}" y="0" width="${px(width)}" height="${height - axisHeight}" rx="5"/>
<rect class="head" x="${px(x)}" y="0" width="${px(width)}" height="${bandHeight - 6}" rx="5"/>
<text x="${px(x + 8)}" y="19"><tspan class="number">${step.number}</tspan> <tspan dx="3">${title}</tspan></text></a>
`;
}

function lifeline(process: Process, y: number, log: LaunchLog, scale: Scale): Html {
  const [from, to] = [scale.x(process.from), scale.x(process.to)];
  const fresh = process.newFrom === undefined ? undefined : Math.max(from, scale.x(process.newFrom));
  const runs = process.runsFrom === undefined ? undefined : scale.x(process.runsFrom) + smallBar;
  return html`<line class="life" x1="${px(from)}" y1="${y}" x2="${px(fresh === undefined ? to : Math.min(fresh, to))}" y2="${y}"/>
${fresh !== undefined && fresh < to && html`<line class="life new" x1="${px(fresh)}" y1="${y}" x2="${px(to)}" y2="${y}"/>`}
${
  runs !== undefined &&
  html`<rect class="runs" x="${px(runs)}" y="${y - barHeight / 2}" width="${px(Math.max(20, to - runs))}" height="${barHeight}" rx="4"/>
<text class="runs" x="${px(to - 6)}" y="${y + 5}" text-anchor="end">${shortened(log.command[0]?.split('/').at(-1) ?? '', Math.max(2, Math.floor((to - runs - 52) / letterWidth)))} runs</text>`
}
`;
}

/** The line from the call that made a process down to the beginning of its lane. */
function maker(
  process: Process,
  processes: readonly Process[],
  middle: (process: Process) => number,
  scale: Scale,
): Html | false {
  const above = processes.find(({ actor }) => actor === process.madeBy?.actor);
  if (process.madeBy === undefined || above === undefined) return false;
  const x = scale.x(process.from);
  return html`<path class="made ${process.madeBy.call === 'execve' && 'same'}" d="M${px(x)} ${middle(above) + barHeight / 2}V${middle(process)}"/>
`;
}

function bar(call: Call, process: Process, y: number, log: LaunchLog, scale: Scale): Html {
  const x = scale.x(call.at);
  const named = isNamed(call, log);
  const width = Math.max(leastWidth(call, log), scale.x(drawnEnd(call)) - x - 2);
  const kinds = [
    'call',
    process.newFrom !== undefined && endOf(call) >= process.newFrom && 'new',
    waits(call) && 'waits',
    !named && 'small',
    call.errno !== undefined && 'failed',
  ].filter(Boolean);
  const height = named ? barHeight : barHeight - 8;
  return html`<a class="${kinds.join(' ')}" href="#call-${call.number}" data-item="call-${call.number}" aria-label="${spoken(call, process)}">
<title>${call.actor}: ${call.call} ${resultText(call)}</title>
<rect class="reach" x="${px(x - 1.5)}" y="${y - laneHeight / 2 + 8}" width="${px(width + 3)}" height="${laneHeight - 16}"/>
<rect class="bar" x="${px(x)}" y="${y - height / 2}" width="${px(width)}" height="${height}" rx="4"/>
${named && html`<text x="${px(x + 5)}" y="${y + 5}">${shortName(call)}</text>`}
${call.errno !== undefined && html`<text class="errno" x="${px(x)}" y="${y + barHeight / 2 + 13}">${call.errno}</text>`}</a>
`;
}

/** What a screen reader says of a call. */
function spoken(call: Call, { actor }: Process): string {
  const args = Object.entries(call.args).map(
    ([name, value]) => `${name} ${shortened(argumentText(call.call, name, value), 60)}`,
  );
  return `${actor} calls ${call.call}: ${args.join(', ')}; ${call.errno === undefined ? `returned ${call.ret}` : `failed with ${call.errno}`}`;
}
