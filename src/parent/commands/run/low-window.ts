/** What is said in fewer lines in a low window, so that the banner, every step and the prompt are in sight at once. */
import { basename } from 'node:path';
import type { WindowSize } from '../../../common/kernel/terminal-modes.js';
import { locateProgram, resolveBeneath } from '../../../common/program.js';
import type { LaunchSpec } from '../../../common/spec.js';
import { numberedSteps } from '../../../common/steps/index.js';
import { foldedLines, wholeLines } from './banner.js';

/** BusyBox's shell greets with two blank lines, these with its version in them, and a blank line. */
const greeting = [
  'BusyBox v1.00.0 (Debian 1:1.00.0-0+deb00u0+b0) built-in shell (ash)',
  "Enter 'help' for a list of built-in commands.",
];
const greetingLines = (columns: number): number =>
  3 + greeting.reduce((sum, { length }) => sum + Math.ceil(length / columns), 0);

export interface Fold {
  /** Whether the banner takes two lines. */
  readonly banner: boolean;
  /** The steps that share a line with the next one. */
  readonly steps: ReadonlySet<string>;
}

/** @param warningLines how many lines are said before the first step */
export function foldFor(
  spec: LaunchSpec,
  { rows, columns }: WindowSize,
  hasBanner: boolean,
  warningLines: number,
): Fold {
  const steps = [...numberedSteps(spec).values()].map(({ step }) => step);
  const others = warningLines + steps.length + (greets(spec) ? greetingLines(columns) : 0);
  // With the prompt. The line that was typed, and a blank one, stay in sight beside a whole banner only.
  const banner = hasBanner && wholeLines + others + 3 > rows;
  const excess = (hasBanner ? foldedLines : 0) + others + 1 - rows;
  // What the parent does is what launches are about: its changes are the last to go.
  const order = [
    ...steps.filter(({ prepares }) => prepares),
    ...steps.filter(({ stage }) => stage === 'child'),
    ...steps,
  ];
  const folded = new Set<string>();
  const isFolded = (index: number): boolean => folded.has(steps[index]?.id ?? '');
  for (const step of order) {
    const index = steps.indexOf(step);
    if (folded.size >= excess) break;
    // A line has room for two.
    if (index < steps.length - 1 && ![-1, 0, 1].some((near) => isFolded(index + near))) folded.add(step.id);
  }
  // Where not even that is enough, the window scrolls anyway.
  return { banner, steps: folded.size < excess ? new Set() : folded };
}

/** Whether the command is BusyBox's shell, for somebody who types. */
function greets({
  command: [name = '', ...words],
  environment,
  root,
  workingDirectory,
}: LaunchSpec): boolean {
  if (!words.every((word) => /^-[il]+$/.test(word))) return false;
  try {
    const place = root?.path ?? '/';
    const program = locateProgram(name, environment.PATH ?? '', place, workingDirectory ?? '/');
    return basename(resolveBeneath(place, program)) === 'busybox';
  } catch {
    return false; // What stands in the way is said when the command is to be executed.
  }
}
