/** The processes as a tree, in a drawing of its own that stays in place while the lanes beside it are scrolled. */
import { type Html, html } from './html.js';
import type { Process } from './launch-processes.js';

/** Units of the drawing. */
export const treeWidth = 184;

/** Each process beside its lane, below the one it is a child of. */
export function processTree(processes: readonly Process[], middle: (process: Process) => number): Html[] {
  return processes.map((process, index) => {
    const y = middle(process);
    const x = 4 + process.depth * 22;
    const above = processes.slice(0, index).findLast(({ depth }) => depth < process.depth);
    return html`${
      above !== undefined &&
      html`<path class="branch" d="M${4 + above.depth * 22 + 6} ${middle(above) + 24}V${y - 4}H${x - 4}"/>`
    }
<text class="actor ${process.newFrom !== undefined && process.actor !== 'P' && 'new'}" x="${x}" y="${y + 1}">${process.actor}</text>
<text class="process" x="${x}" y="${y + 18}">${process.pid}${process.inside !== undefined && html` <tspan class="new">is PID ${process.inside}</tspan>`}</text>
`;
  });
}

/** The same in words. */
export const treeText = (processes: readonly Process[]): string =>
  `The processes: ${processes.map(({ actor, pid, role }) => `${actor}, process ${pid}, ${role}`).join('; ')}`;
