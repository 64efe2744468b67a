/** The time axis of the lanes. As it is not even, it tells what cannot be seen: how long the long waits were. */

import { duration, endOf, type LaunchLog, waits } from '../recorded/launch-log.js';
import { type Html, html } from './html.js';
import { px, type Scale } from './scale.js';

/** A stretch in which all only wait is notable when it is this part of the launch. */
const notableWait = 1 / 20;
/** What its length needs to be written. */
export const waitWidth = 48;

/** The axis, with the length of every notable wait below it. */
export function waitAxis(log: LaunchLog, scale: Scale, y: number): Html {
  return html`<line class="axis" x1="0" y1="${y}" x2="${px(scale.width)}" y2="${y}"/>
${notableWaits(log).map(({ from, to }) => {
  const [left, right] = [scale.x(from), scale.x(to)];
  return html`<path class="wait" d="M${px(left + 3)} ${y - 4}v8M${px(right - 3)} ${y - 4}v8M${px(left + 3)} ${y}H${px(right - 3)}"/>
<text class="wait" x="${px((left + right) / 2)}" y="${y + 20}" text-anchor="middle">${duration(to - from)}</text>
`;
})}
<path class="arrow" d="M${px(scale.width)} ${y - 5}l8 5l-8 5"/>`;
}

/** The long stretches in which nobody was in a call but those that wait for others; and the command's run. */
export function notableWaits(log: LaunchLog): { from: number; to: number }[] {
  const stretches: { from: number; to: number }[] = [];
  let busyUntil = 0;
  for (const call of log.calls.filter((candidate) => !waits(candidate))) {
    if (call.at > busyUntil) stretches.push({ from: busyUntil, to: call.at });
    busyUntil = Math.max(busyUntil, endOf(call));
  }
  if (log.end > busyUntil) stretches.push({ from: busyUntil, to: log.end });
  return stretches.filter(({ from, to }) => to - from >= log.end * notableWait);
}
